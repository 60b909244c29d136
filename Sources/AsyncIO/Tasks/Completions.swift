// Waiting for several futures, without a say in how they end.

/// When ``EventLoop/wait(_:timeout:returnWhen:)-([Future<Value>],_,_)`` returns.
///
/// asyncio: FIRST_COMPLETED, FIRST_EXCEPTION, ALL_COMPLETED
public enum ReturnWhen: Sendable {
    /// When all futures are done.
    case allCompleted
    /// When one is done.
    case firstCompleted
    /// When one has failed, or all are done.
    case firstException
}

/// A future that stands for others: who waits for it waits for them.
final class StandIn<Value>: Future<Value> {
    private let futures: [AnyFuture]

    init(for futures: [AnyFuture], loop: EventLoop) {
        self.futures = futures
        super.init(loop: loop)
    }

    override var awaited: [AnyObject] { futures.filter { !$0.isDone } }
}

extension EventLoop {
    /// Waits until futures are done, and says which are. Nothing is cancelled, and no error of theirs is thrown.
    ///
    /// **Cancellation:** ends the wait; the futures go on.
    ///
    /// - Parameters:
    ///   - futures: at least one; one that is given twice counts once.
    ///   - timeout: how long to wait at most; when it has passed that is no error.
    ///   - returnWhen: what to wait for.
    /// - Returns: the futures that are done when the task goes on, and the others.
    /// - Throws: ``EventLoopError`` `.invalidArgument` without futures, `.foreignLoop`.
    ///
    /// asyncio: wait
    public func wait<Value>(
        _ futures: [Future<Value>], timeout: Duration? = nil, returnWhen: ReturnWhen = .allCompleted
    ) async throws -> (done: [Future<Value>], pending: [Future<Value>]) {
        try checkOwn(futures, call: "wait")
        guard !futures.isEmpty else { throw EventLoopError.invalidArgument("futures: Set of Tasks/Futures is empty.") }
        let distinct = futures.distinct
        let waiter = StandIn<Void>(for: distinct, loop: self)
        let timer = timeout.map { callLater(after: $0) { if !waiter.isDone { waiter.finish(()) } } }
        var left = distinct.count
        let tokens = distinct.map { future in
            future.addDoneCallback { future in
                left -= 1
                let isEnough =
                    switch returnWhen {
                    case .allCompleted: left == 0
                    case .firstCompleted: true
                    case .firstException: left == 0 || future.state == .failed
                    }
                if returnWhen == .firstException && future.state == .failed { future.isRetrieved = true }
                if isEnough && !waiter.isDone {
                    timer?.cancel()
                    waiter.finish(())
                }
            }
        }
        defer {
            timer?.cancel()
            for (future, token) in zip(distinct, tokens) { future.removeDoneCallback(token) }
        }
        try await waiter.value
        return (distinct.filter(\.isDone), distinct.filter { !$0.isDone })
    }

    /// The same for tasks.
    ///
    /// **Cancellation:** ends the wait; the tasks go on.
    ///
    /// asyncio: wait
    public func wait<Value>(
        _ tasks: [LoopTask<Value>], timeout: Duration? = nil, returnWhen: ReturnWhen = .allCompleted
    ) async throws -> (done: [Future<Value>], pending: [Future<Value>]) {
        try await wait(tasks as [Future<Value>], timeout: timeout, returnWhen: returnWhen)
    }

    /// The futures in the order in which they are done.
    ///
    /// ```swift
    /// for try await future in loop.asCompleted(downloads) { show(try await future.value) }
    /// ```
    ///
    /// The sequence may be left and gone on with.
    ///
    /// - Parameter timeout: after how long the iteration throws a ``TimeoutError`` if futures are left; counted from now.
    ///
    /// asyncio: as_completed
    public func asCompleted<Value>(
        _ futures: [Future<Value>], timeout: Duration? = nil
    ) -> CompletionSequence<Value> {
        canTouch("asCompleted")
        return CompletionSequence(futures, loop: self, timeout: timeout)
    }

    /// The tasks in the order in which they are done.
    ///
    /// asyncio: as_completed
    public func asCompleted<Value>(
        _ tasks: [LoopTask<Value>], timeout: Duration? = nil
    ) -> CompletionSequence<Value> {
        asCompleted(tasks as [Future<Value>], timeout: timeout)
    }
}

/// Futures in the order in which they are done: ``EventLoop/asCompleted(_:timeout:)-([Future<Value>],_)``.
public final class CompletionSequence<Value>: AsyncSequence {
    /// Each element is a future that is done.
    public typealias Element = Future<Value>

    private let loop: EventLoop
    private var pending: [(future: Future<Value>, token: DoneCallbackToken)] = []
    private var done = RingBuffer<Future<Value>>(minimumCapacity: 8)
    private var left: Int
    private var waiters = Waiters()
    private var timer: TimerHandle?
    private var isTimedOut = false

    init(_ futures: [Future<Value>], loop: EventLoop, timeout: Duration?) {
        self.loop = loop
        let distinct = futures.distinct
        left = distinct.count
        pending = distinct.map { future in (future, future.addDoneCallback { [weak self] in self?.didEnd($0) }) }
        guard let timeout, left > 0 else { return }
        timer = loop.callLater(after: timeout) { [weak self] in self?.timeIsOver() }
    }

    deinit {
        timer?.cancel()
        for (future, token) in pending { future.removeDoneCallback(token) }
    }

    private func didEnd(_ future: Future<Value>) {
        guard !isTimedOut else { return }
        pending.removeAll { $0.future === future }
        done.push(future)
        if pending.isEmpty { timer?.cancel() }
        waiters.wakeNext()
    }

    private func timeIsOver() {
        isTimedOut = true
        waiters.wakeAll()
    }

    fileprivate func next() async throws -> Future<Value>? {
        loop.mustBeHere("CompletionSequence")
        while true {
            if !done.isEmpty {
                left -= 1
                // Others that wait wait in vain.
                if left == 0 { waiters.wakeAll() }
                return done.pop()
            }
            if left == 0 { return nil }
            if isTimedOut {
                left -= 1
                throw TimeoutError()
            }
            try await waitForOne()
        }
    }

    private func waitForOne() async throws {
        let waiter = StandIn<Void>(for: pending.map(\.future), loop: loop)
        waiters.append(waiter)
        defer { waiters.remove(waiter) }
        do {
            try await waiter.value
        } catch {
            if !waiter.isCancelled && !done.isEmpty { waiters.wakeNext() }
            throw error
        }
    }

    /// Takes out the futures that are done.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let sequence: CompletionSequence<Value>

        /// The next future that is done; nil after the last one.
        ///
        /// **Cancellation:** ends the wait; the futures go on.
        public mutating func next() async throws -> Future<Value>? { try await sequence.next() }

        /// The same for callers that say where they are isolated.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(any Error) -> Future<Value>? { try await sequence.next() }
    }

    /// Goes on where the last iteration ended.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(sequence: self) }
}
