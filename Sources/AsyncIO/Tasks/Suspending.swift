// How a task waits: for a future, for a moment, for one round. The rules of cancellation are here.

extension AnyFuture: Suspension {
    final func cancelSuspension() -> Bool { cancel() }

    /// Suspends the current task until the future is done, and no matter how.
    ///
    /// - Throws: `CancellationError` if the task was cancelled after the future was done, but before the task went on;
    ///   a cancellation before that cancels the future.
    @usableFromInline
    final func waitUntilDone() async throws {
        guard loop.executor.isOnLoopThread else {
            loop.canTouch("Future.value")
            throw EventLoopError(.foreignLoop, "The future is attached to a different loop, which does not run")
        }
        if loop.ready.pointee.isClosing { try await loop.refuseToWait() }
        assert(state == .pending, "waiting for a future that is done")
        guard let task = loop.currentScheduledTask else { return try await waitUntilDoneInForeignTask() }
        if task === self { throw EventLoopError(.awaitsItself, "Task cannot await on itself") }
        await withUnsafeContinuation { continuation in
            addObserver(.task(continuation))
            task.willSuspend(on: self)
        }
        // Whoever was woken by an error has seen it, also if a cancellation takes its place.
        if state == .failed { isRetrieved = true }
        try task.didResume()
    }

    /// The same in a Swift task that is none of ours: a child task, or one of an actor. The isolation is named because
    /// Swift's closure would leave an actor, and with it the loop's thread, otherwise.
    private final func waitUntilDoneInForeignTask(isolation: isolated (any Actor)? = #isolation) async throws {
        try Task.checkCancellation()
        let transfer = UncheckedTransfer(self)  // SAFETY: unwrapped on the loop's thread only.
        let executor = loop.executor
        let identity = SwiftTaskIdentity.current
        if let identity { loop.foreignWaits[identity] = self }
        await withTaskCancellationHandler {
            _ = isolation
            await withUnsafeContinuation { continuation in
                // The cancellation may have come before.
                if state == .pending {
                    addObserver(.task(continuation))
                } else {
                    loop.ready.pointee.ring.push(.resume(continuation))
                }
            }
        } onCancel: {
            executor.onLoopThread { transfer.value.cancel() }
        }
        if let identity { loop.foreignWaits[identity] = nil }
        if state == .pending { throw CancellationError() }
    }
}

extension EventLoop {
    /// Gives way for one round: everything that is ready now runs first. Cheaper than `Task.yield()`.
    func yieldOneRound() async throws {
        canTouch("sleep")
        if ready.pointee.isClosing { try await refuseToWait() }
        let task = currentScheduledTask
        await withUnsafeContinuation { continuation in ready.pointee.ring.push(.resume(continuation)) }
        if let task { try task.didResume() } else { try Task.checkCancellation() }
    }

    /// Suspends the current task until its deadline has come. As in asyncio, the timer wakes the task and
    /// the task goes on one round later.
    func suspend(until deadline: Instant) async throws {
        canTouch("sleep")
        if ready.pointee.isClosing { try await refuseToWait() }
        let task = currentScheduledTask
        let timer = TimerHandle(when: deadline, .none, loop: self, origin: nil)
        guard let task else { return try await suspendForeignTask(with: timer) }
        await withUnsafeContinuation { continuation in
            timer.setSleeper(continuation)
            timers.insert(timer, deadline: deadline.nanoseconds)
            task.willSuspend(on: timer)
        }
        try task.didResume()
        if timer.isCancelled { throw CancellationError() }
    }

    private func suspendForeignTask(
        with timer: TimerHandle, isolation: isolated (any Actor)? = #isolation
    ) async throws {
        let transfer = UncheckedTransfer(timer)  // SAFETY: unwrapped on the loop's thread only.
        let executor = self.executor
        let identity = SwiftTaskIdentity.current
        if let identity { foreignWaits[identity] = timer }
        await withTaskCancellationHandler {
            _ = isolation
            await withUnsafeContinuation { continuation in
                // The cancellation may have come before.
                if timer.isCancelled {
                    ready.pointee.ring.push(.resume(continuation))
                } else {
                    timer.setSleeper(continuation)
                    timers.insert(timer, deadline: timer.when.nanoseconds)
                }
            }
        } onCancel: {
            executor.onLoopThread { if !transfer.value.cancelSuspension() { transfer.value.cancelEarly() } }
        }
        if let identity { foreignWaits[identity] = nil }
        if timer.isCancelled { throw CancellationError() }
        try Task.checkCancellation()
    }
}
