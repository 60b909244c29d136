// Tasks that have not ended when their loop closes: reported, and unwound.

import Testing

@testable import AsyncIO

@Suite struct PendingTasksAtCloseTests {
    /// Lets tasks begin, closes the loop, and returns what they did and what was reported.
    private func closing(
        rounds: Int = 3, sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ begin: @escaping @Sendable (EventLoop, Trace) -> Void
    ) async throws -> (entries: [String], messages: [String]) {
        try await withLoop(sourceLocation: sourceLocation) { loop in
            let trace = Trace()
            let reports = Reports(of: loop)
            begin(loop, trace)
            if rounds > 0 { try loop.runUntilComplete { try await loop.rounds(rounds) } }
            try loop.close()
            return (trace.entries, reports.messages)
        }
    }

    private let destroyed = "Task was destroyed but it is pending!"

    @Test func sleepingTaskIsReportedAndItsDeferBlockRuns() async throws {
        let closed = try await closing { loop, trace in
            loop.createTask {
                defer { trace("defer") }
                try await loop.sleep(for: .seconds(3600))
                trace("slept")
            }
        }
        #expect(closed.entries == ["defer"])
        #expect(closed.messages == [destroyed])
    }

    @Test func taskThatAwaitsAFutureIsUnwound() async throws {
        let closed = try await closing { loop, trace in
            let future = loop.createFuture(of: Int.self)
            loop.createTask {
                do {
                    trace("\(try await future.value)")
                } catch {
                    trace("\(error is CancellationError)")
                }
            }
        }
        #expect(closed.entries == ["true"])
        #expect(closed.messages == [destroyed])
    }

    @Test func taskThatHasNotBegunNeverRuns() async throws {
        let closed = try await closing(rounds: 0) { loop, trace in
            loop.createTask { trace("body") }
        }
        #expect(closed.entries == [])
        #expect(closed.messages == [destroyed])
    }

    @Test func reportNamesTheTaskAndWhereItWasCreated() async throws {
        let reported = try await withLoop { loop in
            let reports = Reports(of: loop)
            loop.createTask(name: "left over") { try await loop.sleep(for: .seconds(3600)) }
            try loop.runUntilComplete { try await loop.rounds(1) }
            try loop.close()
            return reports.all.map { "\($0.taskName ?? "-") \($0.origin != nil) \($0.task?.name ?? "-")" }
        }
        #expect(reported == ["left over true left over"])
    }

    @Test func tasksThatAwaitTasksAreAllUnwoundInnermostFirst() async throws {
        let closed = try await closing { loop, trace in
            let inner = loop.createTask {
                defer { trace("inner") }
                try await loop.sleep(for: .seconds(3600))
            }
            loop.createTask {
                defer { trace("outer") }
                try await inner.value
            }
        }
        #expect(closed.entries == ["inner", "outer"])
        #expect(closed.messages == [destroyed, destroyed])
    }

    @Test func everyLaterAwaitOfATaskThatIsUnwoundThrowsToo() async throws {
        let closed = try await closing { loop, trace in
            let future = loop.createFuture(of: Int.self)
            loop.createTask {
                do { try await loop.sleep(for: .seconds(3600)) } catch { trace("sleep") }
                do { try await loop.sleep(for: .seconds(1)) } catch { trace("second sleep") }
                do { try await loop.sleep(for: .zero) } catch { trace("zero sleep") }
                do { _ = try await future.value } catch { trace("future") }
            }
        }
        #expect(closed.entries == ["sleep", "second sleep", "zero sleep", "future"])
    }

    @Test func taskThatWasWokenButHasNotGoneOnIsUnwound() async throws {
        let closed = try await withLoop { loop in
            let trace = Trace()
            let reports = Reports(of: loop)
            let future = loop.createFuture(of: Int.self)
            loop.createTask {
                defer { trace("defer") }
                trace("value \(try await future.value)")
            }
            try loop.runUntilComplete { try await loop.rounds(1) }
            try future.setResult(1)
            try loop.close()
            return (trace.entries, reports.messages)
        }
        #expect(closed.0 == ["defer"])
        #expect(closed.1 == [destroyed])
    }

    @Test func taskThatGathersWhatIsDoneButNotHeardOfIsUnwound() async throws {
        let closed = try await withLoop { loop in
            let trace = Trace()
            let reports = Reports(of: loop)
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            loop.createTask {
                defer { trace("defer") }
                trace("values \(try await loop.gather(futures))")
            }
            try loop.runUntilComplete { try await loop.rounds(1) }
            for future in futures { try future.setResult(1) }
            try loop.close()
            return (trace.entries, reports.messages)
        }
        #expect(closed.0 == ["defer"])
        #expect(closed.1 == [destroyed])
    }

    @Test func endedTasksAreNotReported() async throws {
        let closed = try await closing { loop, trace in
            loop.createTask { trace("body") }
        }
        #expect(closed.entries == ["body"])
        #expect(closed.messages == [])
    }

    @Test func whatAPendingTaskCapturedIsReleased() async throws {
        let isGone = try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            weak var token: Token?
            do {
                let captured = Token()
                token = captured
                loop.createTask {
                    try await loop.sleep(for: .seconds(3600))
                    withExtendedLifetime(captured) {}
                }
            }
            try loop.runUntilComplete { try await loop.rounds(1) }
            #expect(token != nil)
            try loop.close()
            return token == nil
        }
        #expect(isGone)
    }

    @Test func taskCreatedWhileUnwindingFailsAtOnce() async throws {
        let closed = try await closing { loop, trace in
            loop.createTask {
                defer {
                    let late = loop.createTask { trace("late body") }
                    trace("late task done \(late.isDone)")
                }
                try await loop.sleep(for: .seconds(3600))
            }
        }
        #expect(closed.entries == ["late task done true"])
    }

    @Test func pendingTaskWithChildTasksOfATaskGroupIsUnwound() async throws {
        let closed = try await closing { loop, trace in
            loop.createTask {
                defer { trace("defer") }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await EventLoop.running.sleep(for: .seconds(3600)) }
                    try await group.waitForAll()
                }
            }
        }
        #expect(closed.entries == ["defer"])
        #expect(closed.messages == [destroyed])
    }

    @Test func pendingTaskWithAChildThatAwaitsAFutureIsUnwound() async throws {
        let closed = try await closing { loop, trace in
            let future = UncheckedTransfer(loop.createFuture(of: Int.self))  // SAFETY: used on the loop's thread only.
            loop.createTask {
                defer { trace("defer") }
                async let value = future.value.value
                _ = try await value
            }
        }
        #expect(closed.entries == ["defer"])
        #expect(closed.messages == [destroyed])
    }
}
