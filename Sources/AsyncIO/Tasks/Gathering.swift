// Waiting for several futures at once, for the sake of their results.

/// The end of several futures: when all are done, or the first one fails.
final class GatherFuture: Future<Void> {
    private var children: [AnyFuture]
    private let returnsErrors: Bool
    private var left: Int
    private var isCancelling = false

    init(_ futures: [AnyFuture], loop: EventLoop, returnsErrors: Bool) {
        children = futures.distinct
        left = children.count
        self.returnsErrors = returnsErrors
        super.init(loop: loop)
        if children.isEmpty { finish(()) }
        for child in children where !child.isDone { _ = child.addCallback { [self] in childDidEnd($0) } }
        // What is done already counts at once: if nothing is left, who gathers does not give way.
        for child in children where child.isDone { childDidEnd(child) }
    }

    private func childDidEnd(_ child: AnyFuture) {
        left -= 1
        // Who gathers sees to all errors.
        child.isRetrieved = true
        guard !isDone else { return }
        if !returnsErrors && child.state == .cancelled {
            complete(.cancelled)
        } else if !returnsErrors, child.state == .failed, let error = child.error {
            fail(error)
        } else if left == 0 {
            if isCancelling { complete(.cancelled) } else { finish(()) }
        } else {
            return
        }
        // Those that are not done still tell this one their end.
        children = []
    }

    /// Cancels the children; this is done when they are.
    override func cancel() -> Bool {
        guard !isDone else { return false }
        // False if the children are done already and only their calls are to come: then the cancellation is the next wait's.
        var wasHeard = false
        for child in children where child.cancel() { wasHeard = true }
        if wasHeard { isCancelling = true }
        // A loop that closes calls nobody back: nothing would be heard of the ends of the children, nor of earlier ones.
        guard loop.ready.pointee.isClosing else { return wasHeard }
        complete(.cancelled)
        return true
    }

    override var awaited: [AnyObject] { children.filter { !$0.isDone } }
}

extension EventLoop {
    /// Waits for several futures, and returns their results in order.
    ///
    /// ```swift
    /// let (user, orders) = try await loop.gather(fetchUser, fetchOrders)
    /// ```
    ///
    /// The first failure is thrown at once; the other futures go on, and their errors count as seen.
    ///
    /// **Cancellation:** cancels all futures that are not done, and waits until one of them has ended so.
    ///
    /// - Throws: the first error; ``EventLoopError`` `.foreignLoop` for a future of another loop.
    ///
    /// asyncio: gather
    public func gather<each Value>(_ futures: repeat Future<each Value>) async throws -> (repeat each Value) {
        var all: [AnyFuture] = []
        for future in repeat each futures { all.append(future) }
        try await gatherAll(all, returnsErrors: false)
        return (repeat try (each futures).result())
    }

    /// Waits for several futures, and returns their results in order. The first failure is thrown at once; the other futures go
    /// on, and their errors count as seen.
    ///
    /// **Cancellation:** cancels all futures that are not done, and waits until one of them has ended so.
    ///
    /// asyncio: gather
    public func gather<Value>(_ futures: [Future<Value>]) async throws -> [Value] {
        try await gatherAll(futures, returnsErrors: false)
        return try futures.map { try $0.result() }
    }

    /// Waits for several tasks, and returns their results in order; as for futures.
    ///
    /// **Cancellation:** cancels all tasks that are not done, and waits until one of them has ended so.
    ///
    /// asyncio: gather
    public func gather<Value>(_ tasks: [LoopTask<Value>]) async throws -> [Value] {
        try await gather(tasks as [Future<Value>])
    }

    /// Waits until several futures are done, and returns what became of each, in order; a cancelled one has failed with a
    /// `CancellationError`.
    ///
    /// **Cancellation:** cancels all futures that are not done, and waits for all of them.
    ///
    /// asyncio: gather(return_exceptions=True)
    public func gatherResults<Value>(_ futures: [Future<Value>]) async throws -> [Result<Value, any Error>] {
        try await gatherAll(futures, returnsErrors: true)
        return futures.map { future in Result { try future.result() } }
    }

    /// The same for tasks.
    ///
    /// **Cancellation:** cancels all tasks that are not done, and waits for all of them.
    ///
    /// asyncio: gather(return_exceptions=True)
    public func gatherResults<Value>(_ tasks: [LoopTask<Value>]) async throws -> [Result<Value, any Error>] {
        try await gatherResults(tasks as [Future<Value>])
    }

    private func gatherAll(_ futures: [AnyFuture], returnsErrors: Bool) async throws {
        try checkOwn(futures, call: "gather")
        if futures.isEmpty { return }
        try await GatherFuture(futures, loop: self, returnsErrors: returnsErrors).value
    }

    func checkOwn(_ futures: [AnyFuture], call: StaticString) throws {
        canTouch(call)
        guard futures.allSatisfy({ $0.loop === self }) else {
            throw EventLoopError(.foreignLoop, "\(call): all futures must belong to this event loop")
        }
    }

    // MARK: - Shielding

    /// Waits for a future, but does not cancel it when the wait is cancelled.
    ///
    /// **Cancellation:** ends the wait; the future goes on. Hold on to it, and see to its error.
    ///
    /// asyncio: shield
    public func shield<Value>(_ future: Future<Value>) async throws -> Value {
        try checkOwn([future], call: "shield")
        if future.isDone { return try future.result() }
        let outer = StandIn<Value>(for: [future], loop: self)
        let token = future.addDoneCallback { inner in
            guard !outer.isDone else { return }
            switch inner.state {
            case .cancelled: outer.complete(.cancelled)
            default:
                do { outer.finish(try inner.result()) } catch { outer.fail(error) }
            }
        }
        defer { future.removeDoneCallback(token) }
        return try await outer.value
    }

    /// Runs an operation as a task of its own, which goes on when the wait for it is cancelled.
    ///
    /// **Cancellation:** ends the wait; the operation goes on.
    ///
    /// asyncio: shield
    public func shield<Value>(
        fileID: StaticString = #fileID, line: UInt = #line,
        _ operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) async throws -> Value {
        try await shield(createTask(fileID: fileID, line: line, operation))
    }
}
