// Async generators: values on request, closing, and what happens to those that are left.

import Testing

@testable import AsyncIO

@Suite struct AsyncGeneratorTests {
    /// A generator that counts up from zero and leaves a trace when it is closed.
    private static func counting(_ loop: EventLoop, _ trace: Trace) -> AsyncGenerator<Int> {
        AsyncGenerator(loop) { yield in
            defer { trace("closed") }
            for n in 0... { try await yield(n) }
        }
    }

    @Test func valuesComeInTheOrderInWhichTheyAreYielded() async throws {
        let values = try await onLoop { loop in
            let generator = AsyncGenerator<Int>(loop) { yield in
                for n in 0..<4 { try await yield(n) }
            }
            var values: [Int] = []
            for try await value in generator { values.append(value) }
            return values
        }
        #expect(values == [0, 1, 2, 3])
    }

    @Test func nothingRunsBeforeTheFirstValueIsAskedFor() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let generator = AsyncGenerator<Int>(loop) { yield in
                trace("body")
                try await yield(1)
            }
            try await loop.rounds(3)
            trace("ask")
            _ = try await generator.next()
            try await generator.aclose()
            return trace.entries
        }
        #expect(entries == ["ask", "body"])
    }

    @Test func bodyWaitsInYieldUntilTheNextValueIsAskedFor() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let generator = AsyncGenerator<Int>(loop) { yield in
                try await yield(1)
                trace("after the first yield")
                try await yield(2)
            }
            _ = try await generator.next()
            try await loop.rounds(3)
            trace("ask")
            _ = try await generator.next()
            try await generator.aclose()
            return trace.entries
        }
        #expect(entries == ["ask", "after the first yield"])
    }

    @Test func endedGeneratorAnswersNilForEver() async throws {
        let values = try await onLoop { loop in
            let generator = AsyncGenerator<Int>(loop) { yield in try await yield(1) }
            return [try await generator.next(), try await generator.next(), try await generator.next()]
        }
        #expect(values == [1, nil, nil])
    }

    @Test func errorOfTheBodyComesOutOnceAndEndsTheGenerator() async throws {
        let values = try await onLoop { loop in
            let generator = AsyncGenerator<Int>(loop) { yield in
                try await yield(1)
                throw TestError(name: "body")
            }
            let first = try await generator.next()
            do {
                _ = try await generator.next()
                return [first, -1]
            } catch let error as TestError where error.name == "body" {}
            return [first, try await generator.next()]
        }
        #expect(values == [1, nil])
    }

    @Test func closingRunsTheCleanupOfTheBodyWithItsAwaits() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let generator = AsyncGenerator<Int>(loop) { yield in
                do {
                    while true { try await yield(1) }
                } catch {
                    try await loop.sleep(for: .milliseconds(1))
                    trace("cleaned up after \(error)")
                    throw error
                }
            }
            _ = try await generator.next()
            try await generator.aclose()
            trace("closed")
            return trace.entries
        }
        #expect(entries == ["cleaned up after CancellationError()", "closed"])
    }

    @Test func closedGeneratorAnswersNil() async throws {
        let value = try await onLoop { loop in
            let generator = Self.counting(loop, Trace())
            _ = try await generator.next()
            try await generator.aclose()
            return try await generator.next()
        }
        #expect(value == nil)
    }

    @Test func closingAFreshGeneratorNeverRunsTheBody() async throws {
        let (entries, value) = try await onLoop { loop in
            let trace = Trace()
            let generator = Self.counting(loop, trace)
            try await generator.aclose()
            return (trace.entries, try await generator.next())
        }
        #expect(entries == [])
        #expect(value == nil)
    }

    @Test func closingTwiceIsFine() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let generator = Self.counting(loop, trace)
            _ = try await generator.next()
            try await generator.aclose()
            try await generator.aclose()
            return trace.entries
        }
        #expect(entries == ["closed"])
    }

    @Test func errorOfTheCleanupComesOutOfClosing() async throws {
        await #expect(throws: TestError(name: "cleanup")) {
            try await onLoop { loop in
                let generator = AsyncGenerator<Int>(loop) { yield in
                    do {
                        try await yield(1)
                    } catch {
                        throw TestError(name: "cleanup")
                    }
                }
                _ = try await generator.next()
                try await generator.aclose()
            }
        }
    }

    @Test func bodyThatGoesOnYieldingMakesClosingFail() async throws {
        await #expect(throws: EventLoopError(.generatorBusy, "")) {
            try await onLoop { loop in
                let generator = AsyncGenerator<Int>(loop) { yield in
                    do {
                        try await yield(1)
                    } catch {
                        try await yield(2)
                    }
                }
                _ = try await generator.next()
                try await generator.aclose()
            }
        }
    }

    @Test func bodyThatGoesOnYieldingMakesClosingFailEvenIfItCatchesThat() async throws {
        await #expect(throws: EventLoopError(.generatorBusy, "")) {
            try await onLoop { loop in
                let generator = AsyncGenerator<Int>(loop) { yield in
                    do {
                        try await yield(1)
                    } catch {
                        try? await yield(2)
                    }
                }
                _ = try await generator.next()
                try await generator.aclose()
            }
        }
    }

    @Test func secondTaskThatAsksWhileAValueIsMadeIsRefused() async throws {
        let results = try await onLoop { loop in
            let gate = loop.createFuture(of: Int.self)
            let generator = AsyncGenerator<Int>(loop) { yield in try await yield(gate.value) }
            let first = loop.createTask { try await generator.next() }
            try await loop.rounds(2)
            let second = loop.createTask { try await generator.next() }
            let closing = loop.createTask { try await generator.aclose() }
            let refused = [await settled(second), await settled(closing)]
            try gate.setResult(8)
            let value = try await first.value
            try await generator.aclose()
            return refused + ["\(value ?? -1)"]
        }
        #expect(
            results == [
                "error anext(): asynchronous generator is already running",
                "error aclose(): asynchronous generator is already running",
                "8",
            ])
    }

    @Test func cancelOfTheTaskThatAsksReachesTheBody() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let generator = AsyncGenerator<Int>(loop) { yield in
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    trace("body got \(error)")
                    throw error
                }
                try await yield(1)
            }
            let task = loop.createTask { try await generator.next() }
            try await loop.rounds(3)
            task.cancel()
            let result = await settled(task)
            return (trace.entries, result)
        }
        #expect(entries == ["body got CancellationError()"])
        #expect(result == "cancelled")
    }

    @Test func bodyThatCatchesTheCancellationMayStillAnswer() async throws {
        let values = try await onLoop { loop in
            let generator = AsyncGenerator<String>(loop) { yield in
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch is CancellationError {
                    try await yield("caught")
                }
                try await yield("more")
            }
            let task = loop.createTask { try await generator.next() }
            try await loop.rounds(3)
            task.cancel()
            let values = [try await task.value, try await generator.next(), try await generator.next()]
            return values
        }
        #expect(values == ["caught", "more", nil])
    }

    @Test func cancelBeforeTheBodyBeganIsPassedOn() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let generator = Self.counting(loop, trace)
            let task = loop.createTask { try await generator.next() }
            task.cancel()
            return (trace.entries, await settled(task))
        }
        #expect(entries == [])
        #expect(result == "cancelled")
    }

    @Test func droppedGeneratorIsClosedByTheLoop() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let closed = loop.createFuture(of: Void.self)
            do {
                let generator = AsyncGenerator<Int>(loop) { yield in
                    defer { closed.addDoneCallback { _ in trace("closed") } }
                    defer { try? closed.setResult(()) }
                    while true { try await yield(1) }
                }
                _ = try await generator.next()
            }
            try await closed.value
            try await loop.rounds(2)
            return trace.entries
        }
        #expect(entries == ["closed"])
    }

    @Test func leavingTheIterationEarlyClosesADroppedGenerator() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            for try await value in Self.counting(loop, trace) where value == 2 { break }
            while trace.entries.isEmpty { try await loop.sleep(for: .zero) }
            return trace.entries
        }
        #expect(entries == ["closed"])
    }

    @Test func shutdownClosesSuspendedGenerators() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let generators = (0..<3).map { _ in Self.counting(loop, trace) }
            for generator in generators { _ = try await generator.next() }
            await loop.shutdownAsyncGenerators()
            return trace.entries
        }
        #expect(entries == ["closed", "closed", "closed"])
    }

    @Test func shutdownTwiceAndOfEndedGeneratorsDoesNothing() async throws {
        let messages = try await onLoop { loop in
            let reports = Reports(of: loop)
            let generator = AsyncGenerator<Int>(loop) { yield in try await yield(1) }
            for try await _ in generator {}
            await loop.shutdownAsyncGenerators()
            await loop.shutdownAsyncGenerators()
            return reports.messages
        }
        #expect(messages == [])
    }

    @Test func errorWhileShuttingDownIsReportedAndTheOthersAreClosed() async throws {
        let (messages, entries) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let trace = Trace()
            let failing = AsyncGenerator<Int>(loop) { yield in
                do {
                    try await yield(1)
                } catch {
                    throw TestError()
                }
            }
            let counting = Self.counting(loop, trace)
            _ = try await failing.next()
            _ = try await counting.next()
            await loop.shutdownAsyncGenerators()
            return (reports.messages, trace.entries)
        }
        #expect(messages == ["an error occurred during closing of asynchronous generator"])
        #expect(entries == ["closed"])
    }

    @Test func generatorThatBeginsAfterTheShutdownIsReported() async throws {
        let messages = try await onLoop { loop in
            let reports = Reports(of: loop)
            await loop.shutdownAsyncGenerators()
            let generator = Self.counting(loop, Trace())
            _ = try await generator.next()
            try await generator.aclose()
            return reports.messages
        }
        #expect(messages == ["asynchronous generator was scheduled after loop.shutdownAsyncGenerators()"])
    }

    @Test func taskOfTheBodyIsNotListed() async throws {
        let count = try await onLoop { loop in
            let generator = Self.counting(loop, Trace())
            _ = try await generator.next()
            let count = loop.allTasks.count
            try await generator.aclose()
            return count
        }
        #expect(count == 1)
    }

    @Test func generatorThatIsLeftAtCloseIsUnwoundWithoutAReport() async throws {
        let (entries, messages) = try await withLoop { loop in
            let reports = Reports(of: loop)
            let trace = Trace()
            let generator = Self.counting(loop, trace)
            try loop.runUntilComplete { _ = try await generator.next() }
            try loop.close()
            return (trace.entries, reports.messages)
        }
        #expect(entries == ["closed"])
        #expect(messages == [])
    }
}
