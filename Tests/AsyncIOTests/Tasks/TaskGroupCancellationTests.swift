// Task groups and cancellation: from outside, by a child, and by the group itself.

import Testing

@testable import AsyncIO

@Suite struct TaskGroupCancellationTests {
    @Test func cancelOfTheParentReachesBodyAndChildrenOnce() async throws {
        let (entries, result, counts) = try await onLoop { loop in
            let trace = Trace()
            let children = Variable<[LoopTask<Void>]>([])
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    for n in 1...2 {
                        children.value?.append(group.createTask { try await loop.untilCancelled(trace, "child \(n)") })
                    }
                    try await loop.untilCancelled(trace, "body")
                }
            }
            try await loop.rounds(3)
            task.cancel()
            let result = await ending(task)
            return (trace.entries.sorted(), result, [task.cancelling] + (children.value ?? []).map(\.cancelling))
        }
        #expect(entries == ["body cancelled", "child 1 cancelled", "child 2 cancelled"])
        #expect(result == "cancelled")
        #expect(counts == [1, 1, 1])
    }

    @Test func cancelOfTheParentWhileTheGroupWaitsCancelsChildren() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { try await loop.untilCancelled(trace, "child") }
                }
                trace("not reached")
            }
            try await loop.rounds(3)
            task.cancel()
            let result = await ending(task)
            return (trace.entries, result)
        }
        #expect(entries == ["child cancelled"])
        #expect(result == "cancelled")
    }

    @Test func repeatedCancelOfTheParentDoesNotCutShortTheWaitForChildren() async throws {
        let (entries, result, count) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask {
                        do { try await loop.untilCancelled() } catch {
                            try await loop.rounds(5)
                            trace("cleaned up")
                        }
                    }
                }
            }
            try await loop.rounds(3)
            for _ in 0..<3 {
                task.cancel()
                try await loop.rounds(1)
            }
            let result = await ending(task)
            return (trace.entries, result, task.cancelling)
        }
        #expect(entries == ["cleaned up"])
        #expect(result == "cancelled")
        #expect(count == 3)
    }

    @Test func cancelInAnEmptyGroupComesOutAsItIs() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask { try await loop.withTaskGroup { _ in try await loop.untilCancelled() } }
            try await loop.rounds(2)
            task.cancel()
            return await ending(task)
        }
        #expect(result == "cancelled")
    }

    @Test func bodyThatTurnsTheCancellationIntoAnErrorIsWrapped() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.withTaskGroup { _ in
                    do { try await loop.untilCancelled() } catch { throw TestError(name: "body") }
                }
            }
            try await loop.rounds(2)
            task.cancel()
            return await ending(task)
        }
        #expect(result == "[body]")
    }

    @Test func bodyMayCatchTheCancellationAndTheGroupEndsWell() async throws {
        let results = try await onLoop { loop in
            let child = Variable<LoopTask<Void>>()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    child.value = group.createTask { try await loop.rounds(5) }
                    do { try await loop.untilCancelled() } catch { loop.currentTask?.uncancel() }
                }
                return loop.currentTask?.cancelling
            }
            try await loop.rounds(2)
            task.cancel()
            let result = await ending(task)
            return [result] + [child.value?.isCancelled == false ? "child ended" : "child cancelled"]
        }
        #expect(results == ["value Optional(0)", "child ended"])
    }

    @Test func errorsOfChildrenWinOverTheCancellation() async throws {
        let (result, count) = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask {
                        do { try await loop.untilCancelled() } catch { throw TestError(name: "child") }
                    }
                    try await loop.untilCancelled()
                }
            }
            try await loop.rounds(3)
            task.cancel()
            return (await ending(task), task.cancelling)
        }
        #expect(result == "[child]")
        #expect(count == 1)
    }

    @Test func cancellationThatLostAgainstAnErrorComesAtTheNextAwait() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                do {
                    try await loop.withTaskGroup { group in
                        group.createTask {
                            do { try await loop.untilCancelled() } catch { throw TestError(name: "child") }
                        }
                    }
                } catch {
                    trace(summary(error))
                }
                try await loop.untilCancelled(trace, "next await")
            }
            try await loop.rounds(3)
            task.cancel()
            trace(await ending(task))
            return trace.entries + ["\(task.cancelling)"]
        }
        #expect(entries == ["[child]", "next await cancelled", "cancelled", "1"])
    }

    @Test func errorOfAChildInTheRoundOfTheCancelIsKept() async throws {
        let (result, count) = try await onLoop { loop in
            let future = loop.createFuture(of: Void.self)
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { try await future.value }
                    try await loop.untilCancelled()
                }
            }
            try await loop.rounds(3)
            try future.setException(TestError(name: "child"))
            try await loop.rounds(1)
            task.cancel()
            return (await ending(task), task.cancelling)
        }
        #expect(result == "[child]")
        #expect(count == 1)
    }

    @Test func requestOfBeforeTheGroupComesAgainAfterAnErrorOfTheGroup() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                loop.currentTask?.cancel()
                do { try await loop.rounds(1) } catch { trace("swallowed") }
                do {
                    try await loop.withTaskGroup { group in
                        group.createTask { throw TestError(name: "child") }
                        try await loop.untilCancelled()
                    }
                } catch {
                    trace("\(summary(error)) \(loop.currentTask?.cancelling ?? -1)")
                }
                do { try await loop.rounds(1) } catch { trace("again") }
            }
            _ = await ending(task)
            return trace.entries
        }
        #expect(entries == ["swallowed", "[child] 1", "again"])
    }

    // MARK: - cancel() of the group

    @Test func cancelOfTheGroupEndsBodyAndChildrenWithoutAnError() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { try await loop.untilCancelled(trace, "child") }
                    loop.callLater(after: .milliseconds(1)) { group.cancel() }
                    try await loop.untilCancelled(trace, "body")
                }
                try await loop.rounds(2)
                return "\(loop.currentTask?.cancelling ?? -1) \(Task.isCancelled)"
            }
            let result = await ending(task)
            return (trace.entries.sorted(), result)
        }
        #expect(entries == ["body cancelled", "child cancelled"])
        #expect(result == "value 0 false")
    }

    @Test func cancelOfTheGroupByAChildWhileTheGroupWaits() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { try await loop.untilCancelled(trace, "sibling") }
                    group.createTask {
                        try await loop.rounds(2)
                        group.cancel()
                        try await loop.untilCancelled(trace, "caller")
                    }
                }
                try await loop.rounds(2)
                return "\(loop.currentTask?.cancelling ?? -1) \(Task.isCancelled)"
            }
            let result = await ending(task)
            return (trace.entries.sorted(), result)
        }
        #expect(entries == ["caller cancelled", "sibling cancelled"])
        #expect(result == "value 0 false")
    }

    @Test func cancelOfTheGroupInTheBodyIsFeltAtItsNextAwait() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            try await loop.withTaskGroup { group in
                group.createTask { trace("never begins") }
                group.cancel()
                trace("goes on")
                try await loop.untilCancelled(trace, "body")
            }
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["goes on", "body cancelled"])
    }

    @Test func cancelOfTheGroupAsTheLastThingOfItsBodyLeavesNothing() async throws {
        let state = try await onLoop { loop in
            try await loop.withTaskGroup { group in group.cancel() }
            try await loop.rounds(2)
            return "\(loop.currentTask?.cancelling ?? -1) \(Task.isCancelled)"
        }
        #expect(state == "0 false")
    }

    @Test func cancelOfTheGroupTwiceOrAfterItsEndDoesNothing() async throws {
        let counts = try await onLoop { loop in
            let kept = Variable<TaskGroup>()
            try await loop.withTaskGroup { group in
                kept.value = group
                group.cancel()
                group.cancel()
            }
            kept.value?.cancel()
            try await loop.rounds(2)
            return [loop.currentTask?.cancelling]
        }
        #expect(counts == [0])
    }

    @Test func bodyThatWasBrokenOffHasNoValue() async throws {
        let (result, count) = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.cancel()
                    try await loop.rounds(1)
                    return 1
                }
            }
            return (await ending(task), task.cancelling)
        }
        #expect(result == "cancelled")
        #expect(count == 0)
    }

    @Test func bodyThatHasEndedKeepsItsValueWhenTheGroupIsCancelled() async throws {
        let value = try await onLoop { loop in
            try await loop.withTaskGroup { group in
                group.createTask { try await loop.untilCancelled() }
                group.createTask {
                    try await loop.rounds(2)
                    group.cancel()
                }
                return 7
            }
        }
        #expect(value == 7)
    }

    @Test func errorsAfterCancelOfTheGroupAreThrown() async throws {
        let result = try await onLoop { loop in
            await ending(
                loop.createTask {
                    try await loop.withTaskGroup { group in
                        group.createTask {
                            do { try await loop.untilCancelled() } catch { throw TestError(name: "cleanup") }
                        }
                        try await loop.rounds(2)
                        group.cancel()
                    }
                })
        }
        #expect(result == "[cleanup]")
    }

    @Test func cancelFromOutsideWinsOverCancelOfTheGroup() async throws {
        let (result, count) = try await onLoop { loop in
            let kept = Variable<TaskGroup>()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    kept.value = group
                    try await loop.untilCancelled()
                }
            }
            try await loop.rounds(2)
            kept.value?.cancel()
            task.cancel()
            return (await ending(task), task.cancelling)
        }
        #expect(result == "cancelled")
        #expect(count == 1)
    }

    @Test func cancelOfTheInnerGroupLeavesTheOuterOne() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { outer in
                    let child = outer.createTask { try await loop.rounds(8) }
                    try await loop.withTaskGroup { inner in
                        inner.createTask { try await loop.untilCancelled(trace, "inner child") }
                        loop.callSoon { inner.cancel() }
                        try await loop.untilCancelled(trace, "inner body")
                    }
                    trace("outer goes on \(Task.isCancelled)")
                    try await child.value
                    return "end"
                }
            }
            let result = await ending(task)
            return (trace.entries, result)
        }
        #expect(entries.dropLast().sorted() == ["inner body cancelled", "inner child cancelled"])
        #expect(entries.last == "outer goes on false")
        #expect(result == "value end")
    }

    @Test func cancelOfTheOuterGroupEndsTheInnerOne() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { outer in
                    try await loop.withTaskGroup { inner in
                        inner.createTask { try await loop.untilCancelled(trace, "inner child") }
                        loop.callLater(after: .milliseconds(1)) { outer.cancel() }
                        try await loop.untilCancelled(trace, "inner body")
                    }
                    trace("not reached")
                }
                try await loop.rounds(2)
                return "\(loop.currentTask?.cancelling ?? -1) \(Task.isCancelled)"
            }
            let result = await ending(task)
            return (trace.entries.sorted(), result)
        }
        #expect(entries == ["inner body cancelled", "inner child cancelled"])
        #expect(result == "value 0 false")
    }
}
