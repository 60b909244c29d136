// What scheduling a callback returns: a way to take it back.

/// A callback that was scheduled with ``EventLoop/callSoon(fileID:line:_:)``.
///
/// Dropping the handle does not cancel the callback. When the result of `callSoon` is not used the optimiser
/// removes the handle altogether.
///
/// asyncio: Handle
public class Handle: CustomStringConvertible {
    @usableFromInline
    let ready: ReadyHandleReference

    @usableFromInline
    @exclusivity(unchecked) final var wasCancelled: Bool

    /// A handle without a ticket is that of a callback which was never taken in.
    @inlinable
    init(_ ready: ReadyHandleReference) {
        self.ready = ready
        wasCancelled = ready.ticket < 0
    }

    /// Whether ``cancel()`` was called; it stays false for a callback that has run.
    ///
    /// asyncio: Handle.cancelled
    public final var isCancelled: Bool { wasCancelled }

    /// Takes the callback back and drops it with everything it captured. Too late or a second time, it does
    /// nothing.
    ///
    /// asyncio: Handle.cancel
    public final func cancel() {
        guard !wasCancelled else { return }
        wasCancelled = true
        withdraw()
    }

    /// Takes the callback out of its queue.
    func withdraw() {
        ready.loop?.withdrawReady(ticket: ready.ticket)
    }

    /// Where it was scheduled, if the loop was in debug mode then.
    var origin: SourceLocation? { ready.loop?.origins?[ready.ticket] }

    /// A text for reports.
    public var description: String { describe("Handle", origin: origin) }

    final func describe(_ type: String, origin: SourceLocation?) -> String {
        let state = isCancelled ? " cancelled" : ""
        return origin.map { "<\(type)\(state) created at \($0)>" } ?? "<\(type)\(state)>"
    }
}

/// A place in the loop's ready queue.
@usableFromInline
struct ReadyHandleReference {
    @usableFromInline let loop: EventLoop?
    @usableFromInline let ticket: Int

    @inlinable
    init(loop: EventLoop?, ticket: Int) {
        self.loop = loop
        self.ticket = ticket
    }
}

/// The handle of a callback that has left the queue, for a report about it.
final class SpentHandle: Handle {
    private let scheduledAt: SourceLocation?

    init(scheduledAt: SourceLocation?) {
        self.scheduledAt = scheduledAt
        super.init(ReadyHandleReference(loop: nil, ticket: 0))
    }

    override var origin: SourceLocation? { scheduledAt }
}

/// A callback that was scheduled for a point in time.
///
/// asyncio: TimerHandle · libuv: uv_timer_t
public final class TimerHandle: Handle {
    /// What happens at the deadline.
    enum Action {
        case callback(() throws -> Void)
        /// A task sleeps; its continuation is resumed one round after the deadline, as asyncio does it.
        case sleeper(UnsafeContinuation<Void, Never>)
        /// It has happened or was cancelled.
        case none
    }

    /// The exact deadline. It stays readable when the callback has run or was cancelled.
    ///
    /// asyncio: TimerHandle.when
    public let when: EventLoop.Instant

    @exclusivity(unchecked) private(set) var action: Action
    /// The loop, until the timer has run or was cancelled; so the two do not keep each other alive.
    // SAFETY: cleared when the timer is performed or cancelled, and for all that are left when the loop ends.
    @exclusivity(unchecked) private unowned(unsafe) var loop: EventLoop?
    @exclusivity(unchecked) private var isInHeap: Bool
    let timerOrigin: SourceLocation?
    override var origin: SourceLocation? { timerOrigin }

    init(when: EventLoop.Instant, _ action: Action, loop: EventLoop?, origin: SourceLocation?) {
        self.when = when
        self.action = action
        self.loop = loop
        isInHeap = loop != nil
        timerOrigin = origin
        super.init(ReadyHandleReference(loop: nil, ticket: 0))
    }

    override func withdraw() {
        action = .none
        if isInHeap { loop?.timerDied() }
        loop = nil
    }

    /// The deadline has come, or the heap drops the timer.
    @inline(__always)
    func leaveHeap() { isInHeap = false }

    @inline(__always)
    var isDead: Bool {
        if case .none = action { return true }
        return false
    }

    /// What is to be done now; the timer has had its day.
    @inline(__always)
    func takeAction() -> Action {
        let taken = action
        action = .none
        loop = nil
        return taken
    }

    /// The loop goes away without running the timer. Returns what is not going to be done.
    @discardableResult
    func abandon() -> Action {
        isInHeap = false
        return takeAction()
    }

    /// Puts the continuation of a sleeping task in, which is known only after the timer was made.
    func setSleeper(_ continuation: UnsafeContinuation<Void, Never>) { action = .sleeper(continuation) }

    /// A text for reports.
    public override var description: String { describe("TimerHandle when=\(when)", origin: timerOrigin) }
}

extension TimerHandle: Suspension {
    /// A cancellation came before the task slept.
    func cancelEarly() { if isDead, loop != nil { wasCancelled = true } }

    /// Only one task sleeps here.
    func release(waiter identity: UnsafeRawPointer) { _ = cancelSuspension() }

    /// Wakes the task that sleeps, in the next round.
    func cancelSuspension() -> Bool {
        guard case .sleeper(let continuation) = action, let loop else { return false }
        cancel()
        loop.ready.pointee.ring.push(.resume(continuation))
        return true
    }
}
