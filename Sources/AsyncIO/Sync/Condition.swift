// Waiting for a state that others change under the same lock.

/// Lets tasks wait, with a lock in hand, until another task says that something has changed.
///
/// ```swift
/// try await condition.withLock { try await condition.wait(for: { !jobs.isEmpty }) }
/// ```
///
/// asyncio: Condition
public final class Condition {
    /// The loop that the condition belongs to.
    public let loop: EventLoop
    /// The lock, which other conditions may share.
    public let lock: Lock
    private var waiters = Waiters()

    /// Creates a condition; without a lock it gets one of its own.
    public init(_ loop: EventLoop, lock: Lock? = nil) {
        self.loop = loop
        self.lock = lock ?? Lock(loop)
        precondition(self.lock.loop === loop, "Condition: the lock is bound to a different event loop")
    }

    /// Waits for the lock and takes it; see ``Lock/acquire()``.
    ///
    /// **Cancellation:** ends the wait; a turn that had come is passed on.
    ///
    /// asyncio: Condition.acquire
    public func acquire() async throws { try await lock.acquire() }

    /// Gives the lock back.
    ///
    /// asyncio: Condition.release
    public func release() { lock.release() }

    /// Whether somebody has the lock.
    ///
    /// asyncio: Condition.locked
    public var isLocked: Bool { lock.isLocked }

    /// Runs `body` with the lock.
    ///
    /// **Cancellation:** ends the wait for the lock; otherwise that of the body.
    ///
    /// asyncio: async with condition
    public func withLock<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await lock.withLock(body)
    }

    /// Gives the lock back, waits for ``notify(_:)``, and takes the lock again. It may return without reason, so
    /// look at the state again, or use ``wait(for:)``.
    ///
    /// **Cancellation:** ends the wait; it throws when the lock has been taken again. A notification that had come is
    /// passed on.
    ///
    /// - Throws: ``EventLoopError`` `.invalidState` if nobody has the lock.
    ///
    /// asyncio: Condition.wait
    public func wait() async throws {
        loop.mustBeHere("Condition")
        guard lock.isLocked else { throw EventLoopError(.invalidState, "cannot wait on un-acquired lock") }
        let waiter = loop.createFuture(of: Void.self)
        waiters.append(waiter)
        lock.release()
        var failure: (any Error)?
        do { try await waiter.value } catch { failure = error }
        waiters.remove(waiter)
        // Whatever happens, the lock is held when this is left.
        while true {
            do {
                try await lock.acquire()
                break
            } catch {
                failure = error
                // A loop that closes gives nobody a lock.
                if loop.ready.pointee.isClosing { break }
            }
        }
        guard let failure else { return }
        wake(1)
        throw failure
    }

    /// Waits until `predicate` is true, which is asked with the lock held.
    ///
    /// **Cancellation:** as for ``wait()``.
    ///
    /// asyncio: Condition.wait_for
    public func wait(for predicate: () throws -> Bool) async throws {
        while try !predicate() { try await wait() }
    }

    /// Wakes up to `count` tasks that wait, those that have waited longest. They go on when they get the lock. Without the
    /// lock the call is reported to the loop's exception handler, and does nothing.
    ///
    /// asyncio: Condition.notify
    public func notify(_ count: Int = 1) {
        loop.mustBeHere("Condition")
        guard lock.isLocked else { return loop.reportMisuse("cannot notify on un-acquired lock") }
        wake(count)
    }

    /// Wakes all tasks that wait.
    ///
    /// asyncio: Condition.notify_all
    public func notifyAll() { notify(waiters.count) }

    private func wake(_ count: Int) {
        var left = count
        for waiter in waiters.all where left > 0 && !waiter.isDone {
            left -= 1
            waiter.finish(())
        }
    }
}
