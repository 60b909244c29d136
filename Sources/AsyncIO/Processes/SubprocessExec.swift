// Starting a child process that is handled by a protocol.

extension EventLoop {
    /// Starts a program and tells a protocol what happens to it. The protocol's `connectionMade` has been called when this
    /// returns.
    ///
    /// **Cancellation:** kills what was started, and waits for its end, unless this process may not kill it.
    ///
    /// - Parameters:
    ///   - program: what is executed, and the first of its arguments; looked for in PATH unless it has a slash.
    ///   - arguments: what follows it.
    ///   - stdin: where its standard input comes from.
    ///   - stdout: where its standard output goes.
    ///   - stderr: where its standard error goes.
    ///   - environment: all of its environment; nil is that of this process.
    ///   - workingDirectory: nil is that of this process.
    ///   - executable: the file to execute, if it is not `program`.
    ///   - user: the number of the user that it runs as; this takes privileges.
    ///   - group: the number of the group that it runs as.
    ///   - extraGroups: its supplementary groups; nil leaves those of this process.
    ///   - umask: its file mode creation mask.
    ///   - processGroup: the process group that it joins; 0 makes one of its own.
    ///   - startNewSession: makes it the leader of a session, without a terminal.
    ///   - detached: the same, and it lives on when the loop is closed. When it ends after that it is a zombie for as long as
    ///     this process runs, since nobody takes its status.
    ///   - passFileDescriptors: further descriptors of this process that it gets, under the same numbers.
    ///   - closeFileDescriptors: whether it gets no others; if not, those without the close-on-exec flag.
    ///   - factory: makes the protocol.
    /// - Throws: ``IOError`` if it cannot be started, for example `.noSuchFile` with the path of what is missing;
    ///   ``EventLoopError`` `.invalidArgument`, which names the argument. Nothing is left over then.
    ///
    /// asyncio: loop.subprocess_exec · libuv: uv_spawn
    public func subprocessExec<P: SubprocessProtocol>(
        _ program: String, _ arguments: [String] = [],
        stdin: ChildStream = .pipe, stdout: ChildStream = .pipe, stderr: ChildErrorStream = .pipe,
        environment: [String: String]? = nil, workingDirectory: String? = nil, executable: String? = nil,
        user: UInt32? = nil, group: UInt32? = nil, extraGroups: [UInt32]? = nil, umask: UInt32? = nil,
        processGroup: Int32? = nil, startNewSession: Bool = false, detached: Bool = false,
        passFileDescriptors: [Int32] = [], closeFileDescriptors: Bool = true,
        _ factory: () throws -> P
    ) async throws -> (transport: SubprocessTransport, protocol: P) {
        try await connect(
            SpawnRequest(
                program: program, arguments: arguments, stdin: stdin, stdout: stdout, stderr: stderr,
                attributes: SpawnAttributes(
                    executable: executable, environment: environment, workingDirectory: workingDirectory, user: user,
                    group: group, extraGroups: extraGroups, umask: umask, processGroup: processGroup,
                    startNewSession: startNewSession, detached: detached, passFileDescriptors: passFileDescriptors,
                    closeFileDescriptors: closeFileDescriptors)), factory)
    }

    /// Runs a command in a shell and tells a protocol what happens to it.
    ///
    /// **Cancellation:** kills what was started, and waits for its end, unless this process may not kill it.
    ///
    /// - Parameters:
    ///   - command: the command, for `/bin/sh -c`. What comes from outside has to be quoted for the shell.
    ///   - stdin: where its standard input comes from.
    ///   - stdout: where its standard output goes.
    ///   - stderr: where its standard error goes.
    ///   - environment: all of its environment; nil is that of this process.
    ///   - workingDirectory: nil is that of this process.
    ///   - executable: the file to execute, if it is not `/bin/sh`.
    ///   - user: the number of the user that it runs as; this takes privileges.
    ///   - group: the number of the group that it runs as.
    ///   - extraGroups: its supplementary groups; nil leaves those of this process.
    ///   - umask: its file mode creation mask.
    ///   - processGroup: the process group that it joins; 0 makes one of its own.
    ///   - startNewSession: makes it the leader of a session, without a terminal.
    ///   - detached: the same, and it lives on when the loop is closed. When it ends after that it is a zombie for as long as
    ///     this process runs, since nobody takes its status.
    ///   - passFileDescriptors: further descriptors of this process that it gets, under the same numbers.
    ///   - closeFileDescriptors: whether it gets no others; if not, those without the close-on-exec flag.
    ///   - factory: makes the protocol.
    /// - Throws: ``IOError`` if it cannot be started, for example `.noSuchFile` with the path of what is missing;
    ///   ``EventLoopError`` `.invalidArgument`, which names the argument. Nothing is left over then.
    ///
    /// asyncio: loop.subprocess_shell · libuv: uv_spawn
    public func subprocessShell<P: SubprocessProtocol>(
        _ command: String,
        stdin: ChildStream = .pipe, stdout: ChildStream = .pipe, stderr: ChildErrorStream = .pipe,
        environment: [String: String]? = nil, workingDirectory: String? = nil, executable: String? = nil,
        user: UInt32? = nil, group: UInt32? = nil, extraGroups: [UInt32]? = nil, umask: UInt32? = nil,
        processGroup: Int32? = nil, startNewSession: Bool = false, detached: Bool = false,
        passFileDescriptors: [Int32] = [], closeFileDescriptors: Bool = true,
        _ factory: () throws -> P
    ) async throws -> (transport: SubprocessTransport, protocol: P) {
        try await connect(
            SpawnRequest(
                program: "/bin/sh", arguments: ["-c", command], stdin: stdin, stdout: stdout, stderr: stderr,
                attributes: SpawnAttributes(
                    executable: executable, environment: environment, workingDirectory: workingDirectory, user: user,
                    group: group, extraGroups: extraGroups, umask: umask, processGroup: processGroup,
                    startNewSession: startNewSession, detached: detached, passFileDescriptors: passFileDescriptors,
                    closeFileDescriptors: closeFileDescriptors)), factory)
    }

    private func connect<P: SubprocessProtocol>(
        _ request: SpawnRequest, _ factory: () throws -> P
    ) async throws -> (transport: SubprocessTransport, protocol: P) {
        try checkOpen("subprocessExec")
        // The last moment for a cancellation before there is a child.
        try await yieldOneRound()
        let connection = try factory()
        let transport = SubprocessTransport(loop: self, connection: connection)
        let (child, pipes) = try request.start(on: self) { number in ChildPipe(number, of: transport) }
        transport.begin(child, pipes)
        try await begin(child, closing: { transport.close() })
        return (transport, connection)
    }
}
