// A callback that came from another thread, and its cancellation from any thread.

import Synchronization

/// A callback that was posted with ``LoopExecutor/callSoonThreadsafe(_:)``. Sendable.
///
/// asyncio: the Handle of loop.call_soon_threadsafe
public final class ThreadsafeHandle: Sendable {
    private enum State {
        static let pending: UInt8 = 0
        static let running: UInt8 = 1
        /// Running, and a thread waits in `cancel()` for the end.
        static let awaited: UInt8 = 2
        static let done: UInt8 = 3
        static let cancelled: UInt8 = 4
    }

    private let state = Atomic<UInt8>(State.pending)
    // SAFETY: handed over by the posting thread; after that only the loop's thread touches it.
    private nonisolated(unsafe) var callback: ((EventLoop) throws -> Void)?
    /// The thread that runs the callback. A reference to the executor would tell as well, but its count would go back and
    /// forth between the processors' caches with every post.
    private let runner = Atomic<UInt>(0)

    @usableFromInline
    init(_ callback: sending @escaping (EventLoop) throws -> Void) { self.callback = callback }

    /// Whether the callback was cancelled before it ran.
    public var isCancelled: Bool { state.load(ordering: .acquiring) == State.cancelled }

    /// Takes the callback back. If it is running at this moment, a call from another thread waits for its end, so that
    /// afterwards it is certain that the callback does not run (asyncio does so from 3.14).
    ///
    /// asyncio: Handle.cancel
    public func cancel() {
        if state.compareExchange(expected: State.pending, desired: State.cancelled, ordering: .acquiringAndReleasing)
            .exchanged
        {
            return
        }
        guard runner.load(ordering: .acquiring) != ThreadIdentity.current.rawValue else { return }
        let (_, seen) = state.compareExchange(
            expected: State.running, desired: State.awaited, ordering: .acquiringAndReleasing)
        guard seen == State.running || seen == State.awaited else { return }
        completions.wait { self.state.load(ordering: .acquiring) != State.awaited }
    }

    /// Runs the callback on the loop's thread unless it was cancelled.
    func perform(on loop: EventLoop) throws {
        runner.store(ThreadIdentity.current.rawValue, ordering: .releasing)
        guard
            state.compareExchange(expected: State.pending, desired: State.running, ordering: .acquiringAndReleasing)
                .exchanged
        else {
            callback = nil
            return
        }
        defer {
            if state.exchange(State.done, ordering: .acquiringAndReleasing) == State.awaited {
                completions.announce()
            }
        }
        // Not copied and set to nil: that would be two changes of a count that the posting thread had last.
        try callback.take()?(loop)
    }

    /// Drops the callback without running it: the loop closes.
    func discard() {
        _ = state.compareExchange(expected: State.pending, desired: State.cancelled, ordering: .acquiringAndReleasing)
        callback = nil
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
