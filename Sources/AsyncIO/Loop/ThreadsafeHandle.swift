// A callback that came from another thread, and its cancellation from any thread.

import Synchronization

/// A callback that was posted with ``LoopExecutor/callSoonThreadsafe(_:)``. Sendable.
///
/// When the result of `callSoonThreadsafe` is not used the optimiser removes the handle.
///
/// asyncio: the Handle of loop.call_soon_threadsafe
public final class ThreadsafeHandle: Sendable {
    @usableFromInline let executor: LoopExecutor
    @usableFromInline let posted: PostedReference

    @inlinable
    init(_ executor: LoopExecutor, _ posted: PostedReference) {
        self.executor = executor
        self.posted = posted
        wasCancelled = false
    }

    // SAFETY: only touched while holding the inbox's lock.
    @usableFromInline nonisolated(unsafe) var wasCancelled: Bool

    /// Whether the callback was cancelled before it ran.
    public var isCancelled: Bool {
        executor.inbox.locked { wasCancelled || posted.isIn(PostedCallback.Phase.cancelled) }
    }

    /// Takes the callback back. If it is running at this moment, a call from another thread waits for its end, so that
    /// afterwards it is certain that the callback does not run (asyncio does so from 3.14).
    ///
    /// asyncio: Handle.cancel
    public func cancel() {
        let isCancelled = executor.inbox.locked {
            if posted.change(from: PostedCallback.Phase.pending, to: PostedCallback.Phase.cancelled) {
                wasCancelled = true
            }
            return wasCancelled
        }
        guard !isCancelled, !executor.isOnLoopThread else { return }
        guard
            posted.change(from: PostedCallback.Phase.running, to: PostedCallback.Phase.awaited)
                || posted.isIn(PostedCallback.Phase.awaited)
        else { return }
        completions.wait { !posted.isIn(PostedCallback.Phase.awaited) }
    }

    /// A callback has ended for whose end somebody waits.
    static func announceEnd() { completions.announce() }
}

/// One use of a place for a posted callback.
@usableFromInline
struct PostedReference: Sendable {
    // SAFETY: the place lives as long as the executor, which the handle holds; only its atomic state is touched from here.
    private nonisolated(unsafe) let place: PostedCallback.Reference
    private let use: UInt64

    init(_ place: PostedCallback.Reference, state: UInt64) {
        self.place = place
        use = state & ~(PostedCallback.Phase.nextUse - 1)
    }

    func isIn(_ phase: UInt64) -> Bool { place.pointee.state.load(ordering: .acquiring) == use | phase }

    func change(from phase: UInt64, to next: UInt64) -> Bool {
        place.pointee.state.compareExchange(
            expected: use | phase, desired: use | next, ordering: .acquiringAndReleasing
        ).exchanged
    }
}

/// Where threads wait for a callback to end that they want to cancel.
private struct CompletionBoard: ~Copyable, Sendable {
    private let lock = PthreadLock()
    private let changed = ConditionVariable()

    func wait(until condition: () -> Bool) {
        lock.withLock { while !condition() { lock.wait(on: changed) } }
    }

    func announce() { lock.withLock { changed.broadcast() } }
}

/// One for the process: it is used when a callback is cancelled while it runs, and only then.
private let completions = CompletionBoard()
