// Waiting without passing a cancellation on.

import Testing

@testable import AsyncIO

@Suite struct ShieldTests {
    @Test func resultAndErrorPassThrough() async throws {
        let results = try await onLoop { loop in
            let good = loop.createTask { try await loop.shield(loop.createTask { 1 }) }
            let bad = loop.createTask { try await loop.shield { () -> Int in throw TestError(name: "failed") } }
            return [await ending(good), await ending(bad)]
        }
        #expect(results == ["value 1", "failed"])
    }

    @Test func futureThatIsDoneNeedsNoRound() async throws {
        let ran = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(1)
            let ran = Variable(false)
            loop.callSoon { ran.value = true }
            _ = try await loop.shield(future)
            return ran.value
        }
        #expect(ran == false)
    }

    @Test func cancelledInnerFutureCancelsTheWaitWithoutARequest() async throws {
        let (result, count) = try await onLoop { loop in
            let inner = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await loop.shield(inner) }
            try await loop.rounds(2)
            inner.cancel()
            return (await ending(task), task.cancelling)
        }
        #expect(result == "cancelled")
        #expect(count == 0)
    }

    @Test func cancelEndsTheWaitAtOnceAndTheInnerTaskGoesOn() async throws {
        let (result, wasDone, inner) = try await onLoop { loop in
            let inner = loop.createTask {
                try await loop.rounds(6)
                return 5
            }
            let task = loop.createTask { try await loop.shield(inner) }
            try await loop.rounds(2)
            task.cancel()
            let result = await ending(task)
            let wasDone = inner.isDone
            return (result, wasDone, await ending(inner))
        }
        #expect(result == "cancelled")
        #expect(!wasDone)
        #expect(inner == "value 5")
    }

    @Test func cancelLeavesNoCallbackOnTheInnerFuture() async throws {
        let wasKept = try await onLoop { loop in
            let inner = loop.createFuture(of: Int.self)
            weak var weakTask: LoopTask<Int>?
            do {
                let task = loop.createTask { try await loop.shield(inner) }
                weakTask = task
                try await loop.rounds(2)
                task.cancel()
                _ = await ending(task)
            }
            try await loop.rounds(1)
            return weakTask != nil
        }
        #expect(!wasKept)
    }

    @Test func operationGoesOnWithoutAHandle() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.shield {
                    try await loop.rounds(4)
                    trace("operation")
                }
            }
            try await loop.rounds(2)
            task.cancel()
            trace(await ending(task))
            try await loop.rounds(8)
            return trace.entries
        }
        #expect(entries == ["cancelled", "operation"])
    }

    @Test func errorAfterTheWaitWasCancelledIsReported() async throws {
        let messages = try await onLoop { loop in
            let reports = Reports(of: loop)
            let task = loop.createTask {
                try await loop.shield {
                    try await loop.rounds(4)
                    throw TestError()
                }
            }
            try await loop.rounds(2)
            task.cancel()
            _ = await ending(task)
            try await loop.rounds(8)
            return reports.messages
        }
        #expect(messages == ["Task exception was never retrieved"])
    }

    @Test func cancelInTheRoundOfAnErrorDoesNotReportIt() async throws {
        let (result, messages) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let inner = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await loop.shield(inner) }
            try await loop.rounds(2)
            try inner.setException(TestError())
            try await loop.rounds(1)
            task.cancel()
            let result = await ending(task)
            try await loop.rounds(2)
            return (result, reports.messages)
        }
        #expect(result == "cancelled")
        #expect(messages == [])
    }

    @Test func shieldOfAGatherKeepsAllChildren() async throws {
        let results = try await onLoop { loop in
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            let task = loop.createTask { try await loop.shield { try await loop.gather(futures) } }
            try await loop.rounds(3)
            task.cancel()
            let result = await ending(task)
            let areDone = futures.map(\.isDone)
            for future in futures { try future.setResult(1) }
            return [result] + areDone.map { "\($0)" }
        }
        #expect(results == ["cancelled", "false", "false"])
    }

    @Test func gatherOfShieldsKeepsWhatTheyGuard() async throws {
        let results = try await onLoop { loop in
            let inner = loop.createFuture(of: Int.self)
            let guards = (0..<2).map { _ in loop.createTask { try await loop.shield(inner) } }
            let task = loop.createTask { try await loop.gather(guards) }
            try await loop.rounds(3)
            task.cancel()
            let result = await ending(task)
            try await loop.rounds(1)
            return [result, "\(inner.isDone)"] + guards.map { outcome(of: $0) }
        }
        #expect(results == ["cancelled", "false", "cancelled", "cancelled"])
    }

    @Test func timeoutEndsTheShieldOnly() async throws {
        let (result, isDone) = try await onLoop { loop in
            let inner = loop.createFuture(of: Int.self)
            let result: String
            do {
                _ = try await loop.withTimeout(.zero) { try await loop.shield(inner) }
                result = "value"
            } catch {
                result = "\(error)"
            }
            return (result, inner.isDone)
        }
        #expect(result == "timed out")
        #expect(!isDone)
    }

    @Test func errorOfAFutureWhoseWaiterIsCancelledInTheSameRoundCountsAsSeen() async throws {
        let (result, messages) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let task: LoopTask<Void>
            do {
                let future = loop.createFuture(of: Void.self)
                task = loop.createTask { try await future.value }
                try await loop.rounds(2)
                try future.setException(TestError())
            }
            task.cancel()
            let result = await ending(task)
            try await loop.rounds(2)
            return (result, reports.messages)
        }
        #expect(result == "cancelled")
        #expect(messages == [])
    }
}
