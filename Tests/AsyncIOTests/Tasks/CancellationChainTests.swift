// Cancellation on its way through tasks that await tasks.

import Testing

@testable import AsyncIO

@Suite struct CancellationChainTests {
    @Test func cancelReachesTheInnermostFuture() async throws {
        let states = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let inner = loop.createTask { try await future.value }
            let outer = loop.createTask { try await inner.value }
            try await loop.rounds(1)
            outer.cancel()
            let result = await settled(outer)
            return [future.isCancelled, inner.isCancelled, result == "cancelled"]
        }
        #expect(states == [true, true, true])
    }

    @Test func cancelCountsInEveryTaskThatItPasses() async throws {
        let counts = try await onLoop { loop in
            let inner = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            let outer = loop.createTask { try await inner.value }
            try await loop.rounds(1)
            outer.cancel()
            outer.cancel()
            _ = await settled(outer)
            return [inner.cancelling, outer.cancelling]
        }
        #expect(counts == [2, 2])
    }

    @Test func outerTaskMayCatchAndFinish() async throws {
        let results = try await onLoop { loop in
            let inner = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            let outer = loop.createTask {
                do {
                    try await inner.value
                } catch is CancellationError {
                    return "caught"
                }
                return "missed"
            }
            try await loop.rounds(1)
            outer.cancel()
            return [await settled(outer), await settled(inner)]
        }
        #expect(results == ["value caught", "cancelled"])
    }

    @Test func innerTaskThatSwallowsTheCancellationSavesTheOuterOne() async throws {
        let (results, counts) = try await onLoop { loop in
            let inner = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {}
                try await loop.rounds(2)
                return 5
            }
            let outer = loop.createTask { try await inner.value + 1 }
            try await loop.rounds(1)
            outer.cancel()
            let results = [await settled(outer), await settled(inner)]
            return (results, [outer.cancelling, inner.cancelling])
        }
        #expect(results == ["value 6", "value 5"])
        #expect(counts == [1, 1])
    }

    @Test func innerErrorDuringCancellationReachesTheOuterTask() async throws {
        let result = try await onLoop { loop in
            let inner = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    throw TestError(name: "cleanup")
                }
            }
            let outer = loop.createTask { try await inner.value }
            try await loop.rounds(1)
            outer.cancel()
            return await settled(outer)
        }
        #expect(result == "error TestError(name: \"cleanup\")")
    }

    @Test func cancelOfTheInnerTaskCancelsWhoAwaitsItWithoutARequest() async throws {
        let (result, count) = try await onLoop { loop in
            let inner = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            let outer = loop.createTask { try await inner.value }
            try await loop.rounds(1)
            inner.cancel()
            return (await settled(outer), outer.cancelling)
        }
        #expect(result == "cancelled")
        #expect(count == 0)
    }

    @Test func cancelOfOneWaiterCancelsTheSharedTaskAndTheOtherWaiter() async throws {
        let (results, counts) = try await onLoop { loop in
            let shared = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            let first = loop.createTask { try await shared.value }
            let second = loop.createTask { try await shared.value }
            try await loop.rounds(1)
            first.cancel()
            return ([await settled(first), await settled(second)], [first.cancelling, second.cancelling])
        }
        #expect(results == ["cancelled", "cancelled"])
        #expect(counts == [1, 0])
    }

    @Test func cancelOfATaskThatAwaitsOneThatHasNotBegunKeepsItFromBeginning() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let outerTask = Variable<LoopTask<Void>>()
            let outer = loop.createTask {
                let inner = loop.createTask { trace("inner") }
                loop.callSoon { trace("callback") }
                outerTask.value?.cancel()
                try await inner.value
            }
            outerTask.value = outer
            let result = await settled(outer)
            return (trace.entries, result)
        }
        #expect(entries == ["callback"])
        #expect(result == "cancelled")
    }

    @Test func cancelInTheRoundInWhichTheInnerTaskEndsIsStillDelivered() async throws {
        let (result, innerResult) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let inner = loop.createTask { try await future.value }
            let outer = loop.createTask { try await inner.value }
            try await loop.rounds(1)
            try future.setResult(3)
            try await loop.rounds(1)
            // The inner task has ended in this round; the outer one goes on in the next.
            #expect(inner.isDone && !outer.isDone)
            outer.cancel()
            return (await settled(outer), outcome(of: inner))
        }
        #expect(result == "cancelled")
        #expect(innerResult == "value 3")
    }

    @Test func cancelReachesTheEndOfALongChain() async throws {
        let (result, count) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            var tasks = [loop.createTask { try await future.value }]
            for _ in 1..<300 {
                let inner = tasks[tasks.count - 1]
                tasks.append(loop.createTask { try await inner.value })
            }
            try await loop.rounds(1)
            tasks[tasks.count - 1].cancel()
            let result = await settled(tasks[tasks.count - 1])
            return (result, tasks.filter(\.isCancelled).count)
        }
        #expect(result == "cancelled")
        #expect(count == 300)
    }

    @Test func tasksThatAwaitEachOtherEndWhenOneIsCancelled() async throws {
        let (entries, areDone) = try await onLoop { loop in
            let trace = Trace()
            let second = Variable<LoopTask<Void>>()
            let first = loop.createTask {
                defer { trace("first") }
                try await loop.rounds(1)
                try await second.value?.value
            }
            second.value = loop.createTask {
                defer { trace("second") }
                try await loop.rounds(1)
                try await first.value
            }
            try await loop.rounds(3)
            first.cancel()
            try await loop.rounds(5)
            let areDone = [first.isDone, second.value?.isDone == true]
            second.value = nil
            return (trace.entries.sorted(), areDone)
        }
        #expect(entries == ["first", "second"])
        #expect(areDone == [true, true])
    }

    @Test func tasksThatAwaitEachOtherAreUnwoundAtClose() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            let reports = Reports(of: loop)
            let second = Variable<LoopTask<Void>>()
            let first = loop.createTask {
                defer { trace("first") }
                try await loop.rounds(1)
                try await second.value?.value
            }
            second.value = loop.createTask {
                defer { trace("second") }
                try await loop.rounds(1)
                try await first.value
            }
            try loop.runUntilComplete { try await loop.rounds(3) }
            try loop.close()
            second.value = nil
            #expect(reports.messages.count == 2)
            return trace.entries.sorted()
        }
        #expect(entries == ["first", "second"])
    }
}
