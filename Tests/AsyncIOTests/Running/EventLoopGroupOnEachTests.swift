// An operation on every loop of a group: results, failures, cancellation, and who may call it.

import Testing

@testable import AsyncIO

@Suite struct EventLoopGroupOnEachTests {
    @Test func resultsAreInTheOrderOfTheLoops() async throws {
        let names = try await EventLoopGroup.with(count: 4) { group in
            try await group.onEach { loop in
                let name = nameOfThisThread()
                // The first one ends last.
                let rank = Int(name.suffix(1)) ?? 0
                try await loop.rounds((4 - rank) * 50)
                return name
            }
        }
        #expect(names == ["loop-0", "loop-1", "loop-2", "loop-3"])
    }

    @Test func failureCancelsTheOthersAndAwaitsThem() async throws {
        let cleaned = SharedCounter()
        let begun = SharedCounter()
        try await EventLoopGroup.with(count: 3) { group in
            await #expect(throws: TestError(name: "loop-1")) {
                try await group.onEach { loop in
                    begun.increment()
                    if nameOfThisThread() == "loop-1" {
                        while begun.value < 3 { try await loop.rounds(1) }
                        throw TestError(name: "loop-1")
                    }
                    do {
                        try await loop.sleep(for: .seconds(3600))
                    } catch {
                        try await loop.rounds(20)
                        cleaned.increment()
                        throw error
                    }
                }
            }
            #expect(cleaned.value == 2)
        }
    }

    @Test func cancellationOfASwiftTaskCancelsAll() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        try await EventLoopGroup.with(count: 2) { group in
            let caller = Task {
                try await group.onEach { loop in
                    begun.increment()
                    defer { cleaned.increment() }
                    try await loop.sleep(for: .seconds(3600))
                }
            }
            try await group.next().run { loop in try await loop.untilTrue { begun.value == 2 } }
            caller.cancel()
            await #expect(throws: CancellationError.self) { try await caller.value }
            #expect(cleaned.value == 2)
        }
    }

    @Test func cancellationOfALoopsTaskIsDeliveredOnce() async throws {
        let begun = SharedCounter()
        let trace = try await EventLoopGroup.with(count: 2) { group in
            try await onLoop { loop in
                let trace = Trace()
                let task = loop.createTask {
                    do {
                        _ = try await group.onEach { other in
                            begun.increment()
                            try await other.sleep(for: .seconds(3600))
                        }
                    } catch {
                        trace("\(error is CancellationError)")
                    }
                    try await loop.rounds(1)
                    trace("went on")
                }
                try await loop.untilTrue { begun.value == 2 }
                task.cancel()
                try await task.value
                return trace.entries
            }
        }
        #expect(trace == ["true", "went on"])
    }

    @Test func cancellationOfALoopsTaskThatRunsOnAnotherLoopIsDeliveredOnce() async throws {
        let begun = SharedCounter()
        let trace = try await withServingLoop { executor in
            try await onLoop { loop in
                let trace = Trace()
                let task = loop.createTask {
                    do {
                        try await executor.run { other in
                            begun.increment()
                            try await other.sleep(for: .seconds(3600))
                        }
                    } catch {
                        trace("\(error is CancellationError)")
                    }
                    try await loop.rounds(1)
                    trace("went on")
                }
                try await loop.untilTrue { begun.value == 1 }
                task.cancel()
                try await task.value
                return trace.entries
            }
        }
        #expect(trace == ["true", "went on"])
    }

    @Test func taskThatHasCaughtACancellationMayCallIt() async throws {
        let results = try await EventLoopGroup.with(count: 3) { group in
            try await onLoop { loop in
                let task = loop.createTask {
                    try? await loop.sleep(for: .seconds(3600))
                    return try await group.onEach { other in
                        try await other.rounds(3)
                        return nameOfThisThread()
                    }
                }
                try await loop.rounds(2)
                task.cancel()
                return try await task.value
            }
        }
        #expect(results == ["loop-0", "loop-1", "loop-2"])
    }

    @Test func failureCancelsTheOthersOnceAndAwaitsThemForATaskOfALoop() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        try await EventLoopGroup.with(count: 3) { group in
            try await onLoop { loop in
                let error = await caught {
                    try await group.onEach { other in
                        begun.increment()
                        if nameOfThisThread() == "loop-1" {
                            while begun.value < 3 { try await other.rounds(1) }
                            throw TestError(name: "loop-1")
                        }
                        do {
                            try await other.sleep(for: .seconds(3600))
                        } catch {
                            try await other.rounds(20)
                            cleaned.increment()
                            throw error
                        }
                    }
                }
                #expect(error as? TestError == TestError(name: "loop-1"))
                #expect(cleaned.value == 2)
                // The failure was no cancellation of the caller's.
                try await loop.rounds(1)
            }
        }
    }

    @Test func cancellationAfterAFailureIsTheNextWaits() async throws {
        let (begun, cleaning) = (SharedCounter(), SharedCounter())
        let gate = Gate()
        let trace = try await EventLoopGroup.with(count: 2) { group in
            try await onLoop { loop in
                let trace = Trace()
                let task = loop.createTask {
                    do {
                        _ = try await group.onEach { other in
                            if nameOfThisThread() == "loop-1" {
                                try await other.untilTrue { begun.value == 1 }
                                throw TestError(name: "loop-1")
                            }
                            begun.increment()
                            do { try await other.sleep(for: .seconds(3600)) } catch {
                                cleaning.increment()
                                gate.pass()
                            }
                        }
                    } catch { trace("\(error)") }
                    do { try await loop.sleep(for: .seconds(3600)) } catch { trace("cancelled") }
                }
                // The failure has cancelled the other one, which is not the caller's cancellation.
                try await loop.untilTrue { cleaning.value == 1 }
                task.cancel()
                gate.open()
                try await task.value
                return trace.entries
            }
        }
        #expect(trace.last == "cancelled")
        #expect(trace.first?.contains("loop-1") == true)
    }

    @Test func cancellationOfALoopsTaskReachesEachLoopOnceAndIsWaitedFor() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        try await EventLoopGroup.with(count: 3) { group in
            try await onLoop { loop in
                let task = loop.createTask {
                    try await group.onEach { other in
                        begun.increment()
                        do {
                            try await other.sleep(for: .seconds(3600))
                        } catch {
                            // The first one is done long before the last one.
                            try await other.rounds(nameOfThisThread() == "loop-0" ? 1 : 200)
                            cleaned.increment()
                            throw error
                        }
                    }
                }
                try await loop.untilTrue { begun.value == 3 }
                task.cancel()
                #expect(await settled(task) == "cancelled")
                #expect(cleaned.value == 3)
            }
        }
    }

    @Test func taskOfAnotherLoopMayCallItAndItsLoopGoesOn() async throws {
        let result = try await EventLoopGroup.with(count: 2) { group in
            try await onLoop { loop in
                let ticks = SharedCounter()
                let ticker = loop.createTask {
                    while true {
                        try await loop.rounds(1)
                        ticks.increment()
                    }
                }
                // The loops of the group wait for the ticks of this one.
                let seen = try await group.onEach { other in
                    let before = ticks.value
                    try await other.untilTrue { ticks.value > before }
                    return true
                }
                ticker.cancel()
                return seen
            }
        }
        #expect(result == [true, true])
    }

    @Test func taskOfAGroupsOwnLoopMayCallIt() async throws {
        let names = try await EventLoopGroup.with(count: 2) { group in
            try await group.next().run { _ in try await group.onEach { _ in nameOfThisThread() } }
        }
        #expect(names == ["loop-0", "loop-1"])
    }

    @Test func everyLoopMayCallItForAllOfThem() async throws {
        let sums = try await EventLoopGroup.with(count: 3) { group in
            try await group.onEach { _ in
                try await group.onEach { loop in
                    try await loop.rounds(2)
                    return 1
                }.reduce(0, +)
            }
        }
        #expect(sums == [3, 3, 3])
    }

    @Test func afterTheEndItThrowsClosed() async throws {
        let group = try EventLoopGroup(count: 2)
        try await group.shutdown(deadline: nil)
        let error = await caught { try await group.onEach { _ in } }
        #expect(loopCode(error) == .closed)
    }
}
