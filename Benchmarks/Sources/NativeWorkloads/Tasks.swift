// Workloads of Swift tasks, on the executor that is given: nil is the default one.

import Dispatch
import Glibc

public typealias Executor = (any TaskExecutor)?

/// Runs `body` in a task, and blocks this thread until its end.
public func runTask(on executor: Executor, _ body: @escaping @Sendable () async throws -> Void) {
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
public func taskSwitch(on executor: Executor, _ count: Int) async {
    let measure = Measure("task_switch", count)
    let tasks = (0..<2).map { _ in
        Task(executorPreference: executor) { for _ in 0..<count / 2 { await Task.yield() } }
    }
    for task in tasks { await task.value }
    measure.report()
}

/// Empty tasks, awaited a thousand at a time.
public func taskSpawn(on executor: Executor, _ count: Int) async {
    let measure = Measure("task_spawn", count)
    for _ in 0..<max(count / 1000, 1) {
        let tasks = (0..<1000).map { _ in Task(executorPreference: executor) {} }
        for task in tasks { await task.value }
    }
    measure.report()
}

/// `resolve` makes a future that a callback on the loop resolves, and awaits it.
public func futureAwait(_ count: Int, _ resolve: () async throws -> Void) async throws {
    let measure = Measure("future_await", count)
    for _ in 0..<count { try await resolve() }
    measure.report()
}

/// Many tasks that sleep ten times for a millisecond each.
public func sleepers(
    on executor: Executor, _ count: Int, _ sleep: @escaping @Sendable () async throws -> Void
) async throws {
    let measure = Measure("sleep", count)
    let tasks = (0..<max(count / 10, 1)).map { _ in
        Task(executorPreference: executor) { for _ in 0..<10 { try await sleep() } }
    }
    for task in tasks { try await task.value }
    measure.report()
}

/// One producer, one consumer, and a queue between them that takes 64.
public func queue(on executor: Executor, _ count: Int) async {
    let queue = BoundedQueue<Int>(capacity: 64)
    let measure = Measure("queue", count)
    let producer = Task(executorPreference: executor) { for number in 0..<count { await queue.put(number) } }
    let consumer = Task(executorPreference: executor) {
        for expected in 0..<count {
            let number = await queue.get()
            precondition(number == expected, "the queue has lost its order")
        }
    }
    await producer.value
    await consumer.value
    measure.report()
}
