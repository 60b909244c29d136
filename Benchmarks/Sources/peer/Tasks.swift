// Workloads of tasks, on one loop.

import AsyncIO

/// Two tasks that give way to each other.
func taskSwitch(_ loop: EventLoop, _ count: Int) async throws {
    let measure = Measure("task_switch", count)
    try await giveWay(loop, count)
    measure.report()
}

/// `count` times in all.
func giveWay(_ loop: EventLoop, _ count: Int) async throws {
    let tasks = [count - count / 2, count / 2].map { times in
        loop.createTask { for _ in 0..<times { try await loop.sleep(for: .zero) } }
    }
    for task in tasks { try await task.value }
}

/// Empty tasks, awaited a thousand at a time.
func taskSpawn(_ loop: EventLoop, _ count: Int) async throws {
    let measure = Measure("task_spawn", count)
    for done in stride(from: 0, to: count, by: 1000) {
        let tasks = (0..<min(1000, count - done)).map { _ in loop.createTask {} }
        for task in tasks { try await task.value }
    }
    measure.report()
}

/// A future that a callback resolves, awaited.
func futureAwait(_ loop: EventLoop, _ count: Int) async throws {
    let measure = Measure("future_await", count)
    for _ in 0..<count {
        let future = loop.createFuture(of: Void.self)
        loop.callSoon { try future.setResult(()) }
        try await future.value
    }
    measure.report()
}

/// Many tasks that sleep ten times for a millisecond each; the last one has what is left.
func sleepers(_ loop: EventLoop, _ count: Int) async throws {
    let measure = Measure("sleep", count)
    let tasks = stride(from: 0, to: count, by: 10).map { begun in
        loop.createTask { for _ in 0..<min(10, count - begun) { try await loop.sleep(for: .milliseconds(1)) } }
    }
    for task in tasks { try await task.value }
    measure.report()
}

/// One producer, one consumer, and a queue between them that takes 64.
func queue(_ loop: EventLoop, _ count: Int) async throws {
    let queue = Queue<Int>(loop, maxSize: 64)
    let measure = Measure("queue", count)
    let producer = loop.createTask { for number in 0..<count { try await queue.put(number) } }
    let consumer = loop.createTask {
        for expected in 0..<count {
            let number = try await queue.get()
            guard number == expected else { throw OutOfOrder(number: number, expected: expected) }
        }
    }
    try await producer.value
    try await consumer.value
    measure.report()
}

private struct OutOfOrder: Error {
    let number: Int
    let expected: Int
}
