// Swift tasks that are none of the loop's own, and what becomes of their waits when the loop closes.

import Testing

@testable import AsyncIO

@Suite struct ForeignWaitTests {
    @Test func swiftTaskThatSleepsIsWokenWhenTheLoopCloses() async throws {
        let task = try await withLoop { loop in
            let executor = loop.executor
            let task = Task(executorPreference: executor) { try await EventLoop.Clock().sleep(until: .distantFuture) }
            try loop.runUntilComplete { try await loop.rounds(3) }
            return task
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func swiftTaskThatAwaitsAFutureIsWokenWhenTheLoopCloses() async throws {
        let task = try await withLoop { loop in
            let task = Task(executorPreference: loop.executor) {
                try await EventLoop.running.createFuture(of: Void.self).value
            }
            try loop.runUntilComplete { try await loop.rounds(3) }
            return task
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func manyTasksAreAllUnwoundAtClose() async throws {
        let count = 20_000
        let ended = try await onThread {
            let loop = try EventLoop()
            loop.exceptionHandler = { _, _ in }
            let ended = SharedCounter()
            for _ in 0..<count {
                loop.createTask {
                    defer { ended.increment() }
                    try await loop.sleep(for: .seconds(3600))
                }
            }
            try loop.runUntilComplete { try await loop.rounds(2) }
            try loop.close()
            expectNothingLeft(of: loop)
            return ended.value
        }
        #expect(ended == count)
    }
}
