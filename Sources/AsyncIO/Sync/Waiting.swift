// How tasks wait for locks, events and queues.

/// Tasks that wait for something, each for a future of its own.
typealias Waiters = WaiterList<Future<Void>>

extension WaiterList where Waiter == Future<Void> {
    /// Whether somebody waits who has not been cancelled.
    var hasActiveWaiter: Bool { all.contains { !$0.isCancelled } }

    /// Wakes the first waiter, unless it was woken before: then it is its turn still.
    func wakeFirst() { if let first, !first.isDone { first.finish(()) } }

    /// Wakes everybody.
    func wakeAll() { for waiter in all where !waiter.isDone { waiter.finish(()) } }
}
