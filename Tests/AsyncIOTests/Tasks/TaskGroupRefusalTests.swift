// Task groups that take no more children, and children that begin at once.

import Testing

@testable import AsyncIO

@Suite struct TaskGroupRefusalTests {
    @Test func groupThatIsOverRefusesTasksAndTheyNeverBegin() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let kept = Variable<TaskGroup>()
            try await loop.withTaskGroup { kept.value = $0 }
            let child = kept.value?.createTask { trace("began") }
            try await loop.rounds(3)
            let result = child.map { outcome(of: $0) }
            return (trace.entries, result)
        }
        #expect(entries == [])
        #expect(result?.contains("TaskGroup is finished") == true)
    }

    @Test func groupThatIsOverDropsTheOperation() async throws {
        let wasKept = try await onLoop { loop in
            let kept = Variable<TaskGroup>()
            try await loop.withTaskGroup { kept.value = $0 }
            weak var weakToken: Token?
            func create() -> LoopTask<Bool>? {
                let token = Token()
                weakToken = token
                return kept.value?.createTask { [token] in token === weakToken }
            }
            let refused = create()
            return refused?.isDone != true || weakToken != nil
        }
        #expect(!wasKept)
    }

    @Test func groupThatAbortsRefusesTasksOfTheBody() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { throw TestError(name: "child") }
                    try? await loop.untilCancelled()
                    let late = group.createTask { trace("began") }
                    trace(late.isDone ? outcome(of: late) : "accepted")
                }
            }
            let result = await ending(task)
            return (trace.entries, result)
        }
        #expect(entries.count == 1)
        #expect(entries.first?.contains("TaskGroup is shutting down") == true)
        #expect(result == "[child]")
    }

    @Test func groupThatAbortsRefusesTasksOfItsChildren() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask {
                        try? await loop.untilCancelled()
                        let late = group.createTask { trace("began") }
                        trace(late.isDone ? "refused" : "accepted")
                        try await loop.rounds(2)
                    }
                    group.createTask { throw TestError(name: "child") }
                }
            }
            let result = await ending(task)
            return (trace.entries, result)
        }
        #expect(entries == ["refused"])
        #expect(result == "[child]")
    }

    @Test func refusedTaskIsNoErrorOfTheGroupAndIsNotReported() async throws {
        let messages = try await onLoop { loop in
            let reports = Reports(of: loop)
            try await loop.withTaskGroup { group in
                group.cancel()
                group.createTask {}
            }
            try await loop.rounds(2)
            return reports.messages
        }
        #expect(messages == [])
    }

    @Test func refusedTaskIsNoTaskOfTheLoop() async throws {
        let count = try await onLoop { loop in
            let kept = Variable<TaskGroup>()
            try await loop.withTaskGroup { kept.value = $0 }
            let refused = kept.value?.createTask {}
            _ = refused
            return loop.allTasks.count
        }
        #expect(count == 1)
    }

    @Test func eagerChildThatNeedsNoWaitingIsDoneAtOnce() async throws {
        let isDone = try await onLoop { loop in
            try await loop.withTaskGroup { group in group.createTask(eagerStart: true) { 1 }.isDone }
        }
        #expect(isDone)
    }

    @Test func eagerChildThatWaitsIsWaitedFor() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            try await loop.withTaskGroup { group in
                group.createTask(eagerStart: true) {
                    trace("first step")
                    try await loop.rounds(2)
                    trace("end")
                }
                trace("body")
            }
            return trace.entries
        }
        #expect(entries == ["first step", "body", "end"])
    }

    @Test func eagerChildThatFailsAtOnceAbortsTheGroup() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { try await loop.untilCancelled() }
                    group.createTask(eagerStart: true) { throw TestError(name: "eager") }
                    trace("body goes on")
                    try await loop.untilCancelled(trace, "body")
                }
            }
            let result = await ending(task)
            return (trace.entries, [result, "\(task.cancelling)"])
        }
        #expect(entries == ["body goes on", "body cancelled"])
        #expect(result == ["[eager]", "0"])
    }

    @Test func groupWorksWithTheEagerFactory() async throws {
        let sum = try await onLoop { loop in
            loop.taskFactory = EagerTaskFactory()
            defer { loop.taskFactory = nil }
            func add(_ depth: Int) async throws -> Int {
                if depth == 0 { return 1 }
                return try await loop.withTaskGroup { group in
                    let parts = (0..<2).map { _ in group.createTask { try await add(depth - 1) } }
                    var sum = 0
                    for part in parts { sum += try await part.value }
                    return sum
                }
            }
            return try await add(6)
        }
        #expect(sum == 64)
    }

    @Test func eagerChildThatCancelsTheGroupInItsFirstStepIsCancelledToo() async throws {
        let (isDone, result) = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask(eagerStart: true) {
                        group.cancel()
                        try await loop.untilCancelled()
                    }
                }
            }
            try await loop.rounds(10)
            let isDone = task.isDone
            // For the group that waits for a child that nobody cancels.
            for other in loop.allTasks where other != loop.currentTask { other.cancel() }
            return (isDone, await ending(task))
        }
        #expect(isDone)
        #expect(result.hasPrefix("value "))
    }

    @Test func outsideOfATaskThereIsNoGroup() async throws {
        let code = try await onLoop { _ in
            async let code: EventLoopError.Code? = {
                do {
                    try await EventLoop.running.withTaskGroup { _ in }
                    return nil
                } catch let error as EventLoopError {
                    return error.code
                }
            }()
            return try await code
        }
        #expect(code == .invalidState)
    }
}
