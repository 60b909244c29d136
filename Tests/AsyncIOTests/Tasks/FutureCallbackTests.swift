// Done callbacks of futures: when they run, in which order, and how they are removed.

import Testing

@testable import AsyncIO

@Suite struct FutureCallbackTests {
    @Test func callbackGetsTheFutureItself() async throws {
        let isSame = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            var isSame = false
            future.addDoneCallback { isSame = $0 === future }
            try future.setResult(1)
            try await loop.rounds(1)
            return isSame
        }
        #expect(isSame)
    }

    @Test func callbacksRunInTheOrderInWhichTheyWereAdded() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            for n in 0..<4 { future.addDoneCallback { _ in trace("\(n)") } }
            try future.setResult(1)
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["0", "1", "2", "3"])
    }

    @Test func callbacksAndAwaitingTasksAreServedInTheOrderOfTheirArrival() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            future.addDoneCallback { _ in trace("callback 1") }
            let task = loop.createTask {
                _ = try await future.value
                trace("task")
            }
            try await loop.rounds(1)
            future.addDoneCallback { _ in trace("callback 2") }
            try future.setResult(1)
            try await task.value
            return trace.entries
        }
        #expect(entries == ["callback 1", "task", "callback 2"])
    }

    @Test func callbackNeverRunsInsideOfSetResult() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            future.addDoneCallback { _ in trace("callback") }
            try future.setResult(1)
            trace("after setResult")
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["after setResult", "callback"])
    }

    @Test func callbackOfDoneFutureNeverRunsInsideOfAdding() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            try future.setResult(1)
            future.addDoneCallback { _ in trace("callback") }
            trace("after adding")
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["after adding", "callback"])
    }

    @Test func callbacksRunAfterErrorAndAfterCancellation() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let failed = loop.createFuture(of: Int.self)
            failed.addDoneCallback { trace(outcome(of: $0)) }
            try failed.setException(TestError())
            let cancelled = loop.createFuture(of: Int.self)
            cancelled.addDoneCallback { trace(outcome(of: $0)) }
            cancelled.cancel()
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["error TestError(name: \"test\")", "cancelled"])
    }

    @Test func removedCallbackDoesNotRun() async throws {
        let (entries, removed) = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            future.addDoneCallback { _ in trace("first") }
            let token = future.addDoneCallback { _ in trace("second") }
            future.addDoneCallback { _ in trace("third") }
            let removed = [future.removeDoneCallback(token), future.removeDoneCallback(token)]
            try future.setResult(1)
            try await loop.rounds(1)
            return (trace.entries, removed)
        }
        #expect(entries == ["first", "third"])
        #expect(removed == [1, 0])
    }

    @Test func onlyCallbackCanBeRemoved() async throws {
        let (entries, removed) = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            let token = future.addDoneCallback { _ in trace("callback") }
            let removed = [future.removeDoneCallback(token), future.removeDoneCallback(token)]
            try future.setResult(1)
            try await loop.rounds(1)
            return (trace.entries, removed)
        }
        #expect(entries == [])
        #expect(removed == [1, 0])
    }

    @Test func removingACallbackThatIsScheduledComesTooLate() async throws {
        let (entries, removed) = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            let token = future.addDoneCallback { _ in trace("callback") }
            try future.setResult(1)
            let removed = future.removeDoneCallback(token)
            try await loop.rounds(1)
            return (trace.entries, removed)
        }
        #expect(entries == ["callback"])
        #expect(removed == 0)
    }

    @Test func callbackMayRemoveAnotherWhileTheyRun() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            var second: DoneCallbackToken?
            future.addDoneCallback { future in trace("first \(second.map { future.removeDoneCallback($0) } ?? -1)") }
            second = future.addDoneCallback { _ in trace("second") }
            try future.setResult(1)
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["first 0", "second"])
    }

    @Test func callbackThatThrowsIsReportedAndDoesNotStopTheOthers() async throws {
        let (entries, errors) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            future.addDoneCallback { _ in throw TestError() }
            future.addDoneCallback { _ in trace("second") }
            try future.setResult(1)
            try await loop.rounds(1)
            return (trace.entries, reports.all.map { $0.exception as? TestError })
        }
        #expect(entries == ["second"])
        #expect(errors == [TestError()])
    }

    @Test func callbackIsReleasedAfterItRan() async throws {
        let isGone = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            weak var token: Token?
            do {
                let captured = Token()
                token = captured
                future.addDoneCallback { _ in _ = captured }
            }
            try future.setResult(1)
            try await loop.rounds(1)
            return token == nil && future.isDone
        }
        #expect(isGone)
    }

    @Test func callbackOfATaskRunsOneRoundAfterItsEnd() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let task = loop.createTask { counter.mark("end") }
            task.addDoneCallback { _ in counter.mark("callback") }
            counter.restart()
            try await loop.rounds(4)
        }
        #expect(marks == ["end": 1, "callback": 2])
    }
}
