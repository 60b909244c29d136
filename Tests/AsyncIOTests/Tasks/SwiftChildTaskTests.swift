// Child tasks of Swift's own task groups and of `async let`, inside of a task of the loop.

import Testing

@testable import AsyncIO

@Suite struct SwiftChildTaskTests {
    private static func sleepLong() async throws { try await EventLoop.running.sleep(for: .seconds(3600)) }

    @Test func childrenOfATaskGroupRunOnTheLoop() async throws {
        let answers = try await onLoop { loop in
            let executor = loop.executor
            return try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        let before = executor.isOnLoopThread
                        try await EventLoop.running.sleep(for: .milliseconds(1))
                        return before && executor.isOnLoopThread
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(answers == [true, true, true])
    }

    @Test func asyncLetRunsOnTheLoop() async throws {
        let isOnLoop = try await onLoop { loop in
            let executor = loop.executor
            async let answer = {
                try await EventLoop.running.sleep(for: .zero)
                return executor.isOnLoopThread
            }()
            return try await answer
        }
        #expect(isOnLoop)
    }

    @Test func noTaskIsCurrentInAChild() async throws {
        let answers = try await onLoop { loop in
            async let isNil = EventLoop.running.currentTask == nil
            return [try await isNil, loop.currentTask == nil]
        }
        #expect(answers == [true, false])
    }

    @Test func childAwaitsAFuture() async throws {
        let value = try await onLoop { loop in
            let future = UncheckedTransfer(loop.createFuture(of: Int.self))  // SAFETY: used on the loop's thread only.
            async let value = future.value.value
            try await loop.rounds(2)
            try future.value.setResult(9)
            return try await value
        }
        #expect(value == 9)
    }

    @Test func cancelOfTheTaskCancelsSleepingChildren() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = UncheckedTransfer(Trace())  // SAFETY: used on the loop's thread only.
            let task = loop.createTask {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for n in 0..<2 {
                        group.addTask {
                            do {
                                try await Self.sleepLong()
                            } catch {
                                trace.value("\(n) \(error is CancellationError)")
                                throw error
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await loop.rounds(3)
            task.cancel()
            let result = await settled(task)
            return (trace.value.entries.sorted(), result)
        }
        #expect(entries == ["0 true", "1 true"])
        #expect(result == "cancelled")
    }

    @Test func cancelOfTheTaskCancelsTheFutureThatAChildAwaits() async throws {
        let (isCancelled, result) = try await onLoop { loop in
            let future = UncheckedTransfer(loop.createFuture(of: Int.self))  // SAFETY: used on the loop's thread only.
            let task = loop.createTask {
                async let value = future.value.value
                return try await value
            }
            try await loop.rounds(3)
            task.cancel()
            let result = await settled(task)
            return (future.value.isCancelled, result)
        }
        #expect(isCancelled)
        #expect(result == "cancelled")
    }

    @Test func cancelAllOfAGroupLeavesTheTaskUntouched() async throws {
        let (result, count) = try await onLoop { loop in
            let task = loop.createTask {
                await withTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        do {
                            try await Self.sleepLong()
                            return false
                        } catch {
                            return error is CancellationError
                        }
                    }
                    try? await loop.rounds(3)
                    group.cancelAll()
                    return await group.next() == true
                }
            }
            let result = await settled(task)
            return (result, task.cancelling)
        }
        #expect(result == "value true")
        #expect(count == 0)
    }

    @Test func childThatBeginsCancelledDoesNotSleep() async throws {
        let isCancelled = try await onLoop { _ in
            await withTaskGroup(of: Bool.self) { group in
                group.cancelAll()
                group.addTask {
                    do {
                        try await Self.sleepLong()
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                return await group.next() == true
            }
        }
        #expect(isCancelled)
    }

    @Test func childThatBeginsCancelledDoesNotAwaitAFuture() async throws {
        let isCancelled = try await onLoop { loop in
            let future = UncheckedTransfer(loop.createFuture(of: Int.self))  // SAFETY: used on the loop's thread only.
            return await withTaskGroup(of: Bool.self) { group in
                group.cancelAll()
                group.addTask {
                    do {
                        _ = try await future.value.value
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                return await group.next() == true
            }
        }
        #expect(isCancelled)
    }

    @Test func errorOfAChildCancelsItsSiblings() async throws {
        await #expect(throws: TestError(name: "child")) {
            try await onLoop { loop in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await Self.sleepLong() }
                    group.addTask {
                        try await EventLoop.running.sleep(for: .zero)
                        throw TestError(name: "child")
                    }
                    for try await _ in group {}
                }
            }
        }
    }

    @Test func cancelBeforeTheGroupIsMadeReachesItsChildren() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                loop.currentTask?.cancel()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await Self.sleepLong() }
                    try await group.waitForAll()
                }
            }
            return await settled(task)
        }
        #expect(result == "cancelled")
    }
}
