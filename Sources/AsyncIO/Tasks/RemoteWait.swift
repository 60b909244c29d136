// How a task of a loop waits for what other loops do for it.

/// Is done when all calls have been answered. A cancellation goes to the calls, each time that one comes, and what they make of it
/// comes back. So it does not matter that Swift's flag stays set in a task that has been cancelled once.
private final class RemoteWait: Future<Void> {
    private let calls: [any CancellableCall]
    private var left: Int
    private(set) var cancellations = 0
    /// The first call that failed, after which the others were cancelled.
    private(set) var firstFailure: Int?
    /// The others had been cancelled already when the caller was: what they make of that is no answer to the caller's.
    private(set) var cancelledAfterFailure = false

    init(for calls: [any CancellableCall], loop: EventLoop) {
        self.calls = calls
        left = calls.count
        super.init(loop: loop)
    }

    override func cancel() -> Bool {
        guard !isDone else { return false }
        cancellations += 1
        if firstFailure != nil { cancelledAfterFailure = true }
        for call in calls { call.cancel() }
        // A loop that closes does not hear of the answers.
        if loop.ready.pointee.isClosing { complete(.cancelled) }
        return true
    }

    func callDidEnd(_ number: Int, failed: Bool) {
        left -= 1
        guard !isDone else { return }
        if failed, firstFailure == nil {
            firstFailure = number
            if cancellations == 0 { for (other, call) in calls.enumerated() where other != number { call.cancel() } }
        }
        if left == 0 { finish(()) }
    }
}

extension EventLoop {
    /// Makes calls for a task of this loop, and waits until all have been answered. When one fails the others are cancelled.
    ///
    /// - Returns: the answers in the order of the calls, and which call was the first to fail.
    /// - Throws: `CancellationError` if this loop closes, or the task was cancelled before; what the calls throw is in their
    ///   answers.
    func wait<Value>(
        for calls: [PendingCall<Value>], in task: any ScheduledTask, _ origin: SourceLocation,
        _ body: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> sending Value
    ) async throws -> (answers: [RemoteAnswer<Value>], firstFailure: Int?) {
        if ready.pointee.isClosing { try await refuseToWait() }
        if task.takePendingCancellation() {
            // It ends the wait before anything has been called.
            task.redeliverCancellation()
            try await createFuture(of: Void.self).value
        }
        let wait = RemoteWait(for: calls, loop: self)
        let home = UncheckedTransfer(wait)  // SAFETY: unwrapped on the loop's thread only.
        let executor = self.executor
        for (number, call) in calls.enumerated() {
            call.begin(origin, body) { failed in
                executor.onLoopThread { home.value.callDidEnd(number, failed: failed) }
            }
        }
        var cameLate = false
        do {
            try await wait.value
        } catch {
            guard wait.state == .finished else {
                if wait.cancellations == 0 { for call in calls { call.cancel() } }
                throw error
            }
            // The cancellation came when the answers were there.
            cameLate = true
        }
        let answers = calls.map { $0.takeAnswer() }
        // One that nobody has heard of is for the task's next wait; but an error may deliver it as well.
        let heard = answers.map(\.cancellations).max() ?? 0
        if cameLate || wait.cancelledAfterFailure || heard < wait.cancellations { task.redeliverCancellation() }
        if let first = wait.firstFailure, case .failure(is CancellationError) = answers[first].result.value {
            _ = task.takePendingCancellation()
        }
        let wasCancelled = cameLate || wait.cancellations > 0
        return (
            answers.map { RemoteAnswer(result: $0.result, callerWasCancelled: wasCancelled) }, wait.firstFailure
        )
    }
}
