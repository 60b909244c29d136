// Futures: their states, and what may be done in each.

import Testing

@testable import AsyncIO

@Suite struct FutureTests {
    @Test func newFutureIsPending() async throws {
        let states = try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            return [future.isDone, future.isCancelled]
        }
        #expect(states == [false, false])
    }

    @Test func futureBelongsToTheRunningLoop() async throws {
        let isSame = try await onLoop { loop in try Future<Int>().loop === loop }
        #expect(isSame)
    }

    @Test func futureWithoutRunningLoopIsRefused() async throws {
        await #expect(throws: EventLoopError(.noRunningLoop, "")) {
            try await onThread { _ = try Future<Int>() }
        }
    }

    @Test func resultOfPendingFutureIsAnInvalidState() async throws {
        let error = try await withLoop { loop in
            #expect(throws: InvalidStateError.self) { try loop.createFuture(of: Int.self).result() }
        }
        #expect(error?.message == "Result is not set.")
    }

    @Test func exceptionOfPendingFutureIsAnInvalidState() async throws {
        let error = try await withLoop { loop in
            #expect(throws: InvalidStateError.self) { try loop.createFuture(of: Int.self).exception() }
        }
        #expect(error?.message == "Exception is not set.")
    }

    @Test func resultIsWhatWasSet() async throws {
        let value = try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(42)
            return [try future.result(), try future.exception() == nil ? 1 : 0, future.isDone ? 1 : 0]
        }
        #expect(value == [42, 1, 1])
    }

    @Test func resultRethrowsTheErrorThatWasSetEveryTime() async throws {
        try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setException(TestError(name: "set"))
            for _ in 0..<2 {
                #expect(throws: TestError(name: "set")) { try future.result() }
            }
            #expect(try future.exception() as? TestError == TestError(name: "set"))
        }
    }

    @Test func resultCannotBeSetTwice() async throws {
        try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(1)
            #expect(throws: InvalidStateError.self) { try future.setResult(2) }
            #expect(throws: InvalidStateError.self) { try future.setException(TestError()) }
            #expect(try future.result() == 1)
        }
    }

    @Test func errorCannotBeSetTwice() async throws {
        try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setException(TestError(name: "first"))
            #expect(throws: InvalidStateError.self) { try future.setException(TestError(name: "second")) }
            #expect(throws: InvalidStateError.self) { try future.setResult(2) }
            #expect(throws: TestError(name: "first")) { try future.result() }
        }
    }

    @Test func cancelOfDoneFutureReturnsFalse() async throws {
        let answers = try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(1)
            return [future.cancel(), future.isCancelled]
        }
        #expect(answers == [false, false])
    }

    @Test func secondCancelReturnsFalse() async throws {
        let answers = try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            return [future.cancel(), future.cancel(), future.isCancelled, future.isDone]
        }
        #expect(answers == [true, false, true, true])
    }

    @Test func cancelledFutureThrowsCancellationFromResultAndException() async throws {
        try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            future.cancel()
            #expect(throws: CancellationError.self) { try future.result() }
            #expect(throws: CancellationError.self) { try future.exception() }
        }
    }

    @Test func cancelledFutureTakesNoResult() async throws {
        try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            future.cancel()
            #expect(throws: InvalidStateError.self) { try future.setResult(1) }
            #expect(throws: InvalidStateError.self) { try future.setException(TestError()) }
            #expect(future.isCancelled)
        }
    }

    @Test func doneFutureCanBeAwaitedTwice() async throws {
        let values = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(7)
            return [try await future.value, try await future.value]
        }
        #expect(values == [7, 7])
    }

    @Test func severalTasksGetTheResultInTheOrderInWhichTheyAwaitedIt() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: String.self)
            let tasks = (0..<4).map { n in
                loop.createTask { trace("\(n) \(try await future.value)") }
            }
            try await loop.rounds(1)
            try future.setResult("done")
            for task in tasks { try await task.value }
            return trace.entries
        }
        #expect(entries == ["0 done", "1 done", "2 done", "3 done"])
    }

    @Test func errorReachesEveryTaskThatAwaits() async throws {
        let outcomes = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let tasks = (0..<3).map { _ in loop.createTask { try await future.value } }
            try await loop.rounds(1)
            try future.setException(TestError())
            var outcomes: [String] = []
            for task in tasks { outcomes.append(await settled(task)) }
            return Set(outcomes)
        }
        #expect(outcomes == ["error TestError(name: \"test\")"])
    }

    @Test func cancellationOfAFutureReachesEveryTaskThatAwaits() async throws {
        let outcomes = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let tasks = (0..<3).map { _ in loop.createTask { try await future.value } }
            try await loop.rounds(1)
            future.cancel()
            var outcomes: [String] = []
            for task in tasks { outcomes.append("\(await settled(task)) \(task.cancelling)") }
            return Set(outcomes)
        }
        #expect(outcomes == ["cancelled 0"])
    }

    @Test func valueNeedNotBeSendable() async throws {
        final class Plain { var count = 0 }
        let count = try await onLoop { loop in
            let future = loop.createFuture(of: Plain.self)
            let plain = Plain()
            let task = loop.createTask { try await future.value.count += 1 }
            try future.setResult(plain)
            try await task.value
            return plain.count
        }
        #expect(count == 1)
    }

    @Test func futureOfAnotherLoopCannotBeAwaited() async throws {
        let outcome = try await onLoop { loop in
            let other = try EventLoop()
            let future = other.createFuture(of: Int.self)
            let task = loop.createTask { try await future.value }
            try await loop.rounds(2)
            // Unless it has failed already it waits for ever: let it go before the verdict.
            defer {
                task.cancel()
                try? other.close()
            }
            guard task.isDone, case .some(let error as EventLoopError) = try task.exception() else { return "waits" }
            return error.code == .foreignLoop ? "refused" : "\(error)"
        }
        #expect(outcome == "refused")
    }
}
