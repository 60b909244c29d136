// executor.run: entering a loop from outside, results, errors, cancellation, and loops that close meanwhile.

import Synchronization
import Testing

@testable import AsyncIO

@Suite struct ExecutorRunTests {
    @Test func resultComesBackToTheCaller() async throws {
        let result = try await withServingLoop { executor in
            try await executor.run { loop in
                try await loop.sleep(for: .milliseconds(1))
                return "\(executor.isOnLoopThread)"
            }
        }
        #expect(result == "true")
    }

    @Test func callerGoesOnWhereItWas() async throws {
        let isOnLoop = try await withServingLoop { executor in
            try await executor.run { _ in }
            return executor.isOnLoopThread
        }
        #expect(!isOnLoop)
    }

    @Test func errorComesBackToTheCaller() async throws {
        await #expect(throws: TestError(name: "there")) {
            try await withServingLoop { executor in
                try await executor.run { _ in throw TestError(name: "there") }
            }
        }
    }

    @Test func errorThatComesBackIsNotReportedByTheLoop() async throws {
        let reported = Counter()
        _ = try await withServingLoop(prepare: { $0.exceptionHandler = { _, _ in reported.increment() } }) { executor in
            await #expect(throws: TestError.self) { try await executor.run { _ in throw TestError() } }
        }
        #expect(reported.value == 0)
    }

    @Test func operationRunsAsATaskOfTheLoop() async throws {
        let isTask = try await withServingLoop { executor in
            try await executor.run { loop in loop.currentTask != nil && loop.allTasks.count == 1 }
        }
        #expect(isTask)
    }

    @Test func resultNeedNotBeSendable() async throws {
        let content = try await withServingLoop { executor in
            let trace = try await executor.run { _ in
                let trace = Trace()
                trace("made on the loop")
                return trace
            }
            return trace.entries
        }
        #expect(content == ["made on the loop"])
    }

    @Test func taskOfTheLoopMayCallRunItself() async throws {
        let result = try await onLoop { loop in
            let executor = loop.executor
            return try await executor.run { inner in
                try await inner.executor.run { _ in 3 }
            }
        }
        #expect(result == 3)
    }

    @Test func manyCallersAreServed() async throws {
        let sum = try await withServingLoop { executor in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for n in 0..<200 {
                    group.addTask {
                        try await executor.run { loop in
                            try await loop.sleep(for: .microseconds(n % 7 * 100))
                            return n
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
        }
        #expect(sum == 199 * 200 / 2)
    }

    // MARK: - Cancellation

    @Test func cancellingTheCallerCancelsTheTaskOnTheLoop() async throws {
        try await withServingLoop { executor in
            let (started, input) = AsyncStream.makeStream(of: Void.self)
            let unwound = Counter()
            let caller = Task {
                try await executor.run { loop in
                    defer { unwound.increment() }
                    input.yield()
                    try await loop.sleep(for: .seconds(3600))
                }
            }
            for await _ in started { break }
            caller.cancel()
            await #expect(throws: CancellationError.self) { try await caller.value }
            #expect(unwound.value == 1)
        }
    }

    @Test func callerThatWasCancelledBeforeNeverStartsTheOperation() async throws {
        let started = Counter()
        try await withServingLoop { executor in
            let gate = ThreadGate()
            let caller = Task.detached {
                gate.wait()
                _ = try await executor.run { _ in started.increment() }
            }
            caller.cancel()
            gate.open()
            await #expect(throws: CancellationError.self) { try await caller.value }
        }
        #expect(started.value == 0)
    }

    @Test func operationMayRefuseToBeCancelled() async throws {
        let result = try await withServingLoop { executor in
            let (started, input) = AsyncStream.makeStream(of: Void.self)
            let caller = Task {
                try await executor.run { loop in
                    input.yield()
                    do { try await loop.sleep(for: .seconds(3600)) } catch { return "went on" }
                    return "slept"
                }
            }
            for await _ in started { break }
            caller.cancel()
            return try await caller.value
        }
        #expect(result == "went on")
    }

    @Test func taskThatIsCancelledOnTheLoopCancelsTheCall() async throws {
        _ = try await withServingLoop { executor in
            await #expect(throws: CancellationError.self) {
                try await executor.run { loop in
                    loop.callSoon { for task in loop.allTasks { task.cancel() } }
                    try await loop.sleep(for: .seconds(3600))
                }
            }
        }
    }

    // MARK: - Factories

    @Test func eagerFactoryStartsTheOperationOnTheLoopsThread() async throws {
        let isOnLoop = try await withServingLoop(prepare: { $0.taskFactory = EagerTaskFactory() }) { executor in
            try await executor.run { _ in executor.isOnLoopThread }
        }
        #expect(isOnLoop)
    }

    // MARK: - Closed loops

    @Test func closedLoopRefusesTheCall() async throws {
        let executor = try await closedExecutor()
        await #expect(throws: EventLoopError(.closed, "")) { try await executor.run { _ in 1 } }
    }

    @Test func callThatNeverBeganFailsWhenTheLoopCloses() async throws {
        let calls = try await onThread {
            let loop = try EventLoop()
            let executor = loop.executor
            // Immediate: each call has been entered when its line has been passed.
            let calls = (0..<10).map { n in Task.immediate { try await executor.run { _ in n } } }
            try loop.close()
            return calls
        }
        for call in calls {
            await #expect(throws: EventLoopError(.closed, "")) { try await call.value }
        }
    }

    @Test func callThatIsPendingFailsWhenTheLoopCloses() async throws {
        let unwound = Counter()
        let call = try await onThread {
            let loop = try EventLoop()
            loop.exceptionHandler = { _, _ in }
            let executor = loop.executor
            let call = Task {
                try await executor.run { loop in
                    defer { unwound.increment() }
                    loop.callSoon { loop.stop() }
                    try await loop.sleep(for: .seconds(3600))
                }
            }
            try loop.runForever()
            try loop.close()
            expectNothingLeft(of: loop)
            return call
        }
        await #expect(throws: EventLoopError(.closed, "")) { try await call.value }
        #expect(unwound.value == 1)
    }

    @Test func callsThatRaceCloseAllGetAnAnswer() async throws {
        let (answered, failed) = (Counter(), Counter())
        for _ in 0..<20 {
            let callers = try await onThread {
                let loop = try EventLoop()
                loop.exceptionHandler = { _, _ in }
                let executor = loop.executor
                let callers = (0..<50).map { n in
                    Task {
                        do {
                            let result = try await executor.run { loop in
                                if n % 2 == 0 { try await loop.sleep(for: .zero) }
                                if n == 25 { loop.stop() }
                                return n
                            }
                            if result == n { answered.increment() }
                        } catch { failed.increment() }
                    }
                }
                try loop.runForever()
                try loop.close()
                return callers
            }
            for caller in callers { await caller.value }
        }
        #expect(answered.value + failed.value == 20 * 50)
    }
}
