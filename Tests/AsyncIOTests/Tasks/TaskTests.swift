// Tasks: results, errors, names, and what a task refuses.

import Testing

@testable import AsyncIO

@Suite struct TaskTests {
    @Test func taskReturnsWhatItsOperationReturns() async throws {
        let value = try await onLoop { loop in
            let inner = loop.createTask {
                try await loop.rounds(2)
                return 20
            }
            return try await loop.createTask { try await inner.value + 1 }.value
        }
        #expect(value == 21)
    }

    @Test func taskThrowsWhatItsOperationThrows() async throws {
        await #expect(throws: TestError(name: "inner")) {
            try await onLoop { loop in
                let inner = loop.createTask { throw TestError(name: "inner") }
                try await loop.createTask { try await inner.value }.value
            }
        }
    }

    @Test func taskDoesNotBeginInsideOfCreateTask() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask { trace("task") }
            trace("created")
            try await task.value
            return trace.entries
        }
        #expect(entries == ["created", "task"])
    }

    @Test func tasksBeginInTheOrderInWhichTheyWereCreated() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let tasks = (0..<4).map { n in loop.createTask { trace("\(n)") } }
            for task in tasks { try await task.value }
            return trace.entries
        }
        #expect(entries == ["0", "1", "2", "3"])
    }

    @Test func tasksAndCallbacksShareOneQueue() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callSoon { trace("callback 1") }
            loop.createTask { trace("task") }
            loop.callSoon { trace("callback 2") }
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["callback 1", "task", "callback 2"])
    }

    @Test func taskRunsToItsEndAlthoughNobodyHoldsIt() async throws {
        let value = try await onLoop { loop in
            let done = loop.createFuture(of: Int.self)
            do {
                loop.createTask {
                    try await loop.rounds(3)
                    try done.setResult(5)
                }
            }
            return try await done.value
        }
        #expect(value == 5)
    }

    @Test func resultOfATaskCannotBeSet() async throws {
        try await onLoop { loop in
            let task = loop.createTask { 1 }
            #expect(throws: EventLoopError(.unsupported, "")) { try task.setResult(2) }
            #expect(throws: EventLoopError(.unsupported, "")) { try task.setException(TestError()) }
            let value = try await task.value
            #expect(value == 1)
        }
    }

    @Test func taskThatAwaitsItselfFails() async throws {
        await #expect(throws: EventLoopError(.awaitsItself, "")) {
            try await onLoop { loop in
                var task: LoopTask<Void>?
                task = loop.createTask { try await task?.value }
                try await task?.value
            }
        }
    }

    @Test func taskThatReturnsAFutureDoesNotAwaitIt() async throws {
        let isPending = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let returned = try await loop.createTask { future }.value
            return returned === future && !returned.isDone
        }
        #expect(isPending)
    }

    @Test func unnamedTasksAreNumberedUpwards() async throws {
        let numbers = try await onLoop { loop in
            let names = (0..<3).map { _ in loop.createTask {}.name }
            try await loop.rounds(1)
            return names.map { $0.hasPrefix("Task-") ? Int($0.dropFirst(5)) : nil }
        }
        let found = numbers.compactMap { $0 }
        #expect(found.count == 3)
        #expect(found == found.sorted() && Set(found).count == 3)
    }

    @Test func nameCanBeGivenAndChanged() async throws {
        let names = try await onLoop { loop in
            let task = loop.createTask(name: "given") {}
            let first = task.name
            task.name = "changed"
            try await task.value
            return [first, task.name]
        }
        #expect(names == ["given", "changed"])
    }

    @Test func taskOnAClosedLoopFailsAtOnceAndNeverRuns() async throws {
        let (ran, code) = try await onThread {
            let loop = try EventLoop()
            try loop.close()
            loop.exceptionHandler = { _, _ in }
            var ran = false
            let task = loop.createTask { ran = true }
            return (ran, try task.exception() as? EventLoopError)
        }
        #expect(!ran)
        #expect(code?.code == .closed)
    }

    @Test func operationIsReleasedWhenTheTaskHasEnded() async throws {
        let isGone = try await onLoop { loop in
            weak var token: Token?
            let task: LoopTask<Void>
            do {
                let captured = Token()
                token = captured
                task = loop.createTask { withExtendedLifetime(captured) {} }
            }
            try await task.value
            // The end of the job that ran the task frees what is left of it.
            try await loop.rounds(1)
            return token == nil && task.isDone
        }
        #expect(isGone)
    }

    @Test func keyboardInterruptOfATaskLeavesTheRun() async throws {
        let isFailed = try await withLoop { loop in
            let task = loop.createTask { throw KeyboardInterrupt() }
            #expect(throws: KeyboardInterrupt.self) { try loop.runForever() }
            return try task.exception() is KeyboardInterrupt
        }
        #expect(isFailed)
    }

    @Test func keyboardInterruptDuringCancellationIsTheTasksError() async throws {
        let isFailed = try await withLoop { loop in
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch is CancellationError {
                    throw KeyboardInterrupt()
                }
            }
            loop.callSoon { loop.callSoon { task.cancel() } }
            #expect(throws: KeyboardInterrupt.self) { try loop.runForever() }
            return try !task.isCancelled && task.exception() is KeyboardInterrupt
        }
        #expect(isFailed)
    }

    @Test func thousandsOfTasksLeaveNothingBehind() async throws {
        let sum = try await onLoop { loop in
            let tasks = (0..<3000).map { n in
                loop.createTask {
                    try await loop.rounds(1)
                    return n
                }
            }
            var sum = 0
            for task in tasks { sum += try await task.value }
            #expect(loop.allTasks.count == 1)
            return sum
        }
        #expect(sum == 4_498_500)
    }
}
