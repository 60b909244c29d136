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
