// Limits of time.

/// A limit of time that is in force: ``EventLoop/withTimeout(_:_:)-(_,(Timeout)->Value)`` hands it to its body.
///
/// asyncio: Timeout
public final class Timeout {
    private enum State: String {
        case active
        /// The time is over; the body is being cancelled.
        case expiring
        case expired
        case finished
    }

    private let loop: EventLoop
    private let task: any ScheduledTask
    private let scope: CancellationScope
    /// Requests to cancel the task that were there before.
    private let base: Int
    private var state = State.active
    private var timer: Handle?

    /// When the time is over; nil if there is no limit.
    ///
    /// asyncio: Timeout.when
    public private(set) var when: EventLoop.Instant?

    init(loop: EventLoop, task: any ScheduledTask, scope: CancellationScope, when: EventLoop.Instant?) {
        self.loop = loop
        self.task = task
        self.scope = scope
        self.when = when
        base = task.cancelling
        arm()
    }

    /// Whether the time is over.
    ///
    /// asyncio: Timeout.expired
    public var isExpired: Bool { state == .expiring || state == .expired }

    /// Sets another deadline; nil lifts the limit. After the end it is reported to the loop's exception handler, and does
    /// nothing.
    ///
    /// asyncio: Timeout.reschedule
    public func reschedule(_ when: EventLoop.Instant?) {
        loop.mustBeHere("Timeout")
        guard state == .active else {
            return loop.reportMisuse("Cannot change state of \(state.rawValue) Timeout")
        }
        self.when = when
        arm()
    }

    private func arm() {
        timer?.cancel()
        timer = nil
        guard let when else { return }
        if when <= loop.time() {
            timer = loop.callSoon { [self] in expire() }
        } else {
            timer = loop.callAt(when) { [self] in expire() }
        }
    }

    private func expire() {
        timer = nil
        state = .expiring
        task.cancel(in: scope)
    }

    /// The body has ended. A cancellation that came of this timeout becomes a ``TimeoutError``.
    func finish<Value>(_ result: Result<Value, any Error>) throws -> Value {
        timer?.cancel()
        timer = nil
        guard state == .expiring else {
            state = .finished
            return try result.get()
        }
        state = .expired
        let left = task.uncancel()
        if left <= base, case .failure(let error) = result, error is CancellationError { throw TimeoutError() }
        return try result.get()
    }
}

extension EventLoop {
    /// Runs `body`, and cancels it when it takes longer than `delay`.
    ///
    /// ```swift
    /// let answer = try await loop.withTimeout(.seconds(5)) { timeout in try await ask() }
    /// ```
    ///
    /// The body is part of the current task. When the time is over, the await that it is in, or the next one, throws a
    /// `CancellationError`; what it does then to clean up is waited for.
    ///
    /// **Cancellation:** one from outside cancels the body and comes out as it is.
    ///
    /// - Parameters:
    ///   - delay: how long; zero or less ends the body at its first await; nil sets no limit.
    ///   - body: gets the timeout, to move it.
    /// - Throws: ``TimeoutError`` if the body ended because of the timeout; otherwise what the body throws;
    ///   ``EventLoopError`` `.invalidState` outside of a task.
    ///
    /// asyncio: timeout
    public func withTimeout<Value>(
        _ delay: Duration?, _ body: @escaping (Timeout) async throws -> Value
    ) async throws -> Value {
        try await withTimeout(at: delay.map { time().advanced(by: $0) }, body)
    }

    /// Runs `body`, and cancels it when it takes longer than `delay`; without the timeout in its hand.
    ///
    /// **Cancellation:** one from outside cancels the body and comes out as it is.
    ///
    /// asyncio: timeout
    public func withTimeout<Value>(
        _ delay: Duration?, _ body: @escaping () async throws -> Value
    ) async throws -> Value {
        try await withTimeout(delay) { (_: Timeout) in try await body() }
    }

    /// Runs `body`, and cancels it at a point in time; otherwise as for a delay.
    ///
    /// **Cancellation:** one from outside cancels the body and comes out as it is.
    ///
    /// asyncio: timeout_at
    public func withTimeout<Value>(
        at deadline: Instant?, _ body: @escaping (Timeout) async throws -> Value
    ) async throws -> Value {
        let task = try requireTask("Timeout")
        return try await inScope(of: task) { [self] scope in
            let timeout = Timeout(loop: self, task: task, scope: scope, when: deadline)
            let result: Result<Value, any Error>
            do { result = .success(try await body(timeout)) } catch { result = .failure(error) }
            return try timeout.finish(result)
        }
    }

    /// Runs `body`, and cancels it at a point in time; without the timeout in its hand.
    ///
    /// **Cancellation:** one from outside cancels the body and comes out as it is.
    ///
    /// asyncio: timeout_at
    public func withTimeout<Value>(
        at deadline: Instant?, _ body: @escaping () async throws -> Value
    ) async throws -> Value {
        try await withTimeout(at: deadline) { (_: Timeout) in try await body() }
    }

    /// Waits for a future, and cancels it when that takes longer than `timeout`. A task that is cancelled so is waited for.
    ///
    /// **Cancellation:** cancels the future too, and waits for it.
    ///
    /// - Parameter timeout: how long; with zero or less a future that is not done is cancelled; nil sets no limit.
    /// - Throws: ``TimeoutError``; what the future throws, also while it is cancelled.
    ///
    /// asyncio: wait_for
    public func waitFor<Value>(_ future: Future<Value>, timeout: Duration?) async throws -> Value {
        canTouch("waitFor")
        guard let timeout, timeout <= .zero else { return try await withTimeout(timeout) { try await future.value } }
        if future.isDone { return try future.result() }
        try await cancelAndWait(future)
        do {
            return try future.result()
        } catch is CancellationError {
            throw TimeoutError()
        }
    }

    /// Runs an operation, and cancels it when it takes longer than `timeout`. With zero or less it is not begun.
    ///
    /// **Cancellation:** that of the operation.
    ///
    /// asyncio: wait_for
    public func waitFor<Value>(
        timeout: Duration?, _ operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) async throws -> Value {
        canTouch("waitFor")
        if let timeout, timeout <= .zero { return try await waitFor(createTask(operation), timeout: timeout) }
        return try await withTimeout(timeout) { try await operation() }
    }

    /// Cancels a future and waits for its end, whatever that is.
    private func cancelAndWait<Value>(_ future: Future<Value>) async throws {
        let over = StandIn<Void>(for: [future], loop: self)
        let token = future.addDoneCallback { _ in if !over.isDone { over.finish(()) } }
        defer { future.removeDoneCallback(token) }
        future.cancel()
        try await over.value
    }
}
