// waitFor: one future or operation with a limit of time.

import Testing

@testable import AsyncIO

@Suite struct WaitForTests {
    /// Limits that are over before anything has begun.
    static let passed: [Duration] = [.zero, .seconds(-1)]

    /// What becomes of a wait, in a word.
    private static func result<Value>(_ wait: () async throws -> Value) async -> String {
        do { return "value \(try await wait())" } catch { return "\(type(of: error))" }
    }

    @Test func withoutALimitTheFutureIsWaitedFor() async throws {
        let values = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.rounds(5)
                return 1
            }
            let first = try await loop.waitFor(task, timeout: nil)
            return [first, try await loop.waitFor(timeout: nil) { 2 }]
        }
        #expect(values == [1, 2])
    }

    @Test func infiniteLimitIsNoLimit() async throws {
        let value = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.rounds(2)
                return 1
            }
            return try await loop.waitFor(task, timeout: .seconds(Int64.max))
        }
        #expect(value == 1)
    }

    @Test func limitCancelsTheTaskAndWaitsForIt() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                defer { trace("ended") }
                do { try await loop.sleep(for: .seconds(3600)) } catch {
                    try await loop.rounds(4)
                    throw error
                }
            }
            trace(await Self.result { try await loop.waitFor(task, timeout: .milliseconds(1)) })
            return trace.entries + [outcome(of: task), TimeoutTests.traces(on: loop)]
        }
        #expect(entries == ["ended", "TimeoutError", "cancelled", "0 false"])
    }

    @Test(arguments: [Duration.milliseconds(1), .zero, .seconds(-1)])
    func taskThatReturnsInSpiteOfItsCancellationGivesItsResult(limit: Duration) async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try? await loop.sleep(for: .seconds(3600))
                try await loop.rounds(3)
                return 5
            }
            try await loop.rounds(1)
            trace(await Self.result { try await loop.waitFor(task, timeout: limit) })
            return trace.entries + [TimeoutTests.traces(on: loop)]
        }
        #expect(entries == ["value 5", "0 false"])
    }

    @Test(arguments: [Duration.milliseconds(1), .zero])
    func errorDuringTheCancellationComesOut(limit: Duration) async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                do { try await loop.sleep(for: .seconds(3600)) } catch { throw TestError() }
            }
            try await loop.rounds(1)
            return await Self.result { try await loop.waitFor(task, timeout: limit) }
        }
        #expect(result == "TestError")
    }

    @Test(arguments: passed)
    func futureThatIsDoneGivesItsResultAtOnce(limit: Duration) async throws {
        let results = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            try future.setResult(3)
            loop.callSoon { trace("callback") }
            trace(await Self.result { try await loop.waitFor(future, timeout: limit) })
            let cancelled = loop.createFuture(of: Int.self)
            cancelled.cancel()
            trace(await Self.result { try await loop.waitFor(cancelled, timeout: limit) })
            let failed = loop.createFuture(of: Int.self)
            try failed.setException(TestError())
            trace(await Self.result { try await loop.waitFor(failed, timeout: limit) })
            return trace.entries
        }
        #expect(results == ["value 3", "CancellationError", "TestError"])
    }

    @Test(arguments: passed)
    func taskThatRunsIsCancelledAndWaitedFor(limit: Duration) async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                do { try await loop.sleep(for: .seconds(3600)) } catch {
                    try await loop.rounds(2)
                    trace("cleaned up")
                    throw error
                }
            }
            try await loop.rounds(1)
            trace(await Self.result { try await loop.waitFor(task, timeout: limit) })
            return trace.entries + [outcome(of: task)]
        }
        #expect(entries == ["cleaned up", "TimeoutError", "cancelled"])
    }

    @Test(arguments: passed)
    func operationDoesNotBeginWhenTheTimeIsOver(limit: Duration) async throws {
        let (result, began) = try await onLoop { loop in
            let began = Variable(false)
            let result = await Self.result { try await loop.waitFor(timeout: limit) { began.value = true } }
            return (result, began.value!)
        }
        #expect(result == "TimeoutError")
        #expect(!began)
    }

    @Test(arguments: [nil, Duration.seconds(3600)])
    func cancellingTheWaitCancelsTheFuture(limit: Duration?) async throws {
        let results = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await loop.waitFor(future, timeout: limit) }
            try await loop.rounds(1)
            task.cancel()
            let operation = loop.createTask {
                try await loop.waitFor(timeout: limit) { try await loop.sleep(for: .seconds(3600)) }
            }
            try await loop.rounds(1)
            operation.cancel()
            return [await settled(task), outcome(of: future), await settled(operation)]
        }
        #expect(results == ["cancelled", "cancelled", "cancelled"])
    }

    @Test func cancellingTheWaitWaitsForATaskThatTakesItsTime() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let inner = loop.createTask {
                do { try await loop.sleep(for: .seconds(3600)) } catch {
                    try await loop.rounds(4)
                    trace("inner")
                    throw error
                }
            }
            let task = loop.createTask {
                defer { trace("wait") }
                try await loop.waitFor(inner, timeout: .seconds(3600))
            }
            try await loop.rounds(2)
            task.cancel()
            return [await settled(task)] + trace.entries
        }
        #expect(entries == ["cancelled", "inner", "wait"])
    }

    // MARK: - Races

    @Test(arguments: [true, false])
    func completionAndCancellationInOneRound(completesFirst: Bool) async throws {
        let (task, future) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await loop.waitFor(future, timeout: .seconds(3600)) }
            try await loop.rounds(2)
            if completesFirst { try future.setResult(1) }
            task.cancel()
            if !completesFirst { _ = try? future.setResult(1) }
            return (await settled(task), outcome(of: future))
        }
        // Cancellation wins, as in asyncio since 3.12.
        #expect(task == "cancelled")
        #expect(future == (completesFirst ? "value 1" : "cancelled"))
    }

    @Test(arguments: [true, false])
    func completionAndTimeoutInOneRound(completesFirst: Bool) async throws {
        let (result, future, left) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let kept = Variable<Timeout>()
            let task = loop.createTask {
                let result = await Self.result {
                    try await loop.withTimeout(nil as Duration?) { timeout in
                        kept.value = timeout
                        return try await future.value
                    }
                }
                return "\(result) \(TimeoutTests.traces(on: loop))"
            }
            try await loop.rounds(2)
            if completesFirst { loop.callSoon { try future.setResult(1) } }
            kept.value!.reschedule(loop.time())
            if !completesFirst { loop.callSoon { _ = try? future.setResult(1) } }
            let result = try await task.value
            return (result, outcome(of: future), loop.timers.count)
        }
        // The result came in the same round, but the task had not gone on: asyncio throws as well.
        #expect(result == "TimeoutError 0 false")
        #expect(future == (completesFirst ? "value 1" : "cancelled"))
        #expect(left == 0)
    }

    @Test func completionBeforeTheCancellationIsSeenAsResult() async throws {
        let results = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await loop.waitFor(future, timeout: .seconds(3600)) }
            try await loop.rounds(2)
            try future.setResult(1)
            try await loop.rounds(1)
            return ["\(task.cancel())", outcome(of: task)]
        }
        #expect(results == ["false", "value 1"])
    }

    @Test func cancellationWhileThePassedLimitIsWaitedForComesOut() async throws {
        let (result, inner) = try await onLoop { loop in
            let inner = loop.createTask {
                do { try await loop.sleep(for: .seconds(3600)) } catch {
                    try await loop.rounds(6)
                    throw error
                }
            }
            let task = loop.createTask { try await loop.waitFor(inner, timeout: .zero) }
            try await loop.rounds(3)
            task.cancel()
            let result = await settled(task)
            return (result, await settled(inner))
        }
        #expect(result == "cancelled")
        #expect(inner == "cancelled")
    }

    // MARK: - Shields

    @Test(arguments: [Duration.zero, .milliseconds(1)])
    func shieldedTaskGoesOnAfterTheLimit(limit: Duration) async throws {
        let results = try await onLoop { loop in
            let gate = loop.createFuture(of: Int.self)
            let inner = loop.createTask { try await gate.value }
            try await loop.rounds(1)
            let result = await Self.result {
                try await loop.waitFor(timeout: limit) { try await loop.shield(inner) }
            }
            let before = inner.isDone
            try gate.setResult(4)
            return [result, "\(before)", await settled(inner)]
        }
        #expect(results == ["TimeoutError", "false", "value 4"])
    }

    @Test func shieldedTaskGivesItsResultWithoutALimit() async throws {
        let value = try await onLoop { loop in
            let inner = loop.createTask {
                try await loop.rounds(3)
                return 4
            }
            return try await loop.waitFor(timeout: nil) { try await loop.shield(inner) }
        }
        #expect(value == 4)
    }

    @Test func waitsInEachOtherEndWithTheInnerLimit() async throws {
        let result = try await onLoop { loop in
            await Self.result {
                try await loop.waitFor(timeout: .seconds(3600)) {
                    try await loop.waitFor(timeout: .milliseconds(1)) { try await loop.sleep(for: .seconds(3600)) }
                }
            }
        }
        #expect(result == "TimeoutError")
    }
}
