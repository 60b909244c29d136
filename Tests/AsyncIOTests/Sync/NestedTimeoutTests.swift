// Timeouts in timeouts and in task groups, and what becomes of them when the loop closes.

import Testing

@testable import AsyncIO

@Suite struct NestedTimeoutTests {
    /// Two timeouts, one in the other; notes what comes out of each.
    private static func nested(
        _ loop: EventLoop, outer: EventLoop.Instant?, inner: EventLoop.Instant?, _ trace: Trace,
        body: @escaping () async throws -> Void
    ) async throws {
        do {
            try await loop.withTimeout(at: outer) { outerTimeout in
                do {
                    try await loop.withTimeout(at: inner, body)
                } catch {
                    trace("inner \(type(of: error)) \(TimeoutTests.traces(on: loop)) \(outerTimeout.isExpired)")
                    throw error
                }
            }
        } catch {
            trace("outer \(type(of: error)) \(TimeoutTests.traces(on: loop))")
        }
        try await loop.rounds(1)
    }

    @Test func innerTimeoutStrikesAlone() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            try await Self.nested(loop, outer: nil, inner: loop.time(), trace) {
                try await loop.sleep(for: .seconds(3600))
            }
            return trace.entries
        }
        // The error of the inner one passes through the outer one.
        #expect(entries == ["inner TimeoutError 0 false false", "outer TimeoutError 0 false"])
    }

    @Test func outerTimeoutCancelsTheInnerBody() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            try await Self.nested(loop, outer: loop.time(), inner: nil, trace) {
                try await loop.sleep(for: .seconds(3600))
            }
            return trace.entries
        }
        #expect(entries == ["inner CancellationError 1 true true", "outer TimeoutError 0 false"])
    }

    @Test(arguments: [Duration.zero, .milliseconds(2)])
    func equalDeadlinesBothStrikeAndTheOuterOneIsReported(delay: Duration) async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let when = loop.time().advanced(by: delay)
            try await Self.nested(loop, outer: when, inner: when, trace) {
                try await loop.sleep(for: .seconds(3600))
            }
            return trace.entries
        }
        #expect(entries == ["inner CancellationError 1 true true", "outer TimeoutError 0 false"])
    }

    @Test func outerDeadlineThatPassesWhileTheInnerBodyHoldsTheThread() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let now = loop.time()
            try await Self.nested(
                loop, outer: now.advanced(by: .milliseconds(1)), inner: now.advanced(by: .milliseconds(2)), trace
            ) {
                while loop.time() < now.advanced(by: .milliseconds(4)) {}
                try await loop.sleep(for: .seconds(3600))
            }
            return trace.entries
        }
        #expect(entries == ["inner CancellationError 1 true true", "outer TimeoutError 0 false"])
    }

    @Test func timeoutInTheCleanUpOfAnExpiredOneWorksByItself() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                try await loop.withTimeout(.zero) { _ in
                    do { try await loop.rounds(1) } catch {
                        do {
                            try await loop.withTimeout(.zero) { try await loop.sleep(for: .seconds(3600)) }
                        } catch { trace("clean-up \(type(of: error)) \(loop.currentTask!.cancelling)") }
                        throw error
                    }
                }
            } catch { trace("\(type(of: error)) \(TimeoutTests.traces(on: loop))") }
            return trace.entries
        }
        #expect(entries == ["clean-up TimeoutError 1", "TimeoutError 0 false"])
    }

    @Test func hundredTimeoutsInEachOtherEndWithTheOneThatStruck() async throws {
        let (depth, left) = try await onLoop { loop in
            let depth = Variable(0)
            func enter(_ level: Int) async throws {
                let when = level == 40 ? loop.time() : nil
                do {
                    try await loop.withTimeout(at: when) {
                        if level < 100 { try await enter(level + 1) } else { try await loop.rounds(9) }
                    }
                } catch is TimeoutError {
                    if depth.value == 0 { depth.value = level }
                    throw TimeoutError()
                }
            }
            try? await enter(1)
            return (depth.value!, TimeoutTests.traces(on: loop))
        }
        #expect(depth == 40)
        #expect(left == "0 false")
    }

    // MARK: - Task groups

    @Test func timeoutAroundAGroupCancelsItsChildren() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                try await loop.withTimeout(.zero) {
                    try await loop.withTaskGroup { group in
                        for name in ["a", "b"] {
                            let child = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
                            group.createTask {
                                do { try await child.value } catch {
                                    trace(name)
                                    throw error
                                }
                            }
                        }
                        try await loop.rounds(5)
                    }
                }
            } catch { trace("\(type(of: error)) \(TimeoutTests.traces(on: loop))") }
            return trace.entries
        }
        #expect(entries.last == "TimeoutError 0 false")
    }

    @Test func timeoutStrikesWhileTheGroupWaitsForItsChildren() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                _ = try await loop.withTimeout(.milliseconds(1)) {
                    try await loop.withTaskGroup { group in
                        group.createTask {
                            do { try await loop.sleep(for: .seconds(3600)) } catch {
                                trace("child")
                                throw error
                            }
                        }
                    }
                }
            } catch { trace("\(type(of: error)) \(TimeoutTests.traces(on: loop))") }
            return trace.entries
        }
        #expect(entries == ["child", "TimeoutError 0 false"])
    }

    @Test func errorsOfAGroupPassThroughAnExpiredTimeout() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                try await loop.withTimeout(.milliseconds(1)) {
                    try await loop.withTaskGroup { group in
                        group.createTask {
                            do { try await loop.sleep(for: .seconds(3600)) } catch { throw TestError(name: "child") }
                        }
                        try await loop.sleep(for: .seconds(3600))
                    }
                }
            } catch let error as ExceptionGroup {
                trace("\(error.errors.count) \(error.errors[0]) \(TimeoutTests.traces(on: loop))")
            }
            try await loop.rounds(2)
            return trace.entries
        }
        #expect(entries == ["1 \(TestError(name: "child")) 0 false"])
    }

    @Test func timeoutInTheBodyOfAGroupIsAnErrorOfTheGroup() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                try await loop.withTaskGroup { group in
                    group.createTask {
                        defer { trace("child ended") }
                        try await loop.sleep(for: .seconds(3600))
                    }
                    try await loop.rounds(2)
                    try await loop.withTimeout(.zero) { try await loop.sleep(for: .seconds(3600)) }
                }
            } catch let error as ExceptionGroup {
                trace("\(error.errors) \(TimeoutTests.traces(on: loop))")
            }
            return trace.entries
        }
        #expect(entries == ["child ended", "[\(TimeoutError())] 0 false"])
    }

    @Test func failingChildCancelsTheTimeoutInTheBodyWhichIsNotExpired() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            do {
                try await loop.withTaskGroup { group in
                    group.createTask { throw TestError(name: "child") }
                    try await loop.withTimeout(.seconds(3600)) { timeout in
                        defer { trace("\(timeout.isExpired) \(TimeoutTests.traces(on: loop))") }
                        try await loop.sleep(for: .seconds(3600))
                    }
                }
            } catch let error as ExceptionGroup {
                trace("\(error.errors.count) \(TimeoutTests.traces(on: loop))")
            }
            return trace.entries
        }
        #expect(entries == ["false 1 true", "1 0 false"])
    }

    @Test func swiftsFlagIsSetWhenAnEagerChildFailsInTheFirstPartOfTheBody() async throws {
        let flags = try await onLoop { loop in
            let flags = Variable<[Bool]>([])
            try? await loop.withTaskGroup { group in
                _ = group.createTask(eagerStart: true) { throw TestError() }
                flags.value!.append(Task.isCancelled)
                try? await loop.rounds(1)
                flags.value!.append(Task.isCancelled)
            }
            return flags.value! + [Task.isCancelled]
        }
        #expect(flags == [true, true, false])
    }

    // MARK: - Closing

    @Test func closingTheLoopUnwindsWhatIsOpen() async throws {
        let (messages, entries) = try await onThread {
            let loop = try EventLoop()
            let (trace, reports) = (Trace(), Reports(of: loop))
            let task = loop.createTask {
                defer { trace("task") }
                try await loop.withTimeout(.seconds(3600)) {
                    defer { trace("outer") }
                    try await loop.withTaskGroup { group in
                        defer { trace("group") }
                        group.createTask {
                            defer { trace("child") }
                            try await loop.withTimeout(.seconds(3600)) { try await loop.sleep(for: .seconds(3600)) }
                        }
                        try await loop.withTimeout(.seconds(3600)) {
                            defer { trace("inner") }
                            try await loop.sleep(for: .seconds(3600))
                        }
                    }
                }
            }
            try loop.runUntilComplete { try await loop.rounds(3) }
            try loop.close()
            expectNothingLeft(of: loop)
            return (reports.messages, trace.entries + [outcome(of: task)])
        }
        #expect(messages == Array(repeating: "Task was destroyed but it is pending!", count: 2))
        #expect(entries.filter { $0 != "child" } == ["inner", "group", "outer", "task", "cancelled"])
        #expect(entries.contains("child"))
    }

    @Test func closingTheLoopEndsAGroupThatWaitsForItsChildren() async throws {
        let outcomes = try await onThread {
            let loop = try EventLoop()
            _ = Reports(of: loop)
            loop.exceptionHandler = { _, _ in }
            let ended = Variable(0)
            let task = loop.createTask {
                defer { ended.value! += 1 }
                try await loop.withTimeout(.seconds(3600)) {
                    try await loop.withTaskGroup { group in
                        for _ in 0..<10 {
                            group.createTask {
                                defer { ended.value! += 1 }
                                try await loop.sleep(for: .seconds(3600))
                            }
                        }
                    }
                }
            }
            try loop.runUntilComplete { try await loop.rounds(3) }
            try loop.close()
            expectNothingLeft(of: loop)
            return [outcome(of: task), "\(ended.value!)"]
        }
        #expect(outcomes == ["cancelled", "11"])
    }

    @Test func cleanUpWithScopesWhileTheLoopClosesEndsToo() async throws {
        let (messages, entries) = try await onThread {
            let loop = try EventLoop()
            let (trace, reports) = (Trace(), Reports(of: loop))
            loop.createTask {
                do { try await loop.sleep(for: .seconds(3600)) } catch {
                    do {
                        try await loop.withTimeout(.seconds(3600)) { try await loop.rounds(1) }
                    } catch { trace("timeout \(type(of: error))") }
                    do {
                        try await loop.withTaskGroup { group in
                            group.createTask {}
                            try await loop.rounds(1)
                        }
                    } catch { trace("group \(type(of: error))") }
                    trace("end")
                }
            }
            try loop.runUntilComplete { try await loop.rounds(2) }
            try loop.close()
            expectNothingLeft(of: loop)
            return (reports.messages, trace.entries)
        }
        #expect(messages.first == "Task was destroyed but it is pending!")
        #expect(entries.first == "timeout CancellationError")
        #expect(entries.last == "end")
    }

    @Test func taskThatIsCancelledWhileItsScopeSwallowsManyCancellationsEnds() async throws {
        let (result, count) = try await onLoop { loop in
            let swallowed = Variable(0)
            let task = loop.createTask {
                try await loop.withTimeout(.seconds(3600)) {
                    while swallowed.value! < 20 {
                        do { try await loop.sleep(for: .seconds(3600)) } catch { swallowed.value! += 1 }
                    }
                }
                return loop.currentTask!.cancelling
            }
            while !task.isDone {
                try await loop.rounds(1)
                task.cancel()
            }
            return (outcome(of: task), swallowed.value!)
        }
        #expect(result.hasPrefix("value"))
        #expect(count == 20)
    }
}
