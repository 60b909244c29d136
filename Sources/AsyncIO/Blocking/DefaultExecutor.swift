// The executor that a loop uses when nobody names one, and its end.

/// The state of a loop's default executor.
final class DefaultExecutor: LoopAttachment {
    let pool: PoolQueue
    // Only accessed in single steps on the loop's thread.
    @exclusivity(unchecked) var replacement: (any BlockingExecutor)?
    @exclusivity(unchecked) var isShutDown = false
    /// Jobs in libuv's pool that have not come back.
    @exclusivity(unchecked) var running = 0
    /// A thread waits for the end of the replacement's work.
    @exclusivity(unchecked) var isJoining = false
    /// Who waits for the end of all of it; each has a future of its own, to be cancelled alone.
    private var waiters = Waiters()

    init(pool: PoolQueue) { self.pool = pool }

    func loopDidClose() {
        pool.forgetJobs()
        waiters.removeAll()
    }

    func jobDidEnd() {
        running -= 1
        settleIfIdle()
    }

    func settleIfIdle() {
        guard isIdle else { return }
        while !waiters.isEmpty { waiters.wakeNext() }
    }

    var isIdle: Bool { running == 0 && !isJoining }

    func add(_ waiter: Future<Void>) { waiters.append(waiter) }
}

extension EventLoop {
    /// Takes no more work for the default executor, and waits until what it has is done.
    ///
    /// - Parameter timeout: how long to wait; nil is for ever. When it has passed a warning is printed, and the work
    ///   goes on unattended.
    ///
    /// **Cancellation:** ends the wait, not the work.
    ///
    /// asyncio: loop.shutdown_default_executor
    public func shutdownDefaultExecutor(timeout: Duration? = nil) async throws {
        let executor = defaultExecutor
        executor.isShutDown = true
        if let replacement = executor.replacement {
            executor.replacement = nil
            try join(replacement, for: executor)
        }
        if executor.isIdle { return }
        let finished = createFuture(of: Void.self)
        executor.add(finished)
        guard let timeout else { return try await finished.value }
        var isLate = false
        let timer = callLater(after: timeout) {
            guard !finished.isDone else { return }
            isLate = true
            finished.finish(())
        }
        defer { timer.cancel() }
        try await finished.value
        if isLate { StandardError.print("The executor did not finish joining its threads within \(timeout).") }
    }

    /// Waits for the end of an executor's work on a thread of its own, for waiting blocks.
    private func join(_ replacement: any BlockingExecutor, for state: DefaultExecutor) throws {
        let target = UncheckedTransfer(state)  // SAFETY: unwrapped on the loop's thread only.
        let executor = self.executor
        let joiner = try UVThread {
            replacement.shutdown(wait: true)
            _ = try? executor.callSoonThreadsafe { _ in
                target.value.isJoining = false
                target.value.settleIfIdle()
            }
        }
        state.isJoining = true
        joiner.detach()
    }
}
