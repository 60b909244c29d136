// A number of tasks that go on together.

/// Holds tasks back until a number of them have come; then all go on, and the next ones may come.
///
/// asyncio: Barrier
public final class Barrier {
    private enum State {
        case filling
        /// Tasks that were let go are leaving; new ones wait for the next turn.
        case draining
        /// Tasks are leaving with an error.
        case resetting
        case broken
    }

    /// The loop that the barrier belongs to.
    public let loop: EventLoop
    /// How many tasks it takes.
    ///
    /// asyncio: Barrier.parties
    public let parties: Int

    private let changed: Condition
    private var state = State.filling
    private var inside = 0

    /// Creates a barrier. It stops the program unless `parties` is positive.
    public init(_ loop: EventLoop, parties: Int) {
        precondition(parties > 0, "Barrier: parties must be > 0")
        self.loop = loop
        self.parties = parties
        changed = Condition(loop)
    }

    /// How many tasks wait for the others.
    ///
    /// asyncio: Barrier.n_waiting
    public var nWaiting: Int { state == .filling ? inside : 0 }

    /// Whether the barrier was aborted.
    ///
    /// asyncio: Barrier.broken
    public var isBroken: Bool { state == .broken }

    /// Waits until enough tasks have come.
    ///
    /// **Cancellation:** ends the wait; the others need one more then.
    ///
    /// - Returns: the number of this task among those that go on together, from 0 on; each gets another one.
    /// - Throws: ``BrokenBarrierError`` if the barrier is reset or aborted meanwhile, or was aborted before.
    ///
    /// asyncio: Barrier.wait
    @discardableResult
    public func wait() async throws -> Int {
        loop.mustBeHere("Barrier")
        return try await changed.withLock {
            try await changed.wait(for: { state == .filling || state == .broken })
            if state == .broken { throw BrokenBarrierError("Barrier aborted") }
            let index = inside
            inside += 1
            defer { leave() }
            if inside == parties {
                state = .draining
                changed.notifyAll()
            } else {
                try await changed.wait(for: { state != .filling })
                if state != .draining { throw BrokenBarrierError("Abort or reset of barrier") }
            }
            return index
        }
    }

    /// The last one that leaves opens the barrier for those who wait for the next turn.
    private func leave() {
        inside -= 1
        guard inside == 0 else { return }
        if state == .resetting || state == .draining { state = .filling }
        if changed.isLocked { changed.notifyAll() }
    }

    /// Sends those who wait away with a ``BrokenBarrierError``; the barrier can be used again.
    ///
    /// **Cancellation:** ends the wait for the barrier's lock; nothing has happened then.
    ///
    /// asyncio: Barrier.reset
    public func reset() async throws {
        loop.mustBeHere("Barrier")
        try await changed.withLock {
            state = inside > 0 ? .resetting : .filling
            changed.notifyAll()
        }
    }

    /// Breaks the barrier: those who wait, and all who come, get a ``BrokenBarrierError`` until it is reset.
    ///
    /// **Cancellation:** ends the wait for the barrier's lock; nothing has happened then.
    ///
    /// asyncio: Barrier.abort
    public func abort() async throws {
        loop.mustBeHere("Barrier")
        try await changed.withLock {
            state = .broken
            changed.notifyAll()
        }
    }
}
