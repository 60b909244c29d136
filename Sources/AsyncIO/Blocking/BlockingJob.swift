// A piece of blocking work on its way to a thread and back.

import Synchronization

/// Where a job keeps its result; generic over the optional type for the reason that ``FutureStorage`` is.
class JobStorage<Stored> {
    @exclusivity(unchecked) fileprivate final var stored: Stored
    @exclusivity(unchecked) fileprivate final var failure: (any Error)?

    fileprivate init(initial: Stored) { stored = initial }
}

/// Work whose result goes to a future. Begun at most once, taken back at most once, never both.
// SAFETY: the turn decides which thread begins; it hands work and result over to the loop through a lock.
final class BlockingJob<Value>: JobStorage<Value?>, PoolJob, @unchecked Sendable {
    // SAFETY: touched on the loop only, and let go of there; or by the one thread that is left when the loop has closed.
    @exclusivity(unchecked) private nonisolated(unsafe) var future: BlockingFuture<Value>?
    // SAFETY: touched by the thread that begins the job; then, after it has handed over, by the loop's.
    @exclusivity(unchecked) private nonisolated(unsafe) var work: (() throws -> Value)?
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
        super.init(initial: nil)
        future.turn = turn
    }

    /// On a thread: runs the work unless it was taken back.
    func perform() {
        defer { work = nil }
        guard turn.take() else { return }
        do {
            stored = try work?()
        } catch {
            failure = error
        }
    }

    /// On the loop, after the work or instead of it: gives the future what came out.
    func end() {
        counter?.jobDidEnd()
        // The thread may still hold the job, but the result and who waits for it stay here.
        let (value, failure, future) = (self.stored, self.failure, self.future)
        self.stored = nil
        self.failure = nil
        self.future = nil
        guard let future, !future.isDone else { return }
        if let failure {
            if failure is CancellationError { future.complete(.cancelled) } else { future.fail(failure) }
        } else {
            future.stored = value
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
