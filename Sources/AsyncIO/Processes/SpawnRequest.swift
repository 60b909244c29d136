// What a program asks for when it starts a child, checked, and the start itself.

/// A child that is to be started.
struct SpawnRequest {
    var options: SpawnOptions
    var stdin: ChildStream
    var stdout: ChildStream
    var stderr: ChildErrorStream
    var passed: [Int32]
    var isDetached: Bool

    /// Checks the arguments of the calls that start a child.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument`, with the name of the argument.
    init(
        program: String, arguments: [String], stdin: ChildStream, stdout: ChildStream, stderr: ChildErrorStream,
        attributes: SpawnAttributes
    ) throws {
        try Self.checkText(program, "program")
        for argument in arguments { try Self.checkText(argument, "arguments") }
        if let executable = attributes.executable { try Self.checkText(executable, "executable") }
        if let folder = attributes.workingDirectory { try Self.checkText(folder, "workingDirectory") }
        var environment: [String]?
        if let wanted = attributes.environment {
            environment = try wanted.map { name, value in
                guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")) else {
                    throw EventLoopError.invalidArgument("environment: \"\(name)\" cannot be the name of a variable")
                }
                try Self.checkText(name, "environment")
                try Self.checkText(value, "environment")
                return "\(name)=\(value)"
            }
        }
        if attributes.processGroup != nil, attributes.startNewSession || attributes.detached {
            throw EventLoopError.invalidArgument("processGroup: a new session has a process group of its own")
        }
        if let group = attributes.processGroup, group < 0 {
            throw EventLoopError.invalidArgument("processGroup must not be negative, not \(group)")
        }
        if let mask = attributes.umask, mask > 0o777 {
            throw EventLoopError.invalidArgument("umask must be 0 to 0o777")
        }
        options = SpawnOptions(
            file: attributes.executable ?? program, arguments: [program] + arguments, environment: environment,
            workingDirectory: attributes.workingDirectory,
            startsSession: attributes.startNewSession || attributes.detached,
            closesDescriptors: attributes.closeFileDescriptors, umask: attributes.umask,
            processGroup: attributes.processGroup, user: attributes.user, group: attributes.group,
            extraGroups: attributes.extraGroups)
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        passed = attributes.passFileDescriptors
        isDetached = attributes.detached
    }

    private static func checkText(_ text: String, _ argument: StaticString) throws {
        // C would stop reading there.
        if text.utf8.contains(0) { throw EventLoopError.invalidArgument("\(argument): must not contain a NUL") }
    }

    /// Starts the child.
    ///
    /// - Parameter connect: makes the protocol for our end of a pipe, by the child's number.
    /// - Returns: the child and the transports of its pipes, which have not begun.
    /// - Throws: ``IOError``; nothing is left open then, and there is no child.
    func start(
        on loop: EventLoop, connect: (Int32) -> any ConnectionProtocol
    ) throws -> (child: RunningChild, pipes: [Int32: SocketTransport]) {
        try ChildDescriptors.check(stdin: stdin, stdout: stdout, stderr: stderr, passing: passed)
        System.openStandardDescriptors()
        var descriptors = try ChildDescriptors(stdin: stdin, stdout: stdout, stderr: stderr)
        defer { descriptors.closeFar() }
        for descriptor in passed { descriptors.pass(descriptor) }
        var pipes: [Int32: SocketTransport] = [:]
        do {
            for number in descriptors.near.keys.sorted() {
                guard let near = descriptors.near[number] else { continue }
                pipes[number] = try loop.pipeTransport(
                    near, connection: connect(number), reading: number == 0 ? .ended : .active,
                    sending: number == 0 ? .open : .never)
                _ = descriptors.takeNear(number)
            }
            var options = self.options
            options.descriptors = descriptors.given
            return (try RunningChild(loop: loop, options, isDetached: isDetached), pipes)
        } catch {
            for pipe in pipes.values { pipe.discard() }
            descriptors.closeNear()
            throw error
        }
    }
}

/// What can be said about a child besides its program and its streams.
struct SpawnAttributes {
    var executable: String?
    var environment: [String: String]?
    var workingDirectory: String?
    var user: UInt32?
    var group: UInt32?
    var extraGroups: [UInt32]?
    var umask: UInt32?
    var processGroup: Int32?
    var startNewSession = false
    var detached = false
    var passFileDescriptors: [Int32] = []
    var closeFileDescriptors = true
}
