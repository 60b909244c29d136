// A loop for a program: made when it is needed, interrupted by Ctrl-C, torn down in order.

/// Runs operations one after the other on a loop of its own, and cleans up behind them.
///
/// ```swift
/// try Runner.with { runner in
///     let port = try runner.run { loop in try await startServer(loop) }
///     try runner.run { loop in try await serve(loop, port) }
/// }
/// ```
///
/// asyncio: Runner
public final class Runner {
    private enum State {
        case created(EventLoop.Configuration)
        case open(EventLoop)
        case closed
    }

    private var state: State
    private var interrupts: InterruptHandler?

    /// Creates a runner. The loop is made when it is first needed.
    ///
    /// - Parameters:
    ///   - debug: debug mode; nil leaves it to the configuration and then to the environment (`ASYNCIO_DEBUG`).
    ///   - configuration: how the loop is set up.
    ///
    /// asyncio: Runner(debug=, loop_factory=)
    public init(debug: Bool? = nil, configuration: EventLoop.Configuration = .init()) {
        var configuration = configuration
        configuration.debug = debug ?? configuration.debug
        state = .created(configuration)
    }

    /// The runner's loop; it is made, and set as the thread's current one, when it is first asked for.
    ///
    /// - Throws: ``EventLoopError`` `.runnerClosed`; ``IOError`` if there are no descriptors for a loop.
    ///
    /// asyncio: Runner.get_loop
    public var loop: EventLoop {
        get throws {
            switch state {
            case .open(let loop): return loop
            case .closed: throw EventLoopError(.runnerClosed, "Runner is closed")
            case .created(let configuration):
                let loop = try EventLoop(configuration: configuration)
                EventLoop.setCurrent(loop)
                state = .open(loop)
                return loop
            }
        }
    }

    /// Runs an operation until it has ended, and returns its result. Tasks that it leaves behind live on until the next
    /// run, or until ``close()`` cancels them.
    ///
    /// On the main thread, and if nobody else handles SIGINT, the first Ctrl-C cancels the operation, which
    /// can clean up; a second one ends the run at once; with a third the system ends the process.
    ///
    /// - Throws: what the operation throws; ``KeyboardInterrupt`` after Ctrl-C, unless the operation returned a result all
    ///   the same; ``EventLoopError`` `.alreadyRunning` inside of a running loop, `.runnerClosed`.
    ///
    /// asyncio: Runner.run · libuv: uv_run, uv_signal_t
    public func run<Value>(
        fileID: StaticString = #fileID, line: UInt = #line,
        _ main: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> sending Value
    ) throws -> Value {
        if (try? EventLoop.running) != nil {
            throw EventLoopError(.alreadyRunning, "Runner.run() cannot be called from a running event loop")
        }
        let loop = try self.loop
        try loop.checkCanRun()
        let task = loop.createTask(name: "main", fileID: fileID, line: line) { [unowned loop] in try await main(loop) }
        if interrupts?.isSpent ?? true { interrupts = InterruptHandler(loop: loop) }
        interrupts?.watch(task)
        do {
            let value = try loop.runUntilComplete(task)
            interrupts = nil
            return value
        } catch let error as CancellationError {
            // Somebody else may have cancelled the task as well: then it is not ours to explain.
            let wasInterrupted = interrupts.map { $0.count > 0 } ?? false
            if wasInterrupted, task.uncancel() == 0 { throw KeyboardInterrupt() }
            interrupts = nil
            throw error
        } catch {
            if task.isDone { task.isRetrieved = true }
            // After an interrupt the handler stays: another one must not cut the cleaning up short.
            if !(error is KeyboardInterrupt) { interrupts = nil }
            throw error
        }
    }

    /// Cancels the tasks that are left, waits for them, closes async generators, shuts the default executor down, and
    /// closes the loop. Closing a runner that was never used, or is closed, does nothing.
    ///
    /// - Throws: ``KeyboardInterrupt`` after Ctrl-C, which cancels the cleaning up; a second one ends it. The loop is closed
    ///   then, too. ``EventLoopError`` `.alreadyRunning` while the loop runs.
    ///
    /// asyncio: Runner.close
    public func close() throws {
        guard case .open(let loop) = state else {
            state = .closed
            return
        }
        if loop.isRunning {
            throw EventLoopError(.alreadyRunning, "Cannot close a runner while its event loop is running")
        }
        state = .closed
        defer { EventLoop.setCurrent(nil) }
        var failure: (any Error)?
        do {
            let leftOver = loop.cancelLeftOverTasks()
            let task = loop.createTask(name: "tear down") { [unowned loop] in try await loop.tearDown(leftOver) }
            if interrupts == nil { interrupts = InterruptHandler(loop: loop) }
            interrupts?.watch(task)
            try loop.runUntilComplete(task)
            // It may have gone to the task that was waited for.
            if let interrupts, interrupts.count > 0 { failure = KeyboardInterrupt() }
        } catch is CancellationError {
            failure = KeyboardInterrupt()
        } catch {
            failure = error
        }
        interrupts = nil
        try loop.close()
        if let failure { throw failure }
    }

    /// Lends a runner to `body` and closes it afterwards.
    ///
    /// asyncio: with Runner() as runner
    public static func with<Value>(
        debug: Bool? = nil, configuration: EventLoop.Configuration = .init(), _ body: (Runner) throws -> Value
    ) throws -> Value {
        if (try? EventLoop.running) != nil {
            throw EventLoopError(.alreadyRunning, "Runner cannot be used from a running event loop")
        }
        let runner = Runner(debug: debug, configuration: configuration)
        let value: Value
        do {
            value = try body(runner)
        } catch {
            // What went wrong first explains more than what the cleaning up adds to it.
            try? runner.close()
            throw error
        }
        try runner.close()
        return value
    }
}
