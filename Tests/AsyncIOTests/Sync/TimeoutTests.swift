// Timeouts: when they strike, what they become, and what they leave behind.

import Testing

@testable import AsyncIO

@Suite struct TimeoutTests {
    /// Requests to cancel the current task that are left, and Swift's flag.
    static func traces(on loop: EventLoop) -> String { "\(loop.currentTask?.cancelling ?? -1) \(Task.isCancelled)" }

    @Test func bodyThatTakesTooLongIsCancelledAndTheTimeoutIsThrown() async throws {
        let entries = try await onLoop { loop in
            let (trace, kept) = (Trace(), Variable<Timeout>())
            do {
                try await loop.withTimeout(.milliseconds(1)) { timeout in
                    kept.value = timeout
                    do { try await loop.sleep(for: .seconds(3600)) } catch {
                        trace("body \(type(of: error)) \(Self.traces(on: loop)) \(timeout.isExpired)")
                        throw error
                    }
                }
            } catch { trace("\(type(of: error)) \(Self.traces(on: loop)) \(kept.value!.isExpired)") }
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["body CancellationError 1 true true", "TimeoutError 0 false true"])
    }

    @Test func deadlineIsWhatWasAskedFor() async throws {
        let isInside = try await onLoop { loop in
            let before = loop.time()
            return try await loop.withTimeout(.seconds(3600)) { timeout in
                let when = timeout.when!
                return when >= before + .seconds(3600) && when <= loop.time() + .seconds(3600)
            }
        }
        #expect(isInside)
    }

    @Test func pointInTimeIsTakenAsItIs() async throws {
        let isSame = try await onLoop { loop in
            let when = loop.time().advanced(by: .seconds(7))
            return try await loop.withTimeout(at: when) { timeout in timeout.when == when }
        }
        #expect(isSame)
    }

    @Test func bodyThatEndsInTimeReturnsAndLeavesNoTimer() async throws {
        let (value, isExpired, timers) = try await onLoop { loop in
            let kept = Variable<Timeout>()
            let value = try await loop.withTimeout(.seconds(3600)) { timeout in
                kept.value = timeout
                try await loop.rounds(2)
                return 42
            }
            return (value, kept.value!.isExpired, loop.timers.count)
        }
        #expect(value == 42)
        #expect(!isExpired)
        #expect(timers <= 1)
    }

    @Test func noLimitNeverStrikes() async throws {
        let answers = try await onLoop { loop in
            let first = try await loop.withTimeout(nil as Duration?) { timeout in
                try await loop.rounds(3)
                return timeout.when == nil && !timeout.isExpired
            }
            let second = try await loop.withTimeout(at: nil) { timeout in
                try await loop.rounds(3)
                return timeout.when == nil && !timeout.isExpired
            }
            return [first, second]
        }
        #expect(answers == [true, true])
    }

    @Test func limitOfCenturiesDoesNotStrike() async throws {
        let value = try await onLoop { loop in
            let distant = try await loop.withTimeout(at: .distantFuture) {
                try await loop.rounds(2); return 1
            }
            let far = try await loop.withTimeout(.seconds(Int64.max)) {
                try await loop.rounds(2); return 1
            }
            return distant + far
        }
        #expect(value == 2)
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(Int64.min)])
    func deadlineThatHasPassedEndsTheBodyAtItsFirstAwait(delay: Duration) async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                try await loop.withTimeout(delay) { timeout in
                    trace("body \(timeout.isExpired)")
                    do { try await loop.sleep(for: .zero) } catch {
                        trace("\(type(of: error))")
                        throw error
                    }
                    trace("never")
                }
            } catch { trace("\(type(of: error)) \(Self.traces(on: loop))") }
            return trace.entries
        }
        #expect(entries == ["body false", "CancellationError", "TimeoutError 0 false"])
    }

    @Test func bodyWithoutAnAwaitIsNotStruck() async throws {
        let (value, result) = try await onLoop { loop in
            let value = try await loop.withTimeout(.zero) { 42 }
            let task = loop.createTask {
                _ = try await loop.withTimeout(.zero) { 1 }
                // Nothing of it is left to strike here.
                try await loop.rounds(3)
            }
            return (value, await settled(task))
        }
        #expect(value == 42)
        #expect(result == "value ()")
    }

    @Test func futureThatIsDoneDoesNotSuspendAndIsNotStruck() async throws {
        let value = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(5)
            return try await loop.withTimeout(.zero) { try await future.value }
        }
        #expect(value == 5)
    }

    // MARK: - Errors and cancellation

    @Test func errorOfTheBodyComesOutAsItIs() async throws {
        let (error, isExpired) = try await onLoop { loop in
            let kept = Variable<Timeout>()
            do {
                try await loop.withTimeout(.seconds(3600)) { timeout in
                    kept.value = timeout
                    throw TestError(name: "body")
                }
            } catch { return (error as? TestError, kept.value!.isExpired) }
            return (nil, true)
        }
        #expect(error == TestError(name: "body"))
        #expect(!isExpired)
    }

    @Test func errorInTheCleanUpReplacesTheTimeout() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                try await loop.withTimeout(.zero) { timeout in
                    do { try await loop.rounds(2) } catch {
                        trace("\(timeout.isExpired)")
                        throw TestError(name: "clean-up")
                    }
                }
            } catch { trace("\(error) \(Self.traces(on: loop))") }
            return trace.entries
        }
        #expect(entries == ["true", "\(TestError(name: "clean-up")) 0 false"])
    }

    @Test func cleanUpThatAwaitsIsWaitedFor() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                try await loop.withTimeout(.zero) { _ in
                    do { try await loop.rounds(1) } catch {
                        try await loop.rounds(5)
                        trace("cleaned up")
                        throw error
                    }
                }
            } catch { trace("\(type(of: error))") }
            return trace.entries
        }
        #expect(entries == ["cleaned up", "TimeoutError"])
    }

    @Test func swallowedCancellationEndsTheBodyNormally() async throws {
        let entries = try await onLoop { loop in
            let (trace, kept) = (Trace(), Variable<Timeout>())
            let value = try await loop.withTimeout(.zero) { timeout in
                kept.value = timeout
                try? await loop.rounds(1)
                try await loop.rounds(1)
                return 3
            }
            trace("\(value) \(kept.value!.isExpired) \(Self.traces(on: loop))")
            try await loop.rounds(2)
            return trace.entries
        }
        #expect(entries == ["3 true 0 false"])
    }

    @Test func cancellationErrorThatTheBodyMakesUpIsNoTimeout() async throws {
        let isCancellation = try await onLoop { loop in
            do {
                try await loop.withTimeout(.seconds(3600)) { throw CancellationError() }
            } catch is CancellationError { return true }
            return false
        }
        #expect(isCancellation)
    }

    @Test func cancellationFromOutsideStaysOne() async throws {
        let (result, trace) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTimeout(.seconds(3600)) { timeout in
                    defer { trace("\(Self.traces(on: loop)) \(timeout.isExpired)") }
                    try await loop.sleep(for: .seconds(3600))
                }
            }
            try await loop.rounds(2)
            task.cancel()
            return (await settled(task), trace.entries)
        }
        #expect(result == "cancelled")
        #expect(trace == ["1 true false"])
    }

    @Test(arguments: [true, false])
    func cancellationFromOutsideWinsOverATimeoutInTheSameRound(timeoutFirst: Bool) async throws {
        let (result, count) = try await onLoop { loop in
            let kept = Variable<Timeout>()
            let task = loop.createTask {
                try await loop.withTimeout(nil as Duration?) { timeout in
                    kept.value = timeout
                    try await loop.sleep(for: .seconds(3600))
                }
            }
            try await loop.rounds(2)
            if timeoutFirst { kept.value!.reschedule(loop.time()) }
            loop.callSoon { task.cancel() }
            if !timeoutFirst { kept.value!.reschedule(loop.time()) }
            return (await settled(task), task.cancelling)
        }
        #expect(result == "cancelled")
        #expect(count == 1)
    }

    @Test func requestsFromBeforeAreNotCountedAsNew() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try? await loop.sleep(for: .seconds(3600))
                trace("swallowed \(loop.currentTask!.cancelling)")
                do {
                    try await loop.withTimeout(.zero) { try await loop.sleep(for: .seconds(3600)) }
                } catch { trace("\(type(of: error)) \(loop.currentTask!.cancelling)") }
            }
            try await loop.rounds(1)
            task.cancel()
            try await task.value
            return trace.entries
        }
        #expect(entries == ["swallowed 1", "TimeoutError 1"])
    }

    @Test func cancellationThatIsDueAlreadyIsDeliveredInTheBody() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                loop.currentTask?.cancel()
                do {
                    try await loop.withTimeout(.seconds(3600)) {
                        trace("body")
                        try await loop.rounds(1)
                        trace("never")
                    }
                } catch { trace("\(type(of: error))") }
            }
            try await task.value
            return trace.entries
        }
        #expect(entries == ["body", "CancellationError"])
    }

    @Test func swiftsFlagIsSetForABodyThatCancelsItsTaskBeforeItSuspends() async throws {
        let flags = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.withTimeout(.seconds(3600)) { _ in
                    loop.currentTask?.cancel()
                    let atOnce = Task.isCancelled
                    try? await loop.rounds(1)
                    return [atOnce, Task.isCancelled]
                }
            }
            return try await task.value
        }
        // The same as without the timeout.
        #expect(flags == [true, true])
    }

    // MARK: - Where it may be used

    @Test func timeoutOutsideOfATaskThrows() async throws {
        let code = try await onLoop { loop in
            try await withThrowingTaskGroup(of: EventLoopError?.self) { group in
                group.addTask {
                    do {
                        try await EventLoop.running.withTimeout(.seconds(3600)) {}
                        return nil
                    } catch { return error as? EventLoopError }
                }
                return try await group.next()!
            }
        }
        #expect(code?.code == .invalidState)
    }

    @Test func timeoutInAScopeIsOneOfTheSameTask() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask(name: "owner") {
                try await loop.withTimeout(.seconds(3600)) {
                    try await loop.withTimeout(.seconds(3600)) { trace(loop.currentTask!.name) }
                    trace(loop.currentTask!.name)
                }
                trace("\(loop.currentTask!.name) \(loop.allTasks.filter { $0.name == "owner" }.count)")
            }
            try await task.value
            return trace.entries
        }
        #expect(entries == ["owner", "owner", "owner 1"])
    }
}
