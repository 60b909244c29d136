// Which task runs now, and which there are.

import Testing

@testable import AsyncIO

@Suite struct CurrentTaskTests {
    private static func currentTaskSomewhereElse(_ loop: EventLoop) async throws -> AnyLoopTask? {
        try await loop.sleep(for: .zero)
        return loop.currentTask
    }

    @Test func noTaskIsCurrentOutsideOfTheRun() async throws {
        let answers = try await withLoop { loop in
            let before = loop.currentTask == nil
            try loop.runUntilComplete { try await loop.rounds(1) }
            return [before, loop.currentTask == nil]
        }
        #expect(answers == [true, true])
    }

    @Test func noTaskIsCurrentInACallback() async throws {
        let isNil = try await onLoop { loop in
            let answer = loop.createFuture(of: Bool.self)
            loop.callSoon { try answer.setResult(loop.currentTask == nil) }
            return try await answer.value
        }
        #expect(isNil)
    }

    @Test func taskIsCurrentInItsOwnSteps() async throws {
        let answers = try await onLoop { loop in
            let tasks = Variable<[LoopTask<Bool>]>([])
            tasks.value = (0..<3).map { n in
                loop.createTask {
                    let before = loop.currentTask === tasks.value?[n]
                    try await loop.rounds(2)
                    return before && loop.currentTask === tasks.value?[n]
                }
            }
            var answers: [Bool] = []
            for task in tasks.value ?? [] { answers.append(try await task.value) }
            tasks.value = nil
            return answers
        }
        #expect(answers == [true, true, true])
    }

    @Test func taskStaysCurrentInNestedAsyncFunctions() async throws {
        let isSame = try await onLoop { loop in try await Self.currentTaskSomewhereElse(loop) == loop.currentTask }
        #expect(isSame)
    }

    @Test func typedReturnsTheVeryTask() async throws {
        let isSame = try await onLoop { loop in
            let task = loop.createTask { 1 }
            let erased = AnyLoopTask(task)
            _ = try await task.value
            return erased.typed(Int.self) === task && erased.typed(String.self) == nil
        }
        #expect(isSame)
    }

    @Test func allTasksAreThoseThatHaveNotEnded() async throws {
        let names = try await onLoop { loop in
            let ended = loop.createTask(name: "ended") {}
            try await ended.value
            let pending = loop.createFuture(of: Void.self)
            let waiting = loop.createTask(name: "waiting") { try await pending.value }
            try await loop.rounds(1)
            let fresh = loop.createTask(name: "fresh") {}
            let names = loop.allTasks.map(\.name)
            try pending.setResult(())
            try await waiting.value
            try await fresh.value
            return Set(names.map { $0.hasPrefix("Task-") ? "main" : $0 })
        }
        #expect(names == ["main", "waiting", "fresh"])
    }

    @Test func taskLeavesTheListInTheRoundInWhichItEnds() async throws {
        let counts = try await onLoop { loop in
            let future = loop.createFuture(of: Void.self)
            let task = loop.createTask { try await future.value }
            try await loop.rounds(1)
            try future.setResult(())
            var counts = [loop.allTasks.count]
            try await loop.rounds(1)
            counts.append(loop.allTasks.count)
            #expect(task.isDone)
            return counts
        }
        #expect(counts == [2, 1])
    }

    @Test func cancelledTaskIsListedUntilItHasEnded() async throws {
        let isListed = try await onLoop { loop in
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    try await loop.rounds(3)
                }
            }
            try await loop.rounds(1)
            task.cancel()
            try await loop.rounds(2)
            let isListed = loop.allTasks.contains { $0 === task }
            try await task.value
            return isListed
        }
        #expect(isListed)
    }

    @Test func tasksCanBeCancelledThroughTheList() async throws {
        let results = try await onLoop { loop in
            let tasks = (0..<3).map { _ in loop.createTask { try await loop.sleep(for: .seconds(3600)) } }
            try await loop.rounds(1)
            for task in loop.allTasks where task != loop.currentTask { task.cancel() }
            var results: [String] = []
            for task in tasks { results.append(await settled(task)) }
            return results
        }
        #expect(results == ["cancelled", "cancelled", "cancelled"])
    }
}
