// Barriers: who goes on together, and what reset, abort and cancellation do to those who wait.

import Testing

@testable import AsyncIO

@Suite struct BarrierTests {
    /// Tasks that pass a barrier and say how that went.
    private static func comers(_ count: Int, at barrier: Barrier) -> [LoopTask<Int>] {
        (0..<count).map { _ in barrier.loop.createTask { try await barrier.wait() } }
    }

    private static func outcomes(_ tasks: [LoopTask<Int>]) async -> [String] {
        var all: [String] = []
        for task in tasks { all.append(await settled(task)) }
        return all
    }

    private static let broken = "error Abort or reset of barrier"
    private static let aborted = "error Barrier aborted"

    @Test func tasksGoOnTogetherWithDistinctNumbers() async throws {
        let (before, indices, after) = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 5)
            let tasks = Self.comers(4, at: barrier)
            try await loop.rounds(3)
            let before = [barrier.nWaiting, tasks.filter(\.isDone).count]
            let last = try await barrier.wait()
            let indices = try await loop.gather(tasks) + [last]
            return (before, indices, barrier.nWaiting)
        }
        #expect(before == [4, 0])
        #expect(indices == [0, 1, 2, 3, 4])
        #expect(after == 0)
    }

    @Test func barrierOfOneDoesNotHoldAnybody() async throws {
        let (entries, numbers) = try await onLoop { loop in
            let (barrier, trace) = (Barrier(loop, parties: 1), Trace())
            loop.callSoon { trace("callback") }
            let numbers = [try await barrier.wait(), try await barrier.wait(), barrier.nWaiting]
            trace("passed")
            try await loop.rounds(1)
            return (trace.entries, numbers)
        }
        #expect(entries == ["passed", "callback"])
        #expect(numbers == [0, 0, 0])
    }

    @Test func barrierWithoutPartiesStopsTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            try await withLoop { loop in _ = Barrier(loop, parties: 0) }
        }
        let output = standardError(of: result)
        #expect(output.contains("parties must be > 0"))
    }

    @Test func twiceAsManyTasksPassInTwoTurns() async throws {
        let indices = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 3)
            return try await loop.gather(Self.comers(6, at: barrier)) + [barrier.nWaiting]
        }
        #expect(indices[..<6].sorted() == [0, 0, 1, 1, 2, 2])
        #expect(indices[6] == 0)
    }

    @Test func tasksMayPassAgainAndAgain() async throws {
        let sums = try await onLoop { loop in
            let (barrier, sums) = (Barrier(loop, parties: 4), Variable(Array(repeating: 0, count: 50)))
            let tasks = (0..<4).map { _ in
                loop.createTask { for turn in 0..<50 { sums.value![turn] += 1 << (try await barrier.wait()) } }
            }
            _ = try await loop.gather(tasks)
            return sums.value!
        }
        #expect(sums == Array(repeating: 15, count: 50))
    }

    @Test func taskThatComesWhileOthersLeaveWaitsForTheNextTurn() async throws {
        let (isDone, number) = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 2)
            let first = Self.comers(1, at: barrier)[0]
            try await loop.rounds(2)
            try await barrier.wait()
            // The first one has been woken and has not left.
            #expect(!first.isDone)
            let late = Self.comers(1, at: barrier)[0]
            _ = try await first.value
            try await loop.rounds(4)
            let isDone = late.isDone
            let number = barrier.nWaiting
            try await barrier.wait()
            _ = try await late.value
            return (isDone, number)
        }
        #expect(!isDone)
        #expect(number == 1)
    }

    @Test func cancelledTaskLeavesAndAnotherTakesItsPlace() async throws {
        let (outcomes, waiting, isBroken) = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 3)
            let tasks = Self.comers(2, at: barrier)
            try await loop.rounds(2)
            tasks[0].cancel()
            _ = await settled(tasks[0])
            let waiting = barrier.nWaiting
            let more = Self.comers(2, at: barrier)
            let outcomes = await Self.outcomes(tasks + more)
            return (outcomes, waiting, barrier.isBroken)
        }
        #expect(outcomes[0] == "cancelled")
        #expect(waiting == 1)
        #expect(!isBroken)
        // Numbers count those inside at the time, as in asyncio: the second and the first newcomer share one.
        #expect(outcomes[1...].allSatisfy { $0.hasPrefix("value") })
    }

    // MARK: - Reset

    @Test func resetSendsThoseAwayWhoWaitAndTheBarrierIsUsable() async throws {
        let (outcomes, again) = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 3)
            let tasks = Self.comers(2, at: barrier)
            try await loop.rounds(2)
            try await barrier.reset()
            let outcomes = await Self.outcomes(tasks) + ["\(barrier.isBroken) \(barrier.nWaiting)"]
            return (outcomes, try await loop.gather(Self.comers(3, at: barrier)))
        }
        #expect(outcomes == [Self.broken, Self.broken, "false 0"])
        #expect(again == [0, 1, 2])
    }

    @Test func resetOfAnEmptyBarrierChangesNothing() async throws {
        let indices = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 2)
            try await barrier.reset()
            try await barrier.reset()
            return try await loop.gather(Self.comers(2, at: barrier))
        }
        #expect(indices == [0, 1])
    }

    @Test func tasksThatWereSentAwayMayWaitAgain() async throws {
        let (sentAway, indices) = try await onLoop { loop in
            let (barrier, sentAway) = (Barrier(loop, parties: 4), Variable(0))
            let tasks = (0..<3).map { _ in
                loop.createTask {
                    do { return try await barrier.wait() } catch is BrokenBarrierError {
                        sentAway.value! += 1
                        return try await barrier.wait()
                    }
                }
            }
            try await loop.rounds(2)
            try await barrier.reset()
            let last = try await barrier.wait()
            return (sentAway.value!, try await loop.gather(tasks) + [last])
        }
        #expect(sentAway == 3)
        #expect(indices.sorted() == [0, 1, 2, 3])
    }

    @Test func resetWhileTasksLeaveHitsThemAndNotThoseOfTheNextTurn() async throws {
        let (leaving, next) = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 3)
            let tasks = Self.comers(2, at: barrier)
            try await loop.rounds(2)
            // The last of the turn, and right after it the reset: nobody else has left.
            let task = loop.createTask {
                try await barrier.wait()
                try await barrier.reset()
            }
            let next = Self.comers(2, at: barrier)
            try await task.value
            let leaving = await Self.outcomes(tasks)
            try await loop.rounds(6)
            try await barrier.wait()
            return (leaving, await Self.outcomes(next))
        }
        #expect(leaving.allSatisfy { $0 == Self.broken })
        #expect(next == ["value 0", "value 1"])
    }

    // MARK: - Abort

    @Test func abortedBarrierIsBrokenUntilItIsReset() async throws {
        let (outcomes, after) = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 3)
            let tasks = Self.comers(2, at: barrier)
            try await loop.rounds(2)
            try await barrier.abort()
            var outcomes = await Self.outcomes(tasks)
            outcomes += await Self.outcomes(Self.comers(1, at: barrier))
            outcomes.append("\(barrier.isBroken) \(barrier.nWaiting)")
            try await barrier.reset()
            outcomes.append("\(barrier.isBroken)")
            return (outcomes, try await loop.gather(Self.comers(3, at: barrier)))
        }
        #expect(outcomes == [Self.broken, Self.broken, Self.aborted, "true 0", "false"])
        #expect(after == [0, 1, 2])
    }

    @Test func abortWhileTasksLeaveHitsThemAndThoseWhoWaitForTheNextTurn() async throws {
        let (leaving, next) = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 3)
            let tasks = Self.comers(2, at: barrier)
            try await loop.rounds(2)
            let task = loop.createTask {
                try await barrier.wait()
                try await barrier.abort()
            }
            let next = Self.comers(2, at: barrier)
            try await task.value
            return (await Self.outcomes(tasks), await Self.outcomes(next))
        }
        #expect(leaving.allSatisfy { $0 == Self.broken })
        #expect(next.allSatisfy { $0 == Self.aborted })
    }

    @Test func errorAfterThePassageDoesNotBreakTheBarrier() async throws {
        let isBroken = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 2)
            let tasks = (0..<2).map { _ in
                loop.createTask {
                    if try await barrier.wait() == 0 { throw TestError() }
                }
            }
            _ = try await loop.gatherResults(tasks)
            return barrier.isBroken
        }
        #expect(!isBroken)
    }

    @Test func cancelledTaskThatHadBeenLetGoDoesNotHoldTheOthersUp() async throws {
        let outcomes = try await onLoop { loop in
            let barrier = Barrier(loop, parties: 3)
            let tasks = Self.comers(2, at: barrier)
            try await loop.rounds(2)
            try await barrier.wait()
            tasks[0].cancel()
            let outcomes = await Self.outcomes(tasks)
            return outcomes + (try await loop.gather(Self.comers(3, at: barrier))).map { "\($0)" }
        }
        #expect(outcomes == ["cancelled", "value 1", "0", "1", "2"])
    }

    @Test func closingTheLoopUnwindsThoseWhoWaitWithoutAReportOfMisuse() async throws {
        let messages = try await onThread {
            let loop = try EventLoop()
            let (barrier, reports) = (Barrier(loop, parties: 5), Reports(of: loop))
            let tasks = Self.comers(4, at: barrier)
            try loop.runUntilComplete { try await loop.rounds(2) }
            try loop.close()
            expectNothingLeft(of: loop)
            #expect(tasks.allSatisfy { $0.isCancelled })
            return Set(reports.messages)
        }
        #expect(messages == ["Task was destroyed but it is pending!"])
    }
}
