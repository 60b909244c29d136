// What happens between the end of main and the closing of the loop, and in which order.

import Testing

@testable import AsyncIO

@Suite struct TearDownTests {
    /// Runs `main` with a trace that also gets the reports, and returns what it holds when the loop has closed.
    private func traceOfRun(
        sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ main: nonisolated(nonsending) @escaping @Sendable (EventLoop, Trace) async throws -> Void
    ) async throws -> [String] {
        try await onThread(sourceLocation: sourceLocation) {
            let trace = UncheckedTransfer(Trace())  // SAFETY: all of it happens on this thread.
            try? AsyncIO.run { loop in
                loop.exceptionHandler = { _, context in trace.value("report: \(context.message)") }
                try await main(loop, trace.value)
            }
            return trace.value.entries
        }
    }

    private static let unhandled = "report: unhandled exception during AsyncIO.run() shutdown"

    @Test func leftOverTasksAreCancelledAndAwaited() async throws {
        let entries = try await traceOfRun { loop, trace in
            loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    try await loop.sleep(for: .milliseconds(1))
                    trace("cleaned up after \(error)")
                }
            }
            try await loop.rounds(1)
            trace("main ends")
        }
        #expect(entries == ["main ends", "cleaned up after CancellationError()"])
    }

    @Test func leftOverTasksAreCancelledAfterAnErrorOfMain() async throws {
        let entries = try await traceOfRun { loop, trace in
            loop.createTask {
                defer { trace("task ended") }
                try await loop.sleep(for: .seconds(3600))
            }
            try await loop.rounds(1)
            throw TestError()
        }
        #expect(entries == ["task ended"])
    }

    @Test func taskThatMainCreatesLastStillMakesItsFirstStep() async throws {
        let entries = try await traceOfRun { loop, trace in
            loop.createTask {
                defer { trace("task ended") }
                trace("first step")
                try await loop.sleep(for: .zero)
                trace("second step")
            }
            trace("main ends")
        }
        #expect(entries == ["main ends", "first step", "task ended"])
    }

    @Test func errorOfALeftOverTaskIsReported() async throws {
        let entries = try await traceOfRun { loop, trace in
            loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    throw TestError()
                }
            }
            try await loop.rounds(1)
        }
        #expect(entries == [Self.unhandled])
    }

    @Test func errorsAreReportedWhenAllLeftOverTasksHaveEnded() async throws {
        let entries = try await traceOfRun { loop, trace in
            // In whatever order they are looked at, hardly ever does the last to end come first.
            for n in 0..<6 {
                loop.createTask {
                    do {
                        try await loop.sleep(for: .seconds(3600))
                    } catch {
                        try await loop.rounds(n * 3)
                        trace("task ended")
                        throw TestError()
                    }
                }
            }
            try await loop.rounds(1)
        }
        #expect(entries == Array(repeating: "task ended", count: 6) + Array(repeating: Self.unhandled, count: 6))
    }

    @Test func generatorsAreClosedAfterTheTasks() async throws {
        let entries = try await onThread {
            let trace = UncheckedTransfer(Trace())  // SAFETY: all of it happens on this thread.
            let kept = UncheckedTransfer(Variable<AsyncGenerator<Int>>())  // SAFETY: all of it happens on this thread.
            try AsyncIO.run { loop in
                let trace = trace.value
                loop.exceptionHandler = { _, _ in trace("report") }
                loop.createTask {
                    do {
                        try await loop.sleep(for: .seconds(3600))
                    } catch {
                        try await loop.rounds(5)
                        trace("task ended")
                        throw TestError()
                    }
                }
                let generator = AsyncGenerator<Int>(loop) { yield in
                    do {
                        while true { try await yield(1) }
                    } catch {
                        try await loop.rounds(2)
                        trace("generator closed")
                        throw error
                    }
                }
                kept.value.value = generator
                _ = try await generator.next()
                trace("main ends")
            }
            return trace.value.entries
        }
        #expect(entries == ["main ends", "task ended", "report", "generator closed"])
    }

    @Test func executorIsShutDownAfterTheGenerators() async throws {
        let entries = try await onThread {
            let trace = UncheckedTransfer(Trace())  // SAFETY: all of it happens on this thread.
            let kept = UncheckedTransfer(Variable<AsyncGenerator<Int>>())  // SAFETY: all of it happens on this thread.
            try AsyncIO.run { loop in
                let trace = trace.value
                let generator = AsyncGenerator<Int>(loop) { yield in
                    do {
                        try await yield(1)
                    } catch {
                        // The executor still takes work.
                        trace(try await loop.toThread { "work of the generator" })
                        throw error
                    }
                }
                kept.value.value = generator
                _ = try await generator.next()
            }
            return trace.value.entries
        }
        #expect(entries == ["work of the generator"])
    }

    @Test func workOfTheDefaultExecutorIsWaitedFor() async throws {
        let count = try await onThread {
            let count = SharedCounter()
            let gate = Gate()
            try AsyncIO.run { loop in
                _ = loop.runInExecutor {
                    gate.pass()
                    count.increment()
                }
                gate.waitForArrivals(1)
                // Comes when main has ended, for the loop is not at rest before.
                loop.callSoon { gate.open() }
            }
            return count.value
        }
        #expect(count == 1)
    }

    @Test func taskThatSwallowsItsCancellationIsWaitedFor() async throws {
        let entries = try await traceOfRun { loop, trace in
            loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    for _ in 0..<20 { try await loop.sleep(for: .zero) }
                }
                trace("ended in its own time")
            }
            try await loop.rounds(1)
        }
        #expect(entries == ["ended in its own time"])
    }

    @Test func taskThatCleanupCreatesIsDestroyedPending() async throws {
        let entries = try await traceOfRun { loop, trace in
            loop.createTask {
                defer {
                    loop.createTask {
                        defer { trace("unwound") }
                        try await loop.sleep(for: .seconds(3600))
                    }
                }
                try await loop.sleep(for: .seconds(3600))
            }
            try await loop.rounds(1)
        }
        #expect(entries == ["report: Task was destroyed but it is pending!", "unwound"])
    }
}
