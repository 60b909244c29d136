// Workloads of Swift tasks. All tasks are children of the one that `runTask` makes, so they run on the executor that it
// prefers.

import Dispatch
import Glibc

/// Runs `body` in a task, and blocks this thread until its end. Without an executor it is the default one.
public func runTask(on executor: (any TaskExecutor)?, _ body: @escaping @Sendable () async throws -> Void) {
    let done = DispatchSemaphore(value: 0)
    Task(executorPreference: executor) {
        do {
            try await body()
        } catch {
            complain("\(Measure.peer): \(error)")
            exit(1)
        }
        done.signal()
    }
    done.wait()
}

/// Two tasks that give way to each other.
public func taskSwitch(_ count: Int) async {
    let measure = Measure("task_switch", count)
    await withDiscardingTaskGroup { group in
        for times in [count - count / 2, count / 2] {
            group.addTask { for _ in 0..<times { await Task.yield() } }
        }
    }
    measure.report()
}

/// Empty tasks, awaited a thousand at a time.
public func taskSpawn(_ count: Int) async {
    let measure = Measure("task_spawn", count)
    for done in stride(from: 0, to: count, by: 1000) {
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<min(1000, count - done) { group.addTask {} }
            await group.waitForAll()
        }
    }
    measure.report()
}

/// `resolve` makes a future that is resolved on the loop, and awaits it.
public func futureAwait(_ count: Int, _ resolve: () async throws -> Void) async throws {
    let measure = Measure("future_await", count)
    for _ in 0..<count { try await resolve() }
    measure.report()
}

/// Many tasks that sleep ten times for a millisecond each; the last one has what is left.
public func sleepers(_ count: Int, _ sleep: @escaping @Sendable () async throws -> Void) async throws {
    let measure = Measure("sleep", count)
    try await withThrowingDiscardingTaskGroup { group in
        for begun in stride(from: 0, to: count, by: 10) {
            group.addTask { for _ in 0..<min(10, count - begun) { try await sleep() } }
        }
    }
    measure.report()
}

/// One producer, one consumer, and a queue between them that takes 64.
public func queue(_ count: Int) async {
    let queue = BoundedQueue<Int>(capacity: 64)
    let measure = Measure("queue", count)
    await withDiscardingTaskGroup { group in
        group.addTask { for number in 0..<count { await queue.put(number) } }
        group.addTask {
            for expected in 0..<count {
                let number = await queue.get()
                precondition(number == expected, "the queue has lost its order")
            }
        }
    }
    measure.report()
}
