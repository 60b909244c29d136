// Tasks that begin inside of createTask.

import Testing

@testable import AsyncIO

@Suite struct EagerTaskTests {
    @Test func firstStepRunsAtCreationAndTheRestLater() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask(eagerStart: true) {
                trace("first step")
                try await loop.sleep(for: .zero)
                trace("second step")
            }
            trace("created")
            try await task.value
            return trace.entries
        }
        #expect(entries == ["first step", "created", "second step"])
    }

    @Test func taskThatNeedsNoWaitingIsDoneAtCreation() async throws {
        let results = try await onLoop { loop in
            let task = loop.createTask(eagerStart: true) { 5 }
            return [outcome(of: task), "\(task.isDone)"]
        }
        #expect(results == ["value 5", "true"])
    }

    @Test func errorOfTheEagerStepIsKeptForWhoAwaits() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask(eagerStart: true) { throw TestError() }
            return outcome(of: task)
        }
        #expect(result == "error TestError(name: \"test\")")
    }

    @Test func doneFutureIsAwaitedInTheEagerStep() async throws {
        let result = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(3)
            return outcome(of: loop.createTask(eagerStart: true) { try await future.value })
        }
        #expect(result == "value 3")
    }

    @Test func blockedEagerTaskGoesOnOneRoundAfterItsFuture() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let future = loop.createFuture(of: Int.self)
            loop.createTask(eagerStart: true) {
                _ = try await future.value
                counter.mark("task")
            }
            counter.restart()
            try future.setResult(1)
            try await loop.rounds(3)
        }
        #expect(marks == ["task": 1])
    }

    @Test func cancelAfterEagerCompletionReturnsFalse() async throws {
        let answers = try await onLoop { loop in
            let task = loop.createTask(eagerStart: true) { 1 }
            return [task.cancel(), task.isCancelled]
        }
        #expect(answers == [false, false])
    }

    @Test func cancelAfterTheEagerStepBlockedWorksAsEver() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask(eagerStart: true) { try await loop.sleep(for: .seconds(3600)) }
            task.cancel()
            return await settled(task)
        }
        #expect(result == "cancelled")
    }

    @Test func selfCancelInAnEagerStepThatReturnsCancelsTheTask() async throws {
        let result = try await onLoop { loop in
            outcome(of: loop.createTask(eagerStart: true) { _ = loop.currentTask?.cancel() })
        }
        #expect(result == "cancelled")
    }

    @Test func currentTaskIsSwappedDuringTheEagerStep() async throws {
        let answers = try await onLoop { loop in
            let outer = loop.currentTask
            let seen = Variable<AnyLoopTask>()
            let task = loop.createTask(eagerStart: true) {
                seen.value = loop.currentTask
                try await loop.rounds(1)
            }
            let answers = [seen.value === task, seen.value != outer, loop.currentTask == outer]
            try await task.value
            return answers
        }
        #expect(answers == [true, true, true])
    }

    @Test func taskIsListedDuringItsEagerStep() async throws {
        let isListed = try await onLoop { loop in
            try await loop.createTask(eagerStart: true) {
                loop.allTasks.contains { $0 == loop.currentTask }
            }.value
        }
        #expect(isListed)
    }

    @Test func onlyBlockedEagerTaskStaysListed() async throws {
        let answers = try await onLoop { loop in
            let done = loop.createTask(eagerStart: true) {}
            let blocked = loop.createTask(eagerStart: true) { try await loop.rounds(1) }
            let all = loop.allTasks
            try await blocked.value
            return [all.contains { $0 === done }, all.contains { $0 === blocked }]
        }
        #expect(answers == [false, true])
    }

    @Test func eagerTaskOfALoopThatDoesNotRunBeginsWithTheRun() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            let task = loop.createTask(eagerStart: true) { trace("step") }
            trace("created")
            try loop.runUntilComplete(task)
            return trace.entries
        }
        #expect(entries == ["created", "step"])
    }

    @Test func eagerTasksNest() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask(eagerStart: true) {
                trace("outer")
                let inner = loop.createTask(eagerStart: true) {
                    trace("inner")
                    try await loop.rounds(1)
                    trace("inner end")
                }
                trace("outer again")
                try await inner.value
                trace("outer end")
            }
            trace("created")
            try await task.value
            return trace.entries
        }
        #expect(entries == ["outer", "inner", "outer again", "created", "inner end", "outer end"])
    }

    @Test func eagerStepInsideOfACallbackWorks() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let done = loop.createFuture(of: Void.self)
            loop.callSoon {
                loop.createTask(eagerStart: true) {
                    trace("step")
                    try await loop.rounds(1)
                    trace("end")
                    try done.setResult(())
                }
                trace("callback")
            }
            try await done.value
            return trace.entries
        }
        #expect(entries == ["step", "callback", "end"])
    }

    @Test func factoryMakesEveryTaskEager() async throws {
        let entries = try await onLoop { loop in
            loop.taskFactory = EagerTaskFactory()
            let trace = Trace()
            let task = loop.createTask { trace("step") }
            trace("created \(task.isDone)")
            return trace.entries
        }
        #expect(entries == ["step", "created true"])
    }

    @Test func longChainOfEagerTasksCompletesAtOnce() async throws {
        let value = try await onLoop { loop in
            loop.taskFactory = EagerTaskFactory()
            var task = loop.createTask { 0 }
            for _ in 0..<500 {
                let inner = task
                task = loop.createTask { try await inner.value + 1 }
            }
            return try task.result()
        }
        #expect(value == 500)
    }

    @Test func eagerTaskReleasesItsOperationAtItsEnd() async throws {
        let isGone = try await onLoop { loop in
            weak var token: Token?
            let task: LoopTask<Void>
            do {
                let captured = Token()
                token = captured
                task = loop.createTask(eagerStart: true) { withExtendedLifetime(captured) {} }
            }
            try await loop.rounds(1)
            return token == nil && task.isDone
        }
        #expect(isGone)
    }
}
