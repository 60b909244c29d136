// Who waits, first come, first served.

/// A FIFO of waiters, from which those leave that do not want to wait any longer.
struct WaiterList<Waiter: AnyObject> {
    private var waiters: [Waiter] = []
    /// Where the first one is; those before it have left.
    private var head = 0

    var isEmpty: Bool { head == waiters.count }
    var count: Int { waiters.count - head }

    /// The one that has waited longest.
    var first: Waiter? { isEmpty ? nil : waiters[head] }

    /// All of them, the first one first.
    var all: ArraySlice<Waiter> { waiters[head...] }

    mutating func append(_ waiter: Waiter) { waiters.append(waiter) }

    mutating func popFirst() -> Waiter? {
        guard let waiter = first else { return nil }
        leaveHead()
        return waiter
    }

    /// Removes a waiter, wherever it is.
    ///
    /// - Returns: whether it was there.
    @discardableResult
    mutating func remove(_ waiter: Waiter) -> Bool {
        if first === waiter {
            leaveHead()
            return true
        }
        guard let index = waiters[head...].firstIndex(where: { $0 === waiter }) else { return false }
        waiters.remove(at: index)
        return true
    }

    mutating func removeAll() {
        waiters = []
        head = 0
    }

    private mutating func leaveHead() {
        head += 1
        // The part that has left is given up when it is the larger one.
        if head == waiters.count || head > 32 && head > waiters.count / 2 {
            waiters.removeFirst(head)
            head = 0
        }
    }
}
