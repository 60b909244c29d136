// Workloads that cross threads.

import AsyncIO
import Glibc

/// Runs `body` on a thread of its own; `join` waits for its end.
final class Thread {
    private var handle = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Box(body))
        pthread_create(
            &handle, nil,
            { argument in
                Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
                return nil
            }, box.toOpaque())
    }

    func join() { pthread_join(handle, nil) }

    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}

/// Counts on the loop's thread what a second thread posts.
private final class Counter: @unchecked Sendable {
    var left: Int
    init(_ count: Int) { left = count }
}

/// A second thread posts callbacks as fast as it can; or all of them before the loop runs, which can be counted exactly.
func callSoonThreadsafe(_ bench: String, _ count: Int, beforehand: Bool = false) throws {
    let loop = try EventLoop()
    let executor = loop.executor
    let counter = Counter(count)
    let measure = Measure(bench, count)
    let thread = Thread {
        for _ in 0..<count {
            _ = try? executor.callSoonThreadsafe { loop in
                counter.left -= 1
                if counter.left == 0 { loop.stop() }
            }
        }
    }
    if beforehand { thread.join() }
    try loop.runForever()
    measure.report()
    if !beforehand { thread.join() }
    try loop.close()
}

/// A second thread posts a callback whenever the last one has run, so that each finds the loop waiting.
func callSoonThreadsafeWaking(_ bench: String, _ count: Int) throws {
    let loop = try EventLoop()
    let executor = loop.executor
    let ran = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    sem_init(ran, 0, 0)
    // SAFETY: a semaphore is for several threads, and outlives both.
    nonisolated(unsafe) let semaphore = ran
    let measure = Measure(bench, count)
    let thread = Thread {
        for _ in 0..<count {
            _ = try? executor.callSoonThreadsafe { _ in sem_post(semaphore) }
            sem_wait(semaphore)
        }
        _ = try? executor.callSoonThreadsafe { loop in loop.stop() }
    }
    try loop.runForever()
    measure.report()
    thread.join()
    sem_destroy(ran)
    ran.deallocate()
    try loop.close()
}

/// Two loops in two threads that post to each other. `count` is the number of hops, two to a round trip.
func wakeupPingpong(_ count: Int) throws {
    let here = try EventLoop()
    let there = try EventLoop()
    let ball = Ball(rounds: count / 2, here: here.executor, there: there.executor)
    let thread = runOnThread(there)
    let measure = Measure("wakeup_pingpong", count)
    here.callSoon { ball.ping() }
    try here.runForever()
    measure.report()
    try ball.there.callSoonThreadsafe { $0.stop() }
    thread.join()
    try here.close()
}

private func runOnThread(_ loop: sending EventLoop) -> Thread {
    nonisolated(unsafe) let loop = loop
    return Thread {
        try? loop.runForever()
        try? loop.close()
    }
}

private final class Ball: @unchecked Sendable {
    private var left: Int
    private let here: LoopExecutor
    let there: LoopExecutor

    init(rounds: Int, here: LoopExecutor, there: LoopExecutor) {
        left = rounds
        self.here = here
        self.there = there
    }

    func ping() {
        left -= 1
        if left < 0 {
            _ = try? here.callSoonThreadsafe { $0.stop() }
        } else {
            _ = try? there.callSoonThreadsafe { _ in
                _ = try? self.here.callSoonThreadsafe { _ in self.ping() }
            }
        }
    }
}
