// Task groups: what they wait for, what they return, and which errors come out.

import Testing

@testable import AsyncIO

@Suite struct TaskGroupTests {
    @Test func groupWaitsForAllChildren() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            try await loop.withTaskGroup { group in
                for n in 1...3 {
                    group.createTask {
                        try await loop.rounds(4 - n)
                        trace("\(n)")
                    }
                }
                trace("body")
            }
            trace("after")
            return trace.entries
        }
        #expect(entries == ["body", "3", "2", "1", "after"])
    }

    @Test func resultsOfChildrenAreThereAfterTheGroup() async throws {
        let results = try await onLoop { loop in
            let children = try await loop.withTaskGroup { group in
                (1...3).map { n in
                    group.createTask {
                        try await loop.rounds(n)
                        return n
                    }
                }
            }
            return try children.map { try $0.result() }
        }
        #expect(results == [1, 2, 3])
    }

    @Test func groupReturnsWhatItsBodyReturns() async throws {
        let sum = try await onLoop { loop in
            try await loop.withTaskGroup { group in
                let first = group.createTask { 1 }
                let second = group.createTask { 2 }
                return try await first.value + second.value
            }
        }
        #expect(sum == 3)
    }

    @Test func bodyMayReturnNil() async throws {
        let isNil = try await onLoop { loop in
            let nothing: Int? = try await loop.withTaskGroup { _ -> Int? in nil }
            return nothing == nil
        }
        #expect(isNil)
    }

    @Test func childrenAndBodyShareWhatIsNotSendable() async throws {
        let result = try await onLoop { loop in
            let shared = Variable(0)
            let last = try await loop.withTaskGroup { group in
                let child = group.createTask {
                    shared.value? += 1
                    try await loop.rounds(1)
                    return shared
                }
                shared.value? += 10
                return try await child.value
            }
            return last === shared ? shared.value : nil
        }
        #expect(result == 11)
    }

    @Test func emptyGroupDoesNotGiveWay() async throws {
        let ran = try await onLoop { loop in
            let ran = Variable(false)
            loop.callSoon { ran.value = true }
            try await loop.withTaskGroup { _ in }
            return ran.value
        }
        #expect(ran == false)
    }

    @Test func childThatIsCancelledIsNoError() async throws {
        let states = try await onLoop { loop in
            let children = try await loop.withTaskGroup { group in
                let cancelled = group.createTask { try await loop.untilCancelled() }
                let sibling = group.createTask { try await loop.rounds(3) }
                try await loop.rounds(1)
                cancelled.cancel()
                return [cancelled, sibling]
            }
            return children.map { outcome(of: $0) }
        }
        #expect(states == ["cancelled", "value ()"])
    }

    @Test func failureOfAChildWhileTheGroupWaitsCancelsItsSiblings() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { try await loop.untilCancelled(trace, "sibling") }
                    group.createTask {
                        try await loop.rounds(2)
                        throw TestError(name: "child")
                    }
                    trace("body")
                }
                trace("not reached")
            }
            trace(await ending(task))
            return trace.entries
        }
        #expect(entries == ["body", "sibling cancelled", "[child]"])
    }

    @Test func failureOfAChildCancelsTheBodyOnce() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { throw TestError(name: "child") }
                    do { try await loop.untilCancelled(trace, "body") } catch {}
                    try await loop.rounds(2)
                    trace("cleaned up")
                }
            }
            let result = await ending(task)
            return (trace.entries, result)
        }
        #expect(entries == ["body cancelled", "cleaned up"])
        #expect(result == "[child]")
    }

    @Test func failureOfTheBodyBeforeItsFirstAwaitKeepsChildrenFromBeginning() async throws {
        let (entries, results) = try await onLoop { loop in
            let trace = Trace()
            let child = Variable<LoopTask<Void>>()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    child.value = group.createTask { trace("child") }
                    throw TestError(name: "body")
                }
            }
            let result = await ending(task)
            return (trace.entries, [result] + [child.value?.isCancelled == true ? "cancelled" : "not"])
        }
        #expect(entries == [])
        #expect(results == ["[body]", "cancelled"])
    }

    @Test func failureOfTheBodyAfterAnAwaitCancelsChildren() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { try await loop.untilCancelled(trace, "child") }
                    try await loop.rounds(2)
                    throw TestError(name: "body")
                }
            }
            let result = await ending(task)
            return (trace.entries, result)
        }
        #expect(entries == ["child cancelled"])
        #expect(result == "[body]")
    }

    @Test func errorsStandInOrderOfFailureAndTheBodysIsLast() async throws {
        let result = try await onLoop { loop in
            await ending(
                loop.createTask {
                    try await loop.withTaskGroup { group in
                        group.createTask { throw TestError(name: "1") }
                        group.createTask { throw TestError(name: "2") }
                        do { try await loop.untilCancelled() } catch { throw TestError(name: "body") }
                    }
                })
        }
        #expect(result == "[1, 2, body]")
    }

    @Test func errorsOfTheCleanupOfSiblingsAreAdded() async throws {
        let (result, count) = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask {
                        do { try await loop.untilCancelled() } catch {
                            try await loop.rounds(3)
                            throw TestError(name: "cleanup")
                        }
                    }
                    group.createTask { throw TestError(name: "child") }
                }
            }
            return (await ending(task), task.cancelling)
        }
        #expect(result == "[child, cleanup]")
        #expect(count == 0)
    }

    @Test func groupErrorCarriesAsynciosWords() async throws {
        let message = try await onLoop { loop in
            do {
                try await loop.withTaskGroup { group in group.createTask { throw TestError() } }
                return "none"
            } catch let error as ExceptionGroup {
                return error.message
            }
        }
        #expect(message == "unhandled errors in a TaskGroup")
    }

    @Test func awaitedChildThatFailsCountsOnce() async throws {
        let result = try await onLoop { loop in
            await ending(
                loop.createTask {
                    try await loop.withTaskGroup { group in
                        try await group.createTask { throw TestError(name: "child") }.value
                    }
                })
        }
        #expect(result == "[child]")
    }

    @Test func bodyThatAwaitsACancelledChildEndsTheGroupWithTheCancellation() async throws {
        let (result, sibling) = try await onLoop { loop in
            let sibling = Variable<LoopTask<Void>>()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    sibling.value = group.createTask { try await loop.untilCancelled() }
                    let child = group.createTask { try await loop.untilCancelled() }
                    child.cancel()
                    try await child.value
                }
            }
            return (await ending(task), sibling.value?.isCancelled)
        }
        #expect(result == "cancelled")
        #expect(sibling == true)
    }

    @Test func errorOfAnInnerGroupIsNestedInTheOuterOnes() async throws {
        let result = try await onLoop { loop in
            await ending(
                loop.createTask {
                    try await loop.withTaskGroup { outer in
                        outer.createTask { try await loop.untilCancelled() }
                        try await loop.withTaskGroup { inner in
                            inner.createTask { try await loop.untilCancelled() }
                            inner.createTask { throw TestError(name: "inner") }
                        }
                    }
                })
        }
        #expect(result == "[[inner]]")
    }

    @Test func groupInAChildNestsItsErrorToo() async throws {
        let result = try await onLoop { loop in
            await ending(
                loop.createTask {
                    try await loop.withTaskGroup { outer in
                        outer.createTask {
                            try await loop.withTaskGroup { inner in
                                inner.createTask { throw TestError(name: "a") }
                                inner.createTask { throw TestError(name: "b") }
                            }
                        }
                    }
                })
        }
        #expect(result == "[[a, b]]")
    }

    @Test func failureInTheOuterGroupCancelsTheInnerOneWithoutAnErrorOfItsOwn() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { outer in
                    outer.createTask {
                        try await loop.rounds(2)
                        throw TestError(name: "outer")
                    }
                    try await loop.withTaskGroup { inner in
                        inner.createTask { try await loop.untilCancelled(trace, "inner child") }
                        try await loop.untilCancelled(trace, "inner body")
                    }
                }
            }
            let result = await ending(task)
            return (trace.entries.sorted(), result)
        }
        #expect(entries == ["inner body cancelled", "inner child cancelled"])
        #expect(result == "[outer]")
    }

    @Test func childThatHasEndedIsNotKept() async throws {
        let wasKept = try await onLoop { loop in
            weak var weakToken: Token?
            return try await loop.withTaskGroup { group in
                group.createTask { try await loop.rounds(10) }
                do {
                    let token = Token()
                    weakToken = token
                    group.createTask { [token] in token }
                }
                try await loop.rounds(4)
                return weakToken != nil
            }
        }
        #expect(!wasKept)
    }

    @Test func childrenMayCreateMoreChildrenWhileTheGroupWaits() async throws {
        let count = try await onLoop { loop in
            let ran = Variable(0)
            func spawn(_ depth: Int, in group: TaskGroup) {
                group.createTask {
                    try await loop.rounds(1)
                    ran.value? += 1
                    if depth > 1 { spawn(depth - 1, in: group) }
                }
            }
            try await loop.withTaskGroup { group in
                spawn(20, in: group)
                spawn(5, in: group)
            }
            return ran.value
        }
        #expect(count == 25)
    }

    @Test func childThatIsCreatedWhileTheGroupWaitsMayFail() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask {
                        group.createTask { throw TestError(name: "grandchild") }
                        try await loop.untilCancelled(trace, "child")
                    }
                }
            }
            let result = await ending(task)
            return (trace.entries, result)
        }
        #expect(entries == ["child cancelled"])
        #expect(result == "[grandchild]")
    }

    @Test func childrenHaveNamesAndOrigins() async throws {
        let names = try await onLoop { loop in
            try await loop.withTaskGroup { group in
                let child = group.createTask(name: "worker") { try await loop.rounds(1) }
                return [child.name, child.origin.fileID]
            }
        }
        #expect(names == ["worker", "AsyncIOTests/TaskGroupTests.swift"])
    }

    @Test func errorsOfChildrenCountAsSeen() async throws {
        let messages = try await onLoop { loop in
            let reports = Reports(of: loop)
            try? await loop.withTaskGroup { group in
                group.createTask { throw TestError() }
                group.createTask { throw TestError() }
            }
            try await loop.rounds(2)
            return reports.messages
        }
        #expect(messages == [])
    }

    @Test func interruptOfAChildComesOutBare() async throws {
        let result = try await withLoop { loop in
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask { throw KeyboardInterrupt() }
                    group.createTask { throw TestError(name: "other") }
                }
            }
            // Out of the child, then out of the group.
            for _ in 0..<2 { #expect(throws: KeyboardInterrupt.self) { try loop.runUntilComplete(task) } }
            return outcome(of: task)
        }
        #expect(result == "error interrupted")
    }
}
