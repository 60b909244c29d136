// One task at a time.

/// Lets one task at a time through. Tasks get it in the order in which they asked.
///
/// ```swift
/// let lock = Lock(loop)
/// try await lock.withLock { balance = try await load() + 1; try await store(balance) }
/// ```
///
/// asyncio: Lock
public final class Lock {
    /// The loop that the lock belongs to.
    public let loop: EventLoop
    @exclusivity(unchecked) private var waiters = Waiters()

    /// Whether somebody has it.
    ///
    /// asyncio: Lock.locked
    @exclusivity(unchecked) public private(set) var isLocked = false

    /// Creates a lock that nobody has.
    public init(_ loop: EventLoop) { self.loop = loop }

    /// Waits for the lock and takes it. A lock that is free, and that nobody waits for, is taken without suspending.
    ///
    /// **Cancellation:** ends the wait; a turn that had come is passed on.
    ///
    /// asyncio: Lock.acquire
    public func acquire() async throws {
        loop.mustBeHere("Lock")
        if !isLocked && !waiters.hasActiveWaiter {
            isLocked = true
            return
        }
        let waiter = loop.createFuture(of: Void.self)
        waiters.append(waiter)
        do {
            try await waiter.value
        } catch {
            waiters.remove(waiter)
            if !isLocked { waiters.wakeFirst() }
            throw error
        }
        waiters.remove(waiter)
        isLocked = true
    }

    /// Gives the lock back; the first one that waits gets it. Any task may do that. If nobody has the lock, that is reported
    /// to the loop's exception handler.
    ///
    /// asyncio: Lock.release
    public func release() {
        loop.mustBeHere("Lock")
        guard isLocked else {
            // A loop that closes gives nobody a lock, so conditions have none to give back.
            if !loop.ready.pointee.isClosing { loop.reportMisuse("Lock is not acquired.") }
            return
        }
        isLocked = false
        waiters.wakeFirst()
    }

    /// Runs `body` with the lock.
    ///
    /// **Cancellation:** ends the wait for the lock; otherwise that of the body.
    ///
    /// asyncio: async with lock
    public func withLock<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await acquire()
        defer { release() }
        return try await body()
    }
}
