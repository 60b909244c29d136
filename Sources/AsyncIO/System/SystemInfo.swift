// What the system says about itself: its names, folders, and the machine it runs on.

/// The facts of the machine and of the process, as values. Each is asked for anew; those of Linux come from a few small
/// files in `/proc`, and asking takes far less than a millisecond.
///
/// ```swift
/// let memory = try loop.system.memory
/// print("\(try loop.system.hostName): \(memory.free / 1_048_576) MiB free")
/// ```
///
/// Texts of the system that are not UTF-8 are repaired.
///
/// asyncio: os, platform, resource · libuv: its miscellaneous utilities
public struct SystemInfo {
    let loop: EventLoop

    // MARK: - The system

    /// The name of the machine in its network.
    ///
    /// - Throws: ``IOError``.
    ///
    /// asyncio: socket.gethostname · libuv: uv_os_gethostname
    public var hostName: String { get throws { try System.hostName() } }

    /// The operating system.
    ///
    /// - Throws: ``IOError``.
    ///
    /// asyncio: os.uname · libuv: uv_os_uname
    public var operatingSystem: OperatingSystemInfo {
        get throws {
            let names = try System.operatingSystem()
            return OperatingSystemInfo(
                name: names.name, release: names.release, version: names.version, machine: names.machine)
        }
    }

    /// How long ago the machine was started.
    ///
    /// - Throws: ``IOError``.
    ///
    /// libuv: uv_uptime
    public var uptime: Duration { get throws { .seconds(try System.uptime()) } }

    // MARK: - The machine

    /// The processors, whether or not the process may use them.
    ///
    /// - Throws: ``IOError``.
    ///
    /// asyncio: os.cpu_count · libuv: uv_cpu_info
    public var cpus: [CPUInfo] {
        get throws {
            try System.processors().map { processor in
                CPUInfo(
                    model: processor.model, megahertz: processor.speed,
                    times: CPUInfo.Times(
                        user: .milliseconds(processor.times.user), nice: .milliseconds(processor.times.nice),
                        system: .milliseconds(processor.times.kernel), idle: .milliseconds(processor.times.idle),
                        interrupt: .milliseconds(processor.times.interrupt)))
            }
        }
    }

    /// How many threads of the process can run at once, at least one. This is the number to size a pool by.
    ///
    /// asyncio: os.process_cpu_count · libuv: uv_available_parallelism
    public var availableParallelism: Int { System.parallelism }

    /// The memory of the machine and of the process.
    ///
    /// - Throws: ``IOError``.
    ///
    /// libuv: uv_get_total_memory, uv_get_free_memory, uv_get_constrained_memory, uv_resident_set_memory
    public var memory: MemoryInfo {
        get throws {
            let memory = System.memory
            // Without a limit the system says nothing, or a number that no machine reaches.
            let isLimited = memory.constrained > 0 && memory.constrained < memory.total
            return MemoryInfo(
                total: Int(clamping: memory.total), free: Int(clamping: memory.free),
                limit: isLimited ? Int(memory.constrained) : nil, residentSet: try System.residentMemory())
        }
    }

    /// How many tasks of the system ran or wanted to, on average over the last 1, 5 and 15 minutes.
    ///
    /// asyncio: os.getloadavg · libuv: uv_loadavg
    public var loadAverage: (oneMinute: Double, fiveMinutes: Double, fifteenMinutes: Double) { System.loadAverage }

    /// The addresses of the network interfaces that are up; an interface is listed once for each of its addresses.
    ///
    /// - Throws: ``IOError``.
    ///
    /// libuv: uv_interface_addresses
    public var networkInterfaces: [NetworkInterface] {
        get throws {
            try System.interfaces().compactMap { interface in
                guard let address = interface.address.flatMap({ IPAddress.from($0) })?.address,
                    let netmask = interface.netmask.flatMap({ IPAddress.from($0) })?.address
                else { return nil }
                return NetworkInterface(
                    name: interface.name, address: address, netmask: netmask, isInternal: interface.isInternal,
                    physicalAddress: interface.hardware)
            }
        }
    }

    // MARK: - Folders

    /// The user's home folder: `HOME` if that is set, else what the system knows.
    ///
    /// - Throws: ``IOError``.
    ///
    /// asyncio: os.path.expanduser("~") · libuv: uv_os_homedir
    public var homeDirectory: String { get throws { try System.homeDirectory() } }

    /// Where temporary files go: `TMPDIR`, `TMP`, `TEMP` or `TEMPDIR`, else the system's folder for them.
    ///
    /// - Throws: ``IOError``.
    ///
    /// asyncio: tempfile.gettempdir · libuv: uv_os_tmpdir
    public var temporaryDirectory: String { get throws { try System.temporaryDirectory() } }

    /// The file that the process runs.
    ///
    /// - Throws: ``IOError``.
    ///
    /// asyncio: sys.executable · libuv: uv_exepath
    public var executablePath: String { get throws { try System.executablePath() } }

    /// The folder that relative paths begin at, for all threads of the process.
    ///
    /// - Throws: ``IOError``, for example `.noSuchFile` if it has been removed.
    ///
    /// asyncio: os.getcwd · libuv: uv_cwd
    public var workingDirectory: String { get throws { try System.workingDirectory() } }

    /// Changes the folder that relative paths begin at, for all threads of the process.
    ///
    /// - Throws: ``IOError``; ``EventLoopError`` `.invalidArgument` for a path with a NUL.
    ///
    /// asyncio: os.chdir · libuv: uv_chdir
    public func changeWorkingDirectory(to path: String) throws {
        try Self.checkText(path, argument: "path")
        try System.changeDirectory(to: path)
    }

    /// The C functions would stop reading at a NUL.
    static func checkText(_ text: String, argument: StaticString) throws {
        if text.utf8.contains(0) { throw EventLoopError.invalidArgument("\(argument): must not contain a NUL") }
    }
}

extension EventLoop {
    /// The facts of the machine and of the process.
    ///
    /// asyncio: os, platform, resource · libuv: its miscellaneous utilities
    public var system: SystemInfo { SystemInfo(loop: self) }
}
