// A number of tasks at a time.

/// Lets a number of tasks at a time through, in the order in which they asked.
///
/// asyncio: Semaphore
public class Semaphore {
    /// The loop that the semaphore belongs to.
    public final let loop: EventLoop
    @exclusivity(unchecked) private final var waiters = Waiters()
    /// How many permits are left.
    @exclusivity(unchecked) public fileprivate(set) final var value: Int

    /// Creates a semaphore. It stops the program if `value` is negative.
    public init(_ loop: EventLoop, value: Int = 1) {
        precondition(value >= 0, "Semaphore initial value must be >= 0")
        self.loop = loop
        self.value = value
    }

    /// Whether ``acquire()`` would wait: no permit is left, or others wait.
    ///
    /// asyncio: Semaphore.locked
    public final var isLocked: Bool { value == 0 || waiters.hasActiveWaiter }

    /// Waits for a permit and takes it. Nobody overtakes those who wait.
    ///
    /// **Cancellation:** ends the wait; a permit that had come is passed on.
    ///
    /// asyncio: Semaphore.acquire
    public final func acquire() async throws {
        loop.mustBeHere("Semaphore")
        if !isLocked {
            value -= 1
            return
        }
        let waiter = loop.createFuture(of: Void.self)
        waiters.append(waiter)
        do {
            try await waiter.value
        } catch {
            waiters.remove(waiter)
            // The permit had been taken out for this task already.
            if waiter.isDone && !waiter.isCancelled { value += 1 }
            wakeWhilePermitsAreLeft()
            throw error
        }
        waiters.remove(waiter)
        // Others may have been passed over meanwhile.
        wakeWhilePermitsAreLeft()
    }

    /// Gives a permit back. Any task may do that.
    ///
    /// asyncio: Semaphore.release
    public func release() {
        loop.mustBeHere("Semaphore")
        value += 1
        wakeWhilePermitsAreLeft()
    }

    private final func wakeWhilePermitsAreLeft() {
        while value > 0, let waiter = waiters.all.first(where: { !$0.isDone }) {
            value -= 1
            waiter.finish(())
        }
    }

    /// Runs `body` with a permit.
    ///
    /// **Cancellation:** ends the wait for the permit; otherwise that of the body.
    ///
    /// asyncio: async with semaphore
    public final func withPermit<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await acquire()
        defer { release() }
        return try await body()
    }
}

/// A semaphore that cannot be given more permits than it had in the beginning.
///
/// asyncio: BoundedSemaphore
public final class BoundedSemaphore: Semaphore {
    private let bound: Int

    /// Creates a semaphore. It stops the program if `value` is negative.
    public override init(_ loop: EventLoop, value: Int = 1) {
        bound = value
        super.init(loop, value: value)
    }

    /// Gives a permit back. One too many is reported to the loop's exception handler, and not taken.
    ///
    /// asyncio: BoundedSemaphore.release
    public override func release() {
        loop.mustBeHere("BoundedSemaphore")
        guard value < bound else { return loop.reportMisuse("BoundedSemaphore released too many times") }
        super.release()
    }
}
