// A child process with readers and writers.

/// A child process.
///
/// ```swift
/// let child = try await loop.createSubprocess(shell: "ls | wc -l", stdout: .pipe)
/// let (output, _) = try await child.communicate()
/// print(child.returnCode ?? -1)
/// ```
///
/// Dropping it does not end the child; its pipes are closed when nobody holds them any more.
///
/// asyncio: asyncio.subprocess.Process · libuv: uv_process_t
public final class ChildProcess {
    private let child: RunningChild
    /// Its standard input, if that is a pipe.
    public let stdin: StreamWriter?
    /// Its standard output, if that is a pipe.
    public let stdout: StreamReader?
    /// Its standard error, if that is a pipe.
    public let stderr: StreamReader?

    init(_ child: RunningChild, stdin: StreamWriter?, stdout: StreamReader?, stderr: StreamReader?) {
        self.child = child
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
    }

    /// Its number; it stays known after the end.
    ///
    /// asyncio: Process.pid · libuv: uv_process_get_pid
    public var pid: Int32 { child.pid }

    /// How it ended: its exit status, or the negative number of the signal that ended it; 255 if somebody else has taken the
    /// status. Nil until the loop has heard of the end.
    ///
    /// asyncio: Process.returncode
    public var returnCode: Int32? { child.returnCode }

    /// Waits until it has ended, even if somebody else still holds its pipes. Several tasks may wait.
    ///
    /// A child that writes to a pipe which nobody reads never ends: use ``communicate(_:)`` then.
    ///
    /// **Cancellation:** ends the wait; the child is not touched.
    ///
    /// - Returns: ``returnCode``.
    /// - Throws: `CancellationError`, and nothing else.
    ///
    /// asyncio: Process.wait
    @discardableResult
    public func wait() async throws -> Int32 { try await child.wait() }

    /// Writes to its standard input and closes that, reads its standard output and error up to their ends, all at once, and
    /// waits for its end. That the child stops reading early is not an error.
    ///
    /// **Cancellation:** ends the wait; what had been read is lost, and the child is not touched.
    ///
    /// - Parameter input: what is written, if standard input is a pipe.
    /// - Returns: what was read; nil for streams that are not pipes.
    /// - Throws: ``IOError`` if a pipe fails; ``EventLoopError`` `.alreadyReading` while another task reads one.
    ///
    /// asyncio: Process.communicate
    public func communicate(
        _ input: [UInt8]? = nil
    ) async throws -> (stdout: [UInt8]?, stderr: [UInt8]?) {
        let loop = child.loop
        loop.canTouch("ChildProcess.communicate")
        let feeding = loop.createTask(name: "communicate: stdin") { [stdin] in try await Self.feed(input, to: stdin) }
        let output = loop.createTask(name: "communicate: stdout") { [stdout] in try await stdout?.read() }
        let errors = loop.createTask(name: "communicate: stderr") { [stderr] in try await stderr?.read() }
        let (_, fromStdout, fromStderr) = try await loop.gather(feeding, output, errors)
        try await wait()
        return (fromStdout, fromStderr)
    }

    private static func feed(_ input: [UInt8]?, to stdin: StreamWriter?) async throws {
        guard let stdin else { return }
        if let input, !input.isEmpty {
            stdin.write(input)
            do {
                try await stdin.drain()
            } catch let error as IOError where error.code == .brokenPipe || error.code == .connectionReset {}
        }
        stdin.close()
    }

    /// Sends it a signal; after its end nothing happens. If the system refuses, the exception handler is told.
    ///
    /// asyncio: Process.send_signal · libuv: uv_process_kill
    public func sendSignal(_ signal: Signal) { child.send(signal) }

    /// Asks it to end: SIGTERM.
    ///
    /// asyncio: Process.terminate · libuv: uv_process_kill
    public func terminate() { child.send(.terminate) }

    /// Ends it: SIGKILL.
    ///
    /// asyncio: Process.kill · libuv: uv_process_kill
    public func kill() { child.send(.kill) }
}
