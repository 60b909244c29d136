// Tasks that wait for the same thing: how they wait, and how they are woken.

/// Tasks that wait for something, each for a future of its own. Whoever was woken leaves by itself when it goes on.
typealias Waiters = WaiterList<Future<Void>>

extension WaiterList where Waiter == Future<Void> {
    /// Whether somebody waits who has not been cancelled.
    var hasActiveWaiter: Bool { all.contains { !$0.isCancelled } }

    /// Wakes the first waiter, unless it was woken before: then it is its turn still.
    func wakeFirst() { if let first, !first.isDone { first.finish(()) } }

    /// Takes waiters out until one was found that can be woken.
    @inline(__always)
    mutating func wakeNext() { if !isEmpty { wakeNextOfSome() } }

    @inline(never)
    private mutating func wakeNextOfSome() {
        while let waiter = popFirst() {
            if !waiter.isDone {
                waiter.finish(())
                return
            }
        }
    }

    /// Wakes everybody, if need be with an error.
    func wakeAll(throwing error: (any Error)? = nil) {
        guard !isEmpty else { return }
        for waiter in all where !waiter.isDone {
            if let error { waiter.fail(error) } else { waiter.finish(()) }
        }
    }
}

extension EventLoop {
    /// Waits among the waiters of an object, and leaves them whatever ends the wait.
    func wait<Owner: AnyObject>(
        in waiters: ReferenceWritableKeyPath<Owner, Waiters>, of owner: Owner
    ) async throws {
        let waiter = createFuture(of: Void.self)
        owner[keyPath: waiters].append(waiter)
        defer { owner[keyPath: waiters].remove(waiter) }
        try await waiter.value
    }
}

extension Array where Element: AnyFuture {
    /// Each future once, in order.
    var distinct: [Element] {
        var seen: Set<ObjectIdentifier> = []
        return filter { seen.insert(ObjectIdentifier($0)).inserted }
    }
}
