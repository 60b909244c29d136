// Waiting for some of several futures.

import Testing

@testable import AsyncIO

@Suite struct WaitTests {
    /// How many are done and pending when `first` and `second` end as said, one round after the other.
    private static func wait(
        _ returnWhen: ReturnWhen, first: @escaping @Sendable (Future<Int>) throws -> Void
    ) async throws -> [Int] {
        try await onLoop { loop in
            let futures = (0..<3).map { _ in loop.createFuture(of: Int.self) }
            let task = loop.createTask { try await loop.wait(futures, returnWhen: returnWhen) }
            try await loop.rounds(2)
            try first(futures[1])
            try await loop.rounds(4)
            let early = task.isDone
            for future in futures where !future.isDone { try future.setResult(0) }
            let (done, pending) = try await task.value
            return [early ? 1 : 0, done.count, pending.count]
        }
    }

    @Test func allCompletedWaitsForAll() async throws {
        #expect(try await Self.wait(.allCompleted) { try $0.setResult(1) } == [0, 3, 0])
        #expect(try await Self.wait(.allCompleted) { try $0.setException(TestError()) } == [0, 3, 0])
    }

    @Test func firstCompletedReturnsWithTheFirst() async throws {
        #expect(try await Self.wait(.firstCompleted) { try $0.setResult(1) } == [1, 1, 2])
        #expect(try await Self.wait(.firstCompleted) { try $0.setException(TestError()) } == [1, 1, 2])
        #expect(try await Self.wait(.firstCompleted) { $0.cancel() } == [1, 1, 2])
    }

    @Test func firstExceptionReturnsWithTheFirstFailureOnly() async throws {
        #expect(try await Self.wait(.firstException) { try $0.setException(TestError()) } == [1, 1, 2])
        #expect(try await Self.wait(.firstException) { try $0.setResult(1) } == [0, 3, 0])
        #expect(try await Self.wait(.firstException) { $0.cancel() } == [0, 3, 0])
    }

    @Test func resultIsSortedAsTheArguments() async throws {
        let isSorted = try await onLoop { loop in
            let futures = (0..<4).map { _ in loop.createFuture(of: Int.self) }
            try futures[3].setResult(3)
            try futures[1].setResult(1)
            let (done, pending) = try await loop.wait(futures, returnWhen: .firstCompleted)
            return [
                done[0] === futures[1], done[1] === futures[3], pending[0] === futures[0], pending[1] === futures[2],
            ]
        }
        #expect(isSorted == [true, true, true, true])
    }

    @Test func futureThatEndsBeforeTheTaskGoesOnCountsAsDone() async throws {
        let counts = try await onLoop { loop in
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            let task = loop.createTask { try await loop.wait(futures, returnWhen: .firstCompleted) }
            try await loop.rounds(2)
            try futures[0].setResult(0)
            try await loop.rounds(1)
            #expect(!task.isDone)
            try futures[1].setResult(1)
            let (done, pending) = try await task.value
            return [done.count, pending.count]
        }
        #expect(counts == [2, 0])
    }

    @Test func timeoutGivesWhatThereIsAndCancelsNothing() async throws {
        let (counts, isCancelled) = try await onLoop { loop in
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            try futures[0].setResult(0)
            let (done, pending) = try await loop.wait(futures, timeout: .milliseconds(1))
            return ([done.count, pending.count], futures[1].isDone)
        }
        #expect(counts == [1, 1])
        #expect(!isCancelled)
    }

    @Test func timeoutOfZeroAndLessReturnsToo() async throws {
        let counts = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            var counts: [Int] = []
            for timeout in [Duration.zero, .seconds(-1)] {
                counts.append(try await loop.wait([future], timeout: timeout).pending.count)
            }
            return counts
        }
        #expect(counts == [1, 1])
    }

    @Test func timerIsGoneWhenTheWaitEndsEarly() async throws {
        let count = try await onLoop { loop in
            _ = try await loop.wait([loop.createTask { 1 }], timeout: .seconds(3600))
            return loop.liveTimers
        }
        #expect(count == 0)
    }

    @Test func futureThatIsGivenTwiceCountsOnce() async throws {
        let counts = try await onLoop { loop in
            let task = loop.createTask { 1 }
            let (done, pending) = try await loop.wait([task, task, loop.createTask { 2 }])
            return [done.count, pending.count]
        }
        #expect(counts == [2, 0])
    }

    @Test func nothingToWaitForIsAnError() async throws {
        let code = try await onLoop { loop in
            let none: [Future<Int>] = []
            do {
                _ = try await loop.wait(none)
                return EventLoopError.Code?.none
            } catch let error as EventLoopError {
                return error.code
            }
        }
        #expect(code == .invalidArgument)
    }

    @Test func errorsAreNotThrown() async throws {
        let results = try await onLoop { loop in
            let task = loop.createTask { () -> Int in throw TestError(name: "failed") }
            let (done, _) = try await loop.wait([task])
            return await ending(done[0])
        }
        #expect(results == "failed")
    }

    @Test func cancelOfTheWaitLeavesTheFutures() async throws {
        let (result, isDone, callbacks) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let child = loop.createTask { try await future.value }
            let task = loop.createTask { try await loop.wait([child]) }
            try await loop.rounds(2)
            task.cancel()
            _ = try? await task.value
            let isDone = child.isDone
            try future.setResult(2)
            return (task.isCancelled, isDone, await ending(child))
        }
        #expect(result)
        #expect(!isDone)
        #expect(callbacks == "value 2")
    }
}
