// A piece of blocking work on its way to a thread and back.

import Synchronization

/// Work whose result goes to a future. Begun at most once, taken back at most once, never both.
final class BlockingJob<Value>: PoolJob, Sendable {
    // SAFETY: of the future, the thread writes `stored` only, which nobody reads before the loop completes it.
    private nonisolated(unsafe) let future: BlockingFuture<Value>
    // SAFETY: touched by the thread that begins the job; then, after it has handed over, by the loop's.
    private nonisolated(unsafe) var work: (() throws -> Value)?
    private nonisolated(unsafe) var failure: (any Error)?
    // SAFETY: touched on the loop only.
    private nonisolated(unsafe) let counter: DefaultExecutor?
    private let turn = OneTurn()

    /// - Parameter counter: who counts the job, if it is one of the default executor's.
    init(
        _ future: BlockingFuture<Value>, counter: DefaultExecutor?,
        _ work: sending @escaping () throws -> sending Value
    ) {
        self.future = future
        self.counter = counter
        self.work = work
        future.turn = turn
    }

    /// On a thread: runs the work unless it was taken back.
    func perform() {
        defer { work = nil }
        guard turn.take() else { return }
        do {
            future.stored = try work?()
        } catch {
            failure = error
        }
    }

    /// On the loop, after the work or instead of it: gives the future what came out.
    func end() {
        counter?.jobDidEnd()
        guard !future.isDone else { return }
        if let failure {
            if failure is CancellationError { future.complete(.cancelled) } else { future.fail(failure) }
        } else {
            future.complete(.finished)
        }
    }
}

/// Decides whether work begins or is taken back.
final class OneTurn: Sendable {
    private let isTaken = Atomic<Bool>(false)

    /// True for the first caller.
    func take() -> Bool { !isTaken.exchange(true, ordering: .acquiringAndReleasing) }
}

/// The future of blocking work: cancelling it takes back work that has not begun. It does not hold the job, which
/// holds it.
final class BlockingFuture<Value>: Future<Value> {
    @exclusivity(unchecked) fileprivate var turn: OneTurn?

    override func cancel() -> Bool {
        guard super.cancel() else { return false }
        _ = turn?.take()
        return true
    }
}
