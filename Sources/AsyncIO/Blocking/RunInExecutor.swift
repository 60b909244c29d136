// Blocking code, off the loop's thread, with a future for its result.

extension EventLoop {
    var defaultExecutor: DefaultExecutor {
        // SAFETY: nothing else is put into this slot.
        if let state = slots.blocking { return unsafeDowncast(state as AnyObject, to: DefaultExecutor.self) }
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
            if executor == nil, defaultExecutor.isShutDown {
                throw EventLoopError(.executorShutDown, "Executor shutdown has been called")
            }
            if let executor = executor ?? defaultExecutor.replacement {
                let job = BlockingJob(future, counter: nil, work)
                try submit(job, to: executor)
            } else {
                let executor = defaultExecutor
                let job = BlockingJob(future, counter: executor, work)
                try executor.pool.submit(job, on: uv)
                executor.running += 1
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
}
