// Blocking code, off the loop's thread, with a future for its result.

/// The state of a loop's default executor.
final class DefaultExecutor {
    let pool: PoolQueue
    @exclusivity(unchecked) var replacement: (any BlockingExecutor)?
    @exclusivity(unchecked) var isShutDown = false
    /// Jobs in libuv's pool that have not come back.
    @exclusivity(unchecked) var running = 0
    /// Resolved when `running` gets to zero.
    @exclusivity(unchecked) var idle: Future<Void>?

    init(pool: PoolQueue) { self.pool = pool }

    func jobDidEnd() {
        running -= 1
        guard running == 0, let idle else { return }
        self.idle = nil
        if !idle.isDone { idle.finish(()) }
    }
}

extension EventLoop {
    var defaultExecutor: DefaultExecutor {
        // SAFETY: nothing else is put into this slot.
        if let state = slots.blocking { return unsafeDowncast(state, to: DefaultExecutor.self) }
        let state = DefaultExecutor(pool: PoolQueue(executor: executor))
        slots.blocking = state
        return state
    }

    /// Runs blocking work on another thread; the future gets what it returns or throws.
    ///
    /// Without an executor that is libuv's pool: four threads unless `UV_THREADPOOL_SIZE` says otherwise, shared with files
    /// and DNS. Cancelling the future takes back work that has not begun; work that runs goes on, and its result
    /// is dropped. On a closed loop, or with an executor that takes no more work, the future has failed.
    ///
    /// - Parameters:
    ///   - executor: who runs the work; nil is the default executor.
    ///   - work: the work. What it captures moves to the other thread, and its result moves back.
    ///
    /// asyncio: loop.run_in_executor · libuv: uv_queue_work
    public func runInExecutor<Value>(
        _ executor: (any BlockingExecutor)? = nil, _ work: sending @escaping () throws -> sending Value
    ) -> Future<Value> {
        let future = BlockingFuture<Value>(loop: self)
        guard canSchedule("runInExecutor") else {
            future.fail(EventLoopError.closed)
            return future
        }
        do {
            if let executor = executor ?? defaultExecutor.replacement {
                let job = BlockingJob(future, counter: nil, work)
                future.job = job
                try submit(job, to: executor)
            } else {
                let executor = defaultExecutor
                guard !executor.isShutDown else {
                    throw EventLoopError(.executorShutDown, "Executor shutdown has been called")
                }
                let job = BlockingJob(future, counter: executor, work)
                executor.running += 1
                future.job = job
                try executor.pool.submit(job, on: uv)
            }
        } catch {
            future.fail(error)
        }
        return future
    }

    private func submit(_ job: BlockingJob<some Any>, to executor: any BlockingExecutor) throws {
        let loopExecutor = self.executor
        try executor.submit {
            job.perform()
            // If the loop has closed meanwhile nobody waits for the result.
            _ = try? loopExecutor.callSoonThreadsafe { _ in job.end() }
        }
    }

    /// Runs blocking work on the default executor and waits for the result. The work sees the task-local
    /// values of the task that asks.
    ///
    /// ```swift
    /// let digest = try await loop.toThread { try hashFile(path) }
    /// ```
    ///
    /// **Cancellation:** work that has not begun is taken back; work that runs goes on, but this throws
    /// `CancellationError` at once.
    ///
    /// - Throws: what the work throws; ``EventLoopError`` `.closed` or `.executorShutDown`; `CancellationError`.
    ///
    /// asyncio: to_thread · libuv: uv_queue_work
    public func toThread<Value>(_ work: sending @escaping () throws -> sending Value) async throws -> Value {
        try await runInExecutor(nil, TaskLocalSnapshot.wrap(work)).value
    }

    /// Makes an executor the default one, in place of libuv's pool. Jobs that run already are not touched.
    ///
    /// asyncio: loop.set_default_executor
    public func setDefaultExecutor(_ executor: any BlockingExecutor) {
        canTouch("setDefaultExecutor")
        defaultExecutor.replacement = executor
    }

    /// Takes no more work for the default executor, and waits until what it has is done.
    ///
    /// - Parameter timeout: how long to wait; nil is for ever. When it has passed a warning is printed, and the work
    ///   goes on unattended.
    ///
    /// **Cancellation:** ends the wait, not the work.
    ///
    /// asyncio: loop.shutdown_default_executor
    public func shutdownDefaultExecutor(timeout: Duration? = nil) async throws {
        let state = defaultExecutor
        state.isShutDown = true
        let finished: Future<Void>
        if let replacement = state.replacement {
            finished = createFuture()
            let target = UncheckedTransfer(finished)  // SAFETY: unwrapped on the loop's thread only.
            let executor = self.executor
            // Joining blocks, so that a thread of its own does it.
            let joiner = try UVThread {
                replacement.shutdown(wait: true)
                _ = try? executor.callSoonThreadsafe { _ in if !target.value.isDone { target.value.finish(()) } }
            }
            joiner.detach()
            state.replacement = ShutDownExecutor()
        } else if state.running > 0 {
            finished = state.idle ?? createFuture()
            state.idle = finished
        } else {
            return
        }
        guard let timeout else { return try await finished.value }
        let timer = callLater(after: timeout) {
            if !finished.isDone { finished.fail(ExecutorStillBusy()) }
        }
        defer { timer.cancel() }
        do {
            try await finished.value
        } catch is ExecutorStillBusy {
            StandardError.print("The executor did not finish joining its threads within \(timeout).")
        }
    }
}

private struct ExecutorStillBusy: Error {}

/// What is left of a default executor that was shut down.
private final class ShutDownExecutor: BlockingExecutor {
    func submit(_ work: @escaping @Sendable () -> Void) throws {
        throw EventLoopError(.executorShutDown, "Executor shutdown has been called")
    }
    func shutdown(wait: Bool) {}
}
