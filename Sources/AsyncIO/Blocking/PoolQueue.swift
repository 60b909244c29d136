// A loop's work for libuv's pool: many small jobs to one request of the pool.

import Synchronization

/// A job in a ``PoolQueue``.
protocol PoolJob: AnyObject {
    /// On a thread of the pool.
    func perform()
    /// On the loop, after it.
    func end()
}

/// Jobs that wait for a thread of libuv's pool, and jobs that are done and wait for the loop.
///
/// A request for each job would wake a thread for each job. So a request is a pump: it runs jobs until there are
/// none, or for a millisecond: then files and DNS, which use the same threads, have their turn. So a job that takes
/// longer is alone in its request. A pump that has had several jobs waits a moment for more before it ends: to wake a thread
/// takes longer than many a job.
///
/// libuv: uv_queue_work
final class PoolQueue: Sendable {
    private struct State: ~Copyable {
        var waiting = RingBuffer<any PoolJob>(minimumCapacity: 16)
        var done: [any PoolJob] = []
        var pumps = 0
        /// Those of the pumps that wait for more to do.
        var waitingPumps = 0
        /// The loop knows that there is something in `done`.
        var isAnnounced = false
    }

    /// How long a pump runs jobs, in nanoseconds, before it goes to the end of libuv's queue.
    private static let turn: Int64 = 1_000_000
    /// How long it waits for another job.
    private static let patience: Int64 = 20_000

    private let executor: LoopExecutor
    private let threads: Int
    private let lock = PthreadLock()
    // SAFETY: touched only while holding `lock`. Jobs are handed from thread to thread under it.
    private nonisolated(unsafe) let state: UnsafeMutablePointer<State>
    /// Whether there may be jobs in `waiting`: for pumps that look without the lock.
    private let hasWaiting = Atomic<Bool>(false)

    init(executor: LoopExecutor) {
        self.executor = executor
        threads = System.poolThreads
        state = .allocate(capacity: 1)
        state.initialize(to: State())
    }

    deinit {
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// On the loop: adds a job, and a pump if there is a thread to be had for it.
    func submit(_ job: any PoolJob, on uv: UVLoop) throws {
        let needsPump = lock.withLock {
            state.pointee.waiting.push(job)
            hasWaiting.store(true, ordering: .relaxed)
            // Pumps that wait are there for one job each.
            guard state.pointee.waiting.count > state.pointee.waitingPumps, state.pointee.pumps < threads else {
                return false
            }
            state.pointee.pumps += 1
            return true
        }
        guard needsPump else { return }
        do {
            try UVWork(Pump(self, uv), on: uv).submit()
        } catch {
            // Unless another pump will come to it, the job is taken back; it is the only one then.
            let isStranded = lock.withLock {
                state.pointee.pumps -= 1
                guard state.pointee.pumps == 0 else { return false }
                _ = takeJob()
                return true
            }
            if isStranded { throw error }
        }
    }

    /// On a thread of the pool: runs jobs.
    fileprivate func pump() {
        let end = System.nanoseconds + Self.turn
        var finished: (any PoolJob)?
        var count = 0
        repeat {
            guard let job = next(after: finished, mayWait: count > 1) else { return }
            job.perform()
            finished = job
            count += 1
        } while System.nanoseconds < end
        _ = next(after: finished, isLast: true)
    }

    /// Hands over a finished job and takes the next one; without one the pump has ended.
    private func next(
        after finished: consuming (any PoolJob)?, mayWait: Bool = false, isLast: Bool = false
    ) -> (any PoolJob)? {
        var (announces, waits) = (false, false)
        let job: (any PoolJob)? = lock.withLock {
            if let finished {
                state.pointee.done.append(finished)
                announces = !state.pointee.isAnnounced
                state.pointee.isAnnounced = true
            }
            if !isLast, let job = takeJob() { return job }
            waits = mayWait && !isLast
            if waits { state.pointee.waitingPumps += 1 } else { state.pointee.pumps -= 1 }
            return nil
        }
        // If the loop is closing it finds the job when the pump has ended.
        if announces { _ = try? executor.callSoonThreadsafe { _ in self.collect() } }
        return waits ? waitForJob() : job
    }

    /// On a thread of the pool: what is there within a moment; otherwise the pump has ended.
    private func waitForJob() -> (any PoolJob)? {
        let end = System.nanoseconds + Self.patience
        while !hasWaiting.load(ordering: .relaxed), System.nanoseconds < end { System.yieldThread() }
        return lock.withLock {
            state.pointee.waitingPumps -= 1
            if let job = takeJob() { return job }
            state.pointee.pumps -= 1
            return nil
        }
    }

    /// While holding `lock`.
    private func takeJob() -> (any PoolJob)? {
        guard !state.pointee.waiting.isEmpty else { return nil }
        let job = state.pointee.waiting.pop()
        if state.pointee.waiting.isEmpty { hasWaiting.store(false, ordering: .relaxed) }
        return job
    }

    /// On the loop: ends the jobs that are done.
    fileprivate func collect() {
        let jobs = lock.withLock {
            state.pointee.isAnnounced = false
            defer { state.pointee.done = [] }
            return state.pointee.done
        }
        for job in jobs { job.end() }
    }

    /// The loop has closed, and so all pumps have ended: forgets the jobs that nobody collected.
    func forgetJobs() {
        // They may hold anything: they go away outside of the lock.
        _ = lock.withLock {
            defer { state.pointee.done = [] }
            return state.pointee.done
        }
    }

    /// On the loop, when a pump has ended: another one takes its place if there is work left.
    fileprivate func pumpDidEnd(on uv: UVLoop) {
        collect()
        let needsPump = lock.withLock {
            guard !state.pointee.waiting.isEmpty, state.pointee.pumps < threads else { return false }
            state.pointee.pumps += 1
            return true
        }
        guard needsPump else { return }
        do {
            try UVWork(Pump(self, uv), on: uv).submit()
        } catch {
            lock.withLock { state.pointee.pumps -= 1 }
        }
    }
}

/// One request of libuv's pool.
private final class Pump: WorkItem {
    private let queue: PoolQueue
    private let uv: UVLoop

    init(_ queue: PoolQueue, _ uv: UVLoop) {
        self.queue = queue
        self.uv = uv
    }

    func perform() { queue.pump() }
    func end(wasCancelled: Bool) { queue.pumpDidEnd(on: uv) }
}
