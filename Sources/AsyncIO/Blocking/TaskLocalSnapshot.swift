// Task-local values on a foreign thread.

/// Carries the task-local values of the current task to blocking work, as asyncio's to_thread copies the context.
enum TaskLocalSnapshot {
    /// Work that, wherever it runs, sees the task-local values of the task that calls this now.
    static func wrap<Value>(
        _ work: sending @escaping () throws -> sending Value
    ) -> sending () throws -> sending Value {
        // A new Swift task copies the values. Its one job is held back here, and run by the thread that does the work.
        let carried = CarriedWork(work)
        return { try carried.run() }
    }
}

/// Work inside of a Swift task that has the values.
private final class CarriedWork<Value>: Sendable {
    private final class Body: Sendable {
        // SAFETY: touched by the thread that runs the job, or drops it unrun.
        nonisolated(unsafe) var work: (() throws -> Value)?
        nonisolated(unsafe) var result: Result<Value, any Error>?

        init(_ work: sending @escaping () throws -> sending Value) { self.work = work }
    }

    private let carrier = JobCarrier()
    private let body: Body

    init(_ work: sending @escaping () throws -> sending Value) {
        let body = Body(work)
        self.body = body
        Task<Void, Never>(executorPreference: carrier, priority: .medium) {
            if let work = body.work { body.result = Result { try work() } }
            body.work = nil
        }
    }

    func run() throws -> sending Value {
        carrier.runJob()
        guard let result = body.result else { throw CancellationError() }
        body.result = nil
        // SAFETY: the work sent its result away; it crosses once, to here.
        nonisolated(unsafe) let value = try result.get()
        return value
    }

    /// Work that was taken back: its Swift task still has to run, without it, or it would leak.
    deinit {
        body.work = nil
        carrier.runJob()
    }
}

/// An executor that keeps its one job until somebody runs it.
private final class JobCarrier: TaskExecutor {
    private let lock = PthreadLock()
    // SAFETY: touched only while holding `lock`.
    private nonisolated(unsafe) var job: UnownedJob?

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        lock.withLock { self.job = job }
    }

    func runJob() {
        let job = lock.withLock {
            defer { self.job = nil }
            return self.job
        }
        job?.runSynchronously(on: asUnownedTaskExecutor())
    }
}
