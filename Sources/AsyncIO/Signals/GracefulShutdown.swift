// Ending a service when the system asks for it.

extension EventLoop {
    /// Runs `body` and cancels it when the process gets a signal that asks it to end.
    ///
    /// ```swift
    /// try AsyncIO.run { loop in
    ///     try await loop.withGracefulShutdown(deadline: .seconds(10)) {
    ///         let server = try await loop.startServer(port: 8888, handle)
    ///         try await server.serveForever()
    ///     }
    /// }
    /// ```
    ///
    /// The body gets a `CancellationError` from the `await` that it is in, and may take until the deadline to clean up. A
    /// second signal, or the deadline, ends the waiting: then this throws, and the body, if it ever goes on, gets a further
    /// `CancellationError`; the end of the run does not wait for it. Code that does not give way cannot be ended so.
    ///
    /// The body is a task of its own. While it runs, Ctrl-C does here what it says, and nothing else.
    ///
    /// **Cancellation:** cancels the body and waits for it, without a deadline.
    ///
    /// - Parameters:
    ///   - signals: which signals ask for the end.
    ///   - deadline: how long the body may take after the signal; nil sets no limit.
    ///   - body: what to run.
    /// - Returns: what the body returns; nil if it ended with the cancellation that a signal brought.
    /// - Throws: what the body throws; ``TimeoutError`` at the deadline; ``EventLoopError`` `.invalidArgument` for signals that
    ///   cannot be watched, `.invalidState` outside of a task of the loop.
    ///
    /// asyncio: loop.add_signal_handler and task.cancel · libuv: uv_signal_start
    @discardableResult
    public func withGracefulShutdown<Value>(
        on signals: [Signal] = [.terminate, .interrupt], deadline: Duration? = .seconds(30),
        fileID: StaticString = #fileID, line: UInt = #line,
        _ body: @escaping LoopTask<Value>.Operation
    ) async throws -> Value? {
        // A Swift task that has been cancelled could not wait for the end of the body.
        _ = try requireTask("withGracefulShutdown")
        for signal in signals { try signal.checkCatchable() }
        let shutdown = ShutdownSignals(self, deadline: deadline)
        defer { shutdown.stopWatching() }
        try shutdown.watch(signals)
        let task = createTask(name: "withGracefulShutdown", fileID: fileID, line: line, body)
        return try await shutdown.run(task)
    }
}

/// The signals that end a task, and how far that has got.
private final class ShutdownSignals {
    private enum Phase {
        case running
        case ending
        case givenUp
    }

    private unowned let loop: EventLoop
    private let deadline: Duration?
    private var phase = Phase.running
    private var watched: [(signal: Signal, handle: UVSignal)] = []
    private var timer: TimerHandle?
    private var cancel: (() -> Void)?
    /// What ``run(_:)`` waits for now.
    private var change: Future<Void>?

    init(_ loop: EventLoop, deadline: Duration?) {
        self.loop = loop
        self.deadline = deadline
    }

    func watch(_ signals: [Signal]) throws {
        for signal in Set(signals) {
            let handle = try loop.watch(signal) { [weak self] in self?.signalDidArrive(signal) }
            watched.append((signal, handle))
            loop.signalState.sequenceDidBegin(signal)
        }
    }

    func stopWatching() {
        for (signal, handle) in watched {
            handle.close()
            loop.signalState.sequenceDidEnd(signal)
        }
        watched = []
        timer?.cancel()
        timer = nil
        cancel = nil
    }

    private func signalDidArrive(_ signal: Signal) {
        switch phase {
        case .running:
            phase = .ending
            cancel?()
            if let deadline { timer = loop.callLater(after: deadline) { [weak self] in self?.giveUp() } }
        case .ending: giveUp()
        case .givenUp: break
        }
    }

    private func giveUp() {
        phase = .givenUp
        wake()
    }

    private func wake() { if let change, !change.isDone { change.finish(()) } }

    /// Waits for the end of a task, or until it is given up.
    func run<Value>(_ task: LoopTask<Value>) async throws -> Value? {
        cancel = { task.cancel() }
        let token = task.addDoneCallback { [self] _ in wake() }
        defer { task.removeDoneCallback(token) }
        // A signal may have come before there was a task.
        if case .ending = phase { task.cancel() }
        var wasCancelled = false
        while !task.isDone {
            if case .givenUp = phase {
                task.cancel()
                task.isListed = false
                throw TimeoutError()
            }
            let change = loop.createFuture(of: Void.self)
            self.change = change
            do {
                try await change.value
            } catch {
                if loop.ready.pointee.isClosing { throw error }
                wasCancelled = true
                task.cancel()
            }
        }
        do {
            return try task.result()
        } catch let error as CancellationError {
            // A second signal may have come while it ended.
            if case .running = phase { throw error }
            if wasCancelled { throw error }
            return nil
        }
    }
}
