// Waiting for several futures for the sake of their results.

import Testing

@testable import AsyncIO

@Suite struct GatherTests {
    @Test func resultsStandInOrderOfTheArguments() async throws {
        let results = try await onLoop { loop in
            let futures = (0..<3).map { _ in loop.createFuture(of: Int.self) }
            let task = loop.createTask { try await loop.gather(futures) }
            try await loop.rounds(1)
            for n in [2, 0, 1] {
                try futures[n].setResult(n)
                try await loop.rounds(1)
            }
            return try await task.value
        }
        #expect(results == [0, 1, 2])
    }

    @Test func packOfTypesGivesATuple() async throws {
        let (number, text, isSet) = try await onLoop { loop in
            let isSet = loop.createFuture(of: Bool.self)
            loop.callSoon { try isSet.setResult(true) }
            let number = loop.createTask { 1 }
            return try await loop.gather(number, loop.createTask { "two" }, isSet)
        }
        #expect(number == 1)
        #expect(text == "two")
        #expect(isSet)
    }

    @Test func tasksAndTheirResultsNeedNotBeSendable() async throws {
        let sum = try await onLoop { loop in
            let boxes = try await loop.gather((1...3).map { n in loop.createTask { Variable(n) } })
            return boxes.reduce(0) { $0 + ($1.value ?? 0) }
        }
        #expect(sum == 6)
    }

    @Test func nothingGivesNothingAtOnce() async throws {
        let (count, ran) = try await onLoop { loop in
            let ran = Variable(false)
            loop.callSoon { ran.value = true }
            let none: [Future<Int>] = []
            let results = try await loop.gather(none)
            let more = try await loop.gatherResults(none)
            return (results.count + more.count, ran.value)
        }
        #expect(count == 0)
        #expect(ran == false)
    }

    @Test func futuresThatAreDoneNeedNoRound() async throws {
        let ran = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(1)
            let ran = Variable(false)
            loop.callSoon { ran.value = true }
            _ = try await loop.gather([future, future])
            return ran.value
        }
        #expect(ran == false)
    }

    @Test func futureThatIsGivenTwiceFillsBothPlaces() async throws {
        let results = try await onLoop { loop in
            let once = loop.createTask { 4 }
            let other = loop.createTask { 5 }
            return try await loop.gather([once, other, once])
        }
        #expect(results == [4, 5, 4])
    }

    @Test func firstErrorComesAtOnceAndTheOthersGoOn() async throws {
        let (error, isDone, late) = try await onLoop { loop in
            let slow = loop.createTask {
                try await loop.rounds(10)
                return 1
            }
            let failing = loop.createTask { () -> Int in throw TestError(name: "first") }
            let error = await ending(loop.createTask { try await loop.gather([slow, failing]) })
            let isDone = slow.isDone
            return (error, isDone, await ending(slow))
        }
        #expect(error == "first")
        #expect(!isDone)
        #expect(late == "value 1")
    }

    @Test func laterErrorsCountAsSeen() async throws {
        let (error, messages) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let error = await ending(
                loop.createTask {
                    try await loop.gather([
                        loop.createTask { throw TestError(name: "first") },
                        loop.createTask {
                            try await loop.rounds(3)
                            throw TestError(name: "second")
                        },
                    ])
                })
            try await loop.rounds(8)
            return (error, reports.messages)
        }
        #expect(error == "first")
        #expect(messages == [])
    }

    @Test func cancelledChildCancelsTheWaitWithoutARequest() async throws {
        let (result, count, other) = try await onLoop { loop in
            let other = loop.createFuture(of: Int.self)
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await loop.gather([other, future]) }
            try await loop.rounds(1)
            future.cancel()
            return (await ending(task), task.cancelling, other.isDone)
        }
        #expect(result == "cancelled")
        #expect(count == 0)
        #expect(!other)
    }

    @Test func requestThatNoChildHearsIsDeliveredInThePlaceOfTheirError() async throws {
        let trace = try await onLoop { loop in
            let trace = Trace()
            let stubborn = loop.createTask {
                do { try await loop.sleep(for: .seconds(3600)) } catch { throw TestError(name: "stubborn") }
            }
            let other = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            let task = loop.createTask {
                do { _ = try await loop.gather([stubborn, other]) } catch { trace(summary(error)) }
                trace("\(loop.currentTask?.cancelling ?? 0)")
                try await loop.rounds(1)
                trace("went on")
            }
            try await loop.rounds(3)
            task.cancel()
            // The children have ended when this one comes, and the task has not heard of it.
            loop.callSoon { task.cancel() }
            try await task.value
            return trace.entries
        }
        #expect(trace == ["cancelled", "2", "went on"])
    }

    @Test func gatherResultsPutsErrorsAndCancellationsInTheirPlaces() async throws {
        let results = try await onLoop { loop in
            let cancelled = loop.createFuture(of: Int.self)
            loop.callSoon { cancelled.cancel() }
            let futures = [
                loop.createTask { 1 }, loop.createTask { throw TestError(name: "failed") }, cancelled,
                loop.createTask {
                    try await loop.rounds(3)
                    return 4
                },
            ]
            return try await loop.gatherResults(futures).map { result in
                switch result {
                case .success(let value): "value \(value)"
                case .failure(let error): summary(error)
                }
            }
        }
        #expect(results == ["value 1", "failed", "cancelled", "value 4"])
    }

    @Test func gatherResultsCountsErrorsAsSeen() async throws {
        let messages = try await onLoop { loop in
            let reports = Reports(of: loop)
            _ = try await loop.gatherResults([loop.createTask { throw TestError() }])
            try await loop.rounds(2)
            return reports.messages
        }
        #expect(messages == [])
    }

    @Test func cancelReachesEveryChildOnce() async throws {
        let (result, counts, states) = try await onLoop { loop in
            let waiter = loop.createFuture(of: Void.self)
            let children = (0..<2).map { _ in loop.createTask { try await waiter.value } }
            let last = loop.createTask { try await loop.untilCancelled() }
            let task = loop.createTask { try await loop.gather(children + [last]) }
            try await loop.rounds(2)
            task.cancel()
            let result = await ending(task)
            try await loop.rounds(2)
            return (result, (children + [last]).map(\.cancelling), (children + [last]).map(\.isCancelled))
        }
        #expect(result == "cancelled")
        #expect(counts == [1, 1, 1])
        #expect(states == [true, true, true])
    }

    @Test func cancelOfGatherResultsIsThrownAfterAllChildrenHaveEnded() async throws {
        let (result, wasDone) = try await onLoop { loop in
            let slow = loop.createTask {
                do { try await loop.untilCancelled() } catch { try await loop.rounds(5) }
            }
            let quick = loop.createTask { try await loop.untilCancelled() }
            let wasDone = Variable(false)
            let task = loop.createTask {
                defer { wasDone.value = slow.isDone && quick.isDone }
                _ = try await loop.gatherResults([slow, quick])
            }
            try await loop.rounds(2)
            task.cancel()
            return (await ending(task), wasDone.value)
        }
        #expect(result == "cancelled")
        #expect(wasDone == true)
    }

    @Test func childrenThatSwallowTheCancellationDoNotSaveTheGather() async throws {
        let (result, child) = try await onLoop { loop in
            let child = loop.createTask {
                try? await loop.untilCancelled()
                return 3
            }
            let task = loop.createTask { try await loop.gather([child]) }
            try await loop.rounds(2)
            task.cancel()
            return (await ending(task), outcome(of: child))
        }
        #expect(result == "cancelled")
        #expect(child == "value 3")
    }

    @Test func errorOfAChildThatIsBeingCancelledComesOut() async throws {
        let result = try await onLoop { loop in
            let child = loop.createTask {
                do { try await loop.untilCancelled() } catch { throw TestError(name: "cleanup") }
            }
            let task = loop.createTask { try await loop.gather([child]) }
            try await loop.rounds(2)
            task.cancel()
            return await ending(task)
        }
        #expect(result == "cleanup")
    }

    @Test func cancelInTheRoundInWhichAllHaveEndedIsDelivered() async throws {
        let (result, messages) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await loop.gather([future]) }
            try await loop.rounds(1)
            try future.setException(TestError())
            try await loop.rounds(1)
            task.cancel()
            let result = await ending(task)
            try await loop.rounds(2)
            return (result, reports.messages)
        }
        #expect(result == "cancelled")
        #expect(messages == [])
    }

    @Test func futureOfAnotherLoopIsRefused() async throws {
        let codes = try await onLoop { loop in
            let other = try EventLoop()
            defer { try? other.close() }
            let foreign = other.createFuture(of: Int.self)
            let own = loop.createTask { 1 }
            var codes: [EventLoopError.Code] = []
            do { _ = try await loop.gather([own, foreign]) } catch let error as EventLoopError {
                codes.append(error.code)
            }
            do { _ = try await loop.wait([own, foreign]) } catch let error as EventLoopError {
                codes.append(error.code)
            }
            do { _ = try await loop.shield(foreign) } catch let error as EventLoopError { codes.append(error.code) }
            // The arguments that were all right are as they were.
            #expect(try await own.value == 1)
            return codes
        }
        #expect(codes == [.foreignLoop, .foreignLoop, .foreignLoop])
    }

    @Test func gatherInAChildTaskOfSwift() async throws {
        let results = try await onLoop { loop in
            let futures = UncheckedTransfer([loop.createFuture(of: Int.self), loop.createFuture(of: Int.self)])
            // SAFETY: used on the loop's thread only.
            async let results = EventLoop.running.gather(futures.value)
            try await loop.rounds(2)
            for (n, future) in futures.value.enumerated() { try future.setResult(n) }
            return try await results
        }
        #expect(results == [0, 1])
    }
}
