// Starting a child process whose standard streams are readers and writers.

extension EventLoop {
    /// Starts a program.
    ///
    /// ```swift
    /// let child = try await loop.createSubprocess("sort", ["-n"], stdin: .pipe, stdout: .pipe)
    /// let (sorted, _) = try await child.communicate(Array("3\n1\n2\n".utf8))
    /// ```
    ///
    /// The loop reaps the child, whoever waits for it. A child that still runs when the loop is closed is killed, unless it
    /// is detached.
    ///
    /// **Cancellation:** kills what was started, and waits for its end, unless this process may not kill it.
    ///
    /// - Parameters:
    ///   - program: what is executed, and the first of its arguments; looked for in PATH unless it has a slash.
    ///   - arguments: what follows it.
    ///   - stdin: where its standard input comes from.
    ///   - stdout: where its standard output goes.
    ///   - stderr: where its standard error goes.
    ///   - limit: how many bytes a reader buffers; reading pauses at twice as many.
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
    /// - Throws: ``IOError`` if it cannot be started, for example `.noSuchFile` with the path of what is missing;
    ///   ``EventLoopError`` `.invalidArgument`, which names the argument. Nothing is left over then.
    ///
    /// asyncio: create_subprocess_exec · libuv: uv_spawn
    public func createSubprocess(
        _ program: String, _ arguments: [String] = [],
        stdin: ChildStream = .inherit, stdout: ChildStream = .inherit, stderr: ChildErrorStream = .inherit,
        limit: Int = StreamReader.defaultLimit,
        environment: [String: String]? = nil, workingDirectory: String? = nil, executable: String? = nil,
        user: UInt32? = nil, group: UInt32? = nil, extraGroups: [UInt32]? = nil, umask: UInt32? = nil,
        processGroup: Int32? = nil, startNewSession: Bool = false, detached: Bool = false,
        passFileDescriptors: [Int32] = [], closeFileDescriptors: Bool = true
    ) async throws -> ChildProcess {
        try await start(
            SpawnRequest(
                program: program, arguments: arguments, stdin: stdin, stdout: stdout, stderr: stderr,
                attributes: SpawnAttributes(
                    executable: executable, environment: environment, workingDirectory: workingDirectory, user: user,
                    group: group, extraGroups: extraGroups, umask: umask, processGroup: processGroup,
                    startNewSession: startNewSession, detached: detached, passFileDescriptors: passFileDescriptors,
                    closeFileDescriptors: closeFileDescriptors)), limit: limit)
    }

    /// Runs a command in a shell.
    ///
    /// **Cancellation:** kills what was started, and waits for its end, unless this process may not kill it.
    ///
    /// - Parameters:
    ///   - shell: the command, for `/bin/sh -c`. What comes from outside has to be quoted for the shell.
    ///   - stdin: where its standard input comes from.
    ///   - stdout: where its standard output goes.
    ///   - stderr: where its standard error goes.
    ///   - limit: how many bytes a reader buffers; reading pauses at twice as many.
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
    /// - Throws: ``IOError`` if it cannot be started, for example `.noSuchFile` with the path of what is missing;
    ///   ``EventLoopError`` `.invalidArgument`, which names the argument. Nothing is left over then.
    ///
    /// asyncio: create_subprocess_shell · libuv: uv_spawn
    public func createSubprocess(
        shell: String,
        stdin: ChildStream = .inherit, stdout: ChildStream = .inherit, stderr: ChildErrorStream = .inherit,
        limit: Int = StreamReader.defaultLimit,
        environment: [String: String]? = nil, workingDirectory: String? = nil, executable: String? = nil,
        user: UInt32? = nil, group: UInt32? = nil, extraGroups: [UInt32]? = nil, umask: UInt32? = nil,
        processGroup: Int32? = nil, startNewSession: Bool = false, detached: Bool = false,
        passFileDescriptors: [Int32] = [], closeFileDescriptors: Bool = true
    ) async throws -> ChildProcess {
        try await start(
            SpawnRequest(
                program: "/bin/sh", arguments: ["-c", shell], stdin: stdin, stdout: stdout, stderr: stderr,
                attributes: SpawnAttributes(
                    executable: executable, environment: environment, workingDirectory: workingDirectory, user: user,
                    group: group, extraGroups: extraGroups, umask: umask, processGroup: processGroup,
                    startNewSession: startNewSession, detached: detached, passFileDescriptors: passFileDescriptors,
                    closeFileDescriptors: closeFileDescriptors)), limit: limit)
    }

    private func start(_ request: SpawnRequest, limit: Int) async throws -> ChildProcess {
        try checkOpen("createSubprocess")
        try StreamCore.check(limit: limit)
        // The last moment for a cancellation before there is a child.
        try await yieldOneRound()
        var cores: [Int32: StreamCore] = [:]
        let (child, pipes) = try request.start(on: self) { number in
            let core = StreamCore(loop: self, limit: limit)
            cores[number] = core
            return core
        }
        for number in pipes.keys.sorted() { pipes[number]?.begin() }
        try await begin(child, closing: { for pipe in pipes.values { pipe.abort() } })
        return ChildProcess(
            child, stdin: cores[0]?.makeWriter(), stdout: cores[1]?.makeReader(), stderr: cores[2]?.makeReader())
    }

    /// Waits until the transports of a child have begun; a cancellation meanwhile ends the child.
    func begin(_ child: RunningChild, closing close: () -> Void) async throws {
        do {
            try await waitForBeginning {}
            if !takeCancellation() { return }
        } catch {}
        close()
        // One that may not be killed ends when it likes.
        if child.send(.kill) { await child.waitRegardless() }
        throw CancellationError()
    }
}
