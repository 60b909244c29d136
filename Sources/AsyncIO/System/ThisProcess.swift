// The process: its environment, title, user, priority, and what it has used.

extension SystemInfo {
    // MARK: - The environment

    /// All variables of the environment.
    ///
    /// - Throws: ``IOError``.
    ///
    /// asyncio: os.environ · libuv: uv_os_environ
    public var environment: [String: String] { get throws { try System.environment() } }

    /// A variable of the environment; nil if it is not set.
    ///
    /// asyncio: os.environ.get · libuv: uv_os_getenv
    public func environmentVariable(_ name: String) -> String? {
        Self.isVariableName(name) ? System.environment(name) : nil
    }

    /// Sets a variable of the environment, for the process and for children that it starts later; nil removes it.
    ///
    /// The C library lets no thread read the environment while another one changes it: do this before the program has
    /// several threads.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` for a name that is empty or contains `=`, and for a NUL in
    ///   either; ``IOError``.
    ///
    /// asyncio: os.putenv, os.unsetenv · libuv: uv_os_setenv, uv_os_unsetenv
    public func setEnvironmentVariable(_ name: String, _ value: String?) throws {
        guard Self.isVariableName(name) else {
            throw EventLoopError.invalidArgument("name: must not be empty, nor contain = or a NUL")
        }
        if let value { try Self.checkText(value, argument: "value") }
        try System.setEnvironment(name, value)
    }

    private static func isVariableName(_ name: String) -> Bool {
        !name.isEmpty && !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "=") }
    }

    // MARK: - The process

    /// What `ps` shows for the process: the name it was started by, until ``setProcessTitle(_:)``.
    ///
    /// libuv: uv_get_process_title
    public var processTitle: String { ProcessTitle.get() }

    /// Changes what `ps` shows for the process, and the name of the calling thread. It is cut to the room that the
    /// arguments of the process took, since it is written over them: `CommandLine.arguments` keeps what it had, but C
    /// code that kept a pointer to `argv` sees the title.
    ///
    /// - Throws: ``IOError`` `.notSupported` if the arguments in `CommandLine.unsafeArgv` are not in the place where
    ///   the system put them, as in a program whose `main` is not Swift's; ``EventLoopError`` `.invalidArgument` for a
    ///   NUL.
    ///
    /// libuv: uv_setup_args, uv_set_process_title
    public func setProcessTitle(_ title: String) throws {
        try Self.checkText(title, argument: "title")
        try ProcessTitle.set(title)
    }

    /// The number of the process.
    ///
    /// asyncio: os.getpid · libuv: uv_os_getpid
    public var processIdentifier: Int32 { System.processIdentifier }

    /// The number of the process that started it, or that took it over from there.
    ///
    /// asyncio: os.getppid · libuv: uv_os_getppid
    public var parentProcessIdentifier: Int32 { System.parentProcessIdentifier }

    /// The user whose rights the process has.
    ///
    /// - Throws: ``IOError`` `.noSuchFile` if the system has no entry for the user.
    ///
    /// asyncio: pwd.getpwuid(os.geteuid()) · libuv: uv_os_get_passwd
    public var currentUser: UserInfo {
        get throws {
            let user = try System.user()
            return UserInfo(
                name: user.name, userID: user.userID, groupID: user.groupID, shell: user.shell,
                homeDirectory: user.homeDirectory)
        }
    }

    // MARK: - Priority and use

    /// The priorities that a process may have: the lower the number, the more it gets. 0 is usual.
    ///
    /// libuv: UV_PRIORITY_HIGHEST, UV_PRIORITY_LOW
    public static var priorities: ClosedRange<Int> { System.priorities }

    /// The priority of a process.
    ///
    /// - Parameter process: its number; 0 is this one. On Linux, of this one, the calling thread.
    /// - Throws: ``IOError`` `.noSuchProcess` if there is none.
    ///
    /// asyncio: os.getpriority · libuv: uv_os_getpriority
    public func priority(of process: Int32 = 0) throws -> Int { try System.priority(of: process) }

    /// Changes the priority of a process.
    ///
    /// - Parameters:
    ///   - priority: one of ``priorities``; only a privileged process may go down.
    ///   - process: its number; 0 is this one. On Linux, of this one, the calling thread.
    /// - Throws: ``EventLoopError`` `.invalidArgument` for other numbers; ``IOError`` `.noSuchProcess` if there is
    ///   none, `.permissionDenied` or `.notPermitted`.
    ///
    /// asyncio: os.setpriority · libuv: uv_os_setpriority
    public func setPriority(_ priority: Int, of process: Int32 = 0) throws {
        guard Self.priorities.contains(priority) else {
            throw EventLoopError.invalidArgument(
                "priority: must be \(Self.priorities.lowerBound) to \(Self.priorities.upperBound), not \(priority)")
        }
        try System.setPriority(priority, of: process)
    }

    /// What the process has used so far.
    ///
    /// - Throws: ``IOError``.
    ///
    /// asyncio: resource.getrusage(RUSAGE_SELF) · libuv: uv_getrusage
    public var resourceUsage: ResourceUsage {
        get throws {
            let numbers = try System.resourceUsage()
            return ResourceUsage(
                userTime: Self.duration(numbers.userTime), systemTime: Self.duration(numbers.systemTime),
                maximumResidentSet: Int(clamping: numbers.maximumResidentSet),
                minorPageFaults: Int(clamping: numbers.minorFaults),
                majorPageFaults: Int(clamping: numbers.majorFaults),
                blocksRead: Int(clamping: numbers.blocksRead), blocksWritten: Int(clamping: numbers.blocksWritten),
                voluntaryContextSwitches: Int(clamping: numbers.voluntarySwitches),
                involuntaryContextSwitches: Int(clamping: numbers.involuntarySwitches))
        }
    }

    private static func duration(_ time: (seconds: Int, microseconds: Int)) -> Duration {
        .seconds(time.seconds) + .microseconds(time.microseconds)
    }
}
