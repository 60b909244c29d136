// A pool of threads for blocking work that libuv's pool should not be kept busy with.

/// A pool of named threads. Threads start when there is work for them and stay until ``shutdown(wait:)``.
///
/// libuv's own pool serves files and DNS as well: give long work threads of its own.
///
/// asyncio: concurrent.futures.ThreadPoolExecutor · libuv: uv_thread_create
public final class ThreadPoolExecutor: BlockingExecutor {
    private struct State: ~Copyable {
        var work = RingBuffer<@Sendable () -> Void>(minimumCapacity: 16)
        var threads: [UVThread] = []
        var idleThreads = 0
        /// Threads that have not ended, also those that nobody will join.
        var liveThreads = 0
        var isShutDown = false
    }

    private let maxWorkers: Int
    private let threadNamePrefix: String
    private let shared = Shared()

    /// Creates a pool.
    ///
    /// - Parameters:
    ///   - maxWorkers: how many threads there may be; nil is asyncio's default, the number of cores and four
    ///     more, at most 32. It must be positive.
    ///   - threadNamePrefix: threads are called by this and a number.
    public init(maxWorkers: Int? = nil, threadNamePrefix: String = "asyncio") {
        let count = maxWorkers ?? min(32, System.parallelism + 4)
        precondition(count > 0, "ThreadPoolExecutor: maxWorkers must be greater than 0, not \(count)")
        self.maxWorkers = count
        self.threadNamePrefix = threadNamePrefix
    }

    deinit { shutdown(wait: false) }

    /// Runs `work` on a thread of the pool; work starts in the order in which it came.
    ///
    /// - Throws: ``EventLoopError`` `.executorShutDown`; ``IOError`` if there is no thread and none can be started.
    public func submit(_ work: @escaping @Sendable () -> Void) throws {
        try shared.lock.withLock {
            guard !shared.state.isShutDown else {
                throw EventLoopError(.executorShutDown, "cannot schedule new futures after shutdown")
            }
            shared.state.work.push(work)
            if shared.state.idleThreads >= shared.state.work.count {
                shared.changed.signal()
            } else if shared.state.threads.count < maxWorkers {
                try addThread()
            }
        }
    }

    /// Takes no more work. What was submitted still runs, and the threads end after it.
    ///
    /// - Parameter wait: waits until all of it has ended. Must not be true on one of the pool's threads.
    ///
    /// asyncio: Executor.shutdown
    public func shutdown(wait: Bool) {
        let threads = shared.lock.withLock {
            shared.state.isShutDown = true
            shared.changed.broadcast()
            defer { shared.state.threads = [] }
            return shared.state.threads
        }
        for thread in threads { if wait { thread.join() } else { thread.detach() } }
        guard wait else { return }
        // Somebody else may have called this before, and not have waited, or wait now.
        shared.lock.withLock { while shared.state.liveThreads > 0 { shared.lock.wait(on: shared.changed) } }
    }

    /// Starts a thread; the caller holds the lock.
    private func addThread() throws {
        let name = "\(threadNamePrefix)_\(shared.state.threads.count)"
        let shared = self.shared
        do {
            shared.state.threads.append(
                try UVThread {
                    System.nameCurrentThread(name)
                    shared.serve()
                })
            shared.state.liveThreads += 1
        } catch  where !shared.state.threads.isEmpty {
            // The threads that there are will get to it.
        } catch {
            // It is the only one: there are no threads.
            _ = shared.state.work.pop()
            throw error
        }
    }

    /// What the pool and its threads share.
    private final class Shared: Sendable {
        let lock = PthreadLock()
        let changed = ConditionVariable()
        // SAFETY: touched only while holding `lock`.
        nonisolated(unsafe) var state = State()

        /// The life of a thread.
        func serve() {
            while let work = next() { work() }
            lock.withLock {
                state.liveThreads -= 1
                changed.broadcast()
            }
        }

        private func next() -> (@Sendable () -> Void)? {
            lock.withLock {
                while state.work.isEmpty {
                    if state.isShutDown { return nil }
                    state.idleThreads += 1
                    lock.wait(on: changed)
                    state.idleThreads -= 1
                }
                return state.work.pop()
            }
        }
    }
}
