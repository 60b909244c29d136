// Entering a loop from outside with `executor.run`, and waiting for the answer there.

import Testing

@testable import AsyncIO

/// A loop that runs on a thread of its own until it is told to stop.
private final class BackgroundLoop: Sendable {
    let executor: LoopExecutor
    private let end: Task<Void, any Error>

    private init(executor: LoopExecutor, end: Task<Void, any Error>) {
        self.executor = executor
        self.end = end
    }

    static func start(
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) async throws -> BackgroundLoop {
        let (executors, continuation) = AsyncStream.makeStream(of: LoopExecutor.self)
        let end = Task {
            try await withLoop(sourceLocation: sourceLocation) { loop in
                let executor = loop.executor
                loop.callSoon { continuation.yield(executor) }
                try loop.runForever()
            }
        }
        var iterator = executors.makeAsyncIterator()
        return BackgroundLoop(executor: try #require(await iterator.next()), end: end)
    }

    func stop() async throws {
        try executor.callSoonThreadsafe { $0.stop() }
        try await end.value
    }
}

@Suite struct RemoteRunTests {
    @Test func resultReachesTheCaller() async throws {
        let background = try await BackgroundLoop.start()
        let answer = try await background.executor.run { loop in
            try await loop.sleep(for: .zero)
            return loop.executor.isOnLoopThread ? 42 : 0
        }
        try await background.stop()
        #expect(answer == 42)
    }

    @Test func errorReachesTheCaller() async throws {
        let background = try await BackgroundLoop.start()
        await #expect(throws: TestError(name: "remote")) {
            try await background.executor.run { _ in throw TestError(name: "remote") }
        }
        try await background.stop()
    }

    @Test func operationRunsAsATaskOfTheLoop() async throws {
        let background = try await BackgroundLoop.start()
        let isTask = try await background.executor.run { loop in loop.currentTask != nil }
        try await background.stop()
        #expect(isTask)
    }

    @Test func cancellationOnTheLoopReachesTheCaller() async throws {
        let background = try await BackgroundLoop.start()
        await #expect(throws: CancellationError.self) {
            try await background.executor.run { loop in
                loop.currentTask?.cancel()
                try await loop.sleep(for: .seconds(3600))
            }
        }
        try await background.stop()
    }

    @Test func cancelOfTheCallerCancelsTheTaskOnTheLoop() async throws {
        let background = try await BackgroundLoop.start()
        let (begun, continuation) = AsyncStream.makeStream(of: Void.self)
        let caller = Task {
            try await background.executor.run { loop in
                continuation.yield()
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    throw TestError(name: "saw \(error is CancellationError)")
                }
            }
        }
        var iterator = begun.makeAsyncIterator()
        await iterator.next()
        caller.cancel()
        await #expect(throws: TestError(name: "saw true")) { try await caller.value }
        try await background.stop()
    }

    @Test func callerThatIsCancelledFromTheStartGetsTheCancellation() async throws {
        let background = try await BackgroundLoop.start()
        let caller = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await background.executor.run { loop in try await loop.sleep(for: .seconds(3600)) }
        }
        await #expect(throws: CancellationError.self) { try await caller.value }
        try await background.stop()
    }

    @Test func eagerFactoryStartsTheTaskOnTheLoopsThread() async throws {
        let background = try await BackgroundLoop.start()
        try background.executor.callSoonThreadsafe { $0.taskFactory = EagerTaskFactory() }
        let isOnLoop = try await background.executor.run { loop in loop.executor.isOnLoopThread }
        try await background.stop()
        #expect(isOnLoop)
    }

    @Test func callToAClosedLoopThrows() async throws {
        let background = try await BackgroundLoop.start()
        try await background.stop()
        await #expect(throws: EventLoopError(.closed, "")) {
            try await background.executor.run { _ in }
        }
    }

    @Test func taskThatHasCaughtACancellationMayCallAgain() async throws {
        let trace = try await withServingLoop { executor in
            try await onLoop { loop in
                let trace = Trace()
                let task = loop.createTask {
                    for call in 1...2 {
                        do { try await loop.sleep(for: .seconds(3600)) } catch { trace("cancelled") }
                        let answer = try await executor.run { other in
                            try await other.rounds(3)
                            return call
                        }
                        trace("\(answer)")
                    }
                }
                try await loop.rounds(2)
                task.cancel()
                try await loop.untilTrue { trace.entries.count == 2 }
                task.cancel()
                try await task.value
                return trace.entries
            }
        }
        #expect(trace == ["cancelled", "1", "cancelled", "2"])
    }

    @Test func everyCancellationOfALoopsTaskReachesTheOtherLoopOnce() async throws {
        let (begun, cancelled) = (SharedCounter(), SharedCounter())
        let trace = try await withServingLoop { executor in
            try await onLoop { loop in
                let trace = Trace()
                let task = loop.createTask {
                    let answer = try await executor.run { other in
                        begun.increment()
                        do { try await other.sleep(for: .seconds(3600)) } catch { cancelled.increment() }
                        // Cleaning up may wait, until the next one.
                        try await other.rounds(20)
                        begun.increment()
                        do { try await other.sleep(for: .seconds(3600)) } catch { cancelled.increment() }
                        return "answer"
                    }
                    trace(answer)
                    try await loop.rounds(3)
                    trace("went on")
                }
                try await loop.untilTrue { begun.value == 1 }
                task.cancel()
                try await loop.untilTrue { begun.value == 2 }
                #expect(cancelled.value == 1)
                task.cancel()
                try await task.value
                return trace.entries
            }
        }
        #expect(trace == ["answer", "went on"])
        #expect(cancelled.value == 2)
    }

    @Test func cancellationThatComesTooLateForTheOtherLoopIsTheNextWaits() async throws {
        let begun = SharedCounter()
        let gate = Gate()
        let trace = try await withServingLoop { executor in
            try await onLoop { loop in
                let trace = Trace()
                let task = loop.createTask {
                    let answer = try await executor.run { _ in
                        begun.increment()
                        // Nothing can break this off.
                        gate.pass()
                        return "answer"
                    }
                    trace(answer)
                    do { try await loop.sleep(for: .seconds(3600)) } catch { trace("cancelled") }
                }
                try await loop.untilTrue { begun.value == 1 }
                task.cancel()
                try await loop.rounds(2)
                gate.open()
                try await task.value
                return trace.entries
            }
        }
        #expect(trace == ["answer", "cancelled"])
    }

    @Test func taskThatIsCancelledBeforeItCallsRunsNothing() async throws {
        let ran = SharedCounter()
        let trace = try await withServingLoop { executor in
            try await onLoop { loop in
                let trace = Trace()
                let task = loop.createTask {
                    loop.currentTask?.cancel()
                    do {
                        try await executor.run { other in
                            try await other.sleep(for: .zero)
                            ran.increment()
                        }
                    } catch { trace("\(error is CancellationError)") }
                    try await loop.rounds(2)
                    trace("went on")
                }
                try await task.value
                return trace.entries
            }
        }
        #expect(trace == ["true", "went on"])
        #expect(ran.value == 0)
    }

    @Test func closeOfTheLoopEndsTheWaitForAnother() async throws {
        let (begun, cancelled) = (SharedCounter(), SharedCounter())
        let trace = try await withServingLoop { executor in
            let entries = try await onThread {
                let loop = try EventLoop()
                let trace = Trace()
                loop.exceptionHandler = { _, _ in }
                let transfer = UncheckedTransfer((loop, trace))  // SAFETY: all of it happens on this thread.
                loop.createTask {
                    let (loop, trace) = transfer.value
                    for _ in 0..<2 {
                        do {
                            try await executor.run { other in
                                begun.increment()
                                do { try await other.sleep(for: .seconds(3600)) } catch { cancelled.increment() }
                            }
                        } catch { trace("\(error is CancellationError)") }
                    }
                    do { try await loop.sleep(for: .zero) } catch { trace("end") }
                }
                try loop.runUntilComplete { [unowned loop] in try await loop.untilTrue { begun.value == 1 } }
                try loop.close()
                expectNothingLeft(of: loop)
                return trace.entries
            }
            try await executor.run { other in try await other.untilTrue { cancelled.value == 1 } }
            return entries
        }
        #expect(trace == ["true", "true", "end"])
        #expect(begun.value == 1)
    }

    @Test func loopMayRunOnItself() async throws {
        try await onLoop { loop in
            let executor = loop.executor
            let answer = try await executor.run { loop in
                try await loop.rounds(2)
                return 1
            }
            #expect(answer == 1)
            let task = loop.createTask {
                try await executor.run { loop in try await loop.sleep(for: .seconds(3600)) }
            }
            try await loop.rounds(4)
            task.cancel()
            #expect(await settled(task) == "cancelled")
        }
    }

    @Test func callToAClosedLoopThrowsInATaskOfALoopToo() async throws {
        let executor = try await closedExecutor()
        try await onLoop { _ in
            await #expect(throws: EventLoopError(.closed, "")) { try await executor.run { _ in } }
        }
    }

    @Test func endOfTheOtherLoopIsAnswered() async throws {
        let executors = UncheckedTransfer(Variable<LoopExecutor>())  // SAFETY: set before the task is started.
        let stopped = ThreadGate()
        let other = Task {
            try await withLoop { loop in
                loop.exceptionHandler = { _, _ in }
                executors.value.value = loop.executor
                loop.callSoon { stopped.open() }
                try loop.runForever()
            }
        }
        let code = try await onLoop { loop in
            try await loop.toThread { stopped.wait() }
            let executor = try #require(executors.value.value)
            let waiting = loop.createTask {
                try await executor.run { other in
                    other.callSoon { other.stop() }
                    try await other.sleep(for: .seconds(3600))
                }
            }
            return loopCode(await caught { try await waiting.value })
        }
        #expect(code == .closed)
        try await other.value
    }

    @Test func manyCallersAreAllAnswered() async throws {
        let background = try await BackgroundLoop.start()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for n in 0..<200 {
                group.addTask {
                    try await background.executor.run { loop in
                        try await loop.sleep(for: .zero)
                        return n
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        try await background.stop()
        #expect(sum == 19_900)
    }
}
