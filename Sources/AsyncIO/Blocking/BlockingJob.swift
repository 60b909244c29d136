// A piece of blocking work on its way to a thread and back.

import Synchronization

/// Work, and then its result. Begun at most once, taken back at most once, never both.
final class BlockingJob<Value>: Sendable {
    private static var waiting: UInt8 { 0 }
    private static var begun: UInt8 { 1 }
    private static var cancelled: UInt8 { 2 }

    private let state = Atomic<UInt8>(0)
    // SAFETY: touched by the thread that begins the job; then, after it has handed over, by the loop's.
    private nonisolated(unsafe) var work: (() throws -> Value)?
    private nonisolated(unsafe) var result: Result<Value, any Error>?

    init(_ work: sending @escaping () throws -> sending Value) { self.work = work }

    /// On a thread: runs the work; false if it was taken back.
    @discardableResult
    func perform() -> Bool {
        guard take(as: Self.begun) else { return false }
        if let work { result = Result { try work() } }
        work = nil
        return true
    }

    /// On the loop: takes the work back if it has not begun.
    func cancel() {
        if take(as: Self.cancelled) { work = nil }
    }

    /// On the loop, after the work: what came out of it.
    func takeResult() -> Result<Value, any Error> {
        defer { result = nil }
        return result ?? .failure(CancellationError())
    }

    private func take(as new: UInt8) -> Bool {
        state.compareExchange(expected: Self.waiting, desired: new, ordering: .acquiringAndReleasing).exchanged
    }
}

extension Future {
    func settle(_ result: Result<Value, any Error>) {
        switch result {
        case .success(let value): finish(value)
        case .failure(let error) where error is CancellationError: complete(.cancelled)
        case .failure(let error): fail(error)
        }
    }
}

/// The future of blocking work: cancelling it takes back work that has not begun.
final class BlockingFuture<Value>: Future<Value> {
    private var takeBack: (() -> Void)?

    init(on loop: EventLoop) { super.init(loop: loop) }

    func onCancel(_ takeBack: @escaping () -> Void) { self.takeBack = takeBack }

    override func cancel() -> Bool {
        guard super.cancel() else { return false }
        takeBack?()
        takeBack = nil
        return true
    }
}
