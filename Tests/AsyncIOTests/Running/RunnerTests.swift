// Runner: several operations on one loop, and its closing.

import Testing

@testable import AsyncIO

@Suite struct RunnerTests {
    @Test func runsShareTheLoop() async throws {
        let isSame = try await onThread {
            try Runner.with { runner in
                let loop = try runner.loop
                let first = UncheckedTransfer(loop)  // SAFETY: all of it happens on this thread.
                return try runner.run { $0 === first.value } && runner.run { $0 === first.value }
            }
        }
        #expect(isSame)
    }

    @Test func loopIsMadeWhenItIsFirstNeeded() async throws {
        try await onThread {
            let runner = Runner()
            #expect(throws: EventLoopError(.noCurrentLoop, "")) { try EventLoop.current }
            let loop = try runner.loop
            #expect(try EventLoop.current === loop)
            try runner.close()
            #expect(loop.isClosed)
        }
    }

    @Test func closingUnsetsTheCurrentLoop() async throws {
        try await onThread {
            try Runner.with { runner in try runner.run { _ in } }
            #expect(throws: EventLoopError(.noCurrentLoop, "")) { try EventLoop.current }
        }
    }

    @Test func closingTwiceIsFine() async throws {
        try await onThread {
            let runner = Runner()
            let loop = try runner.loop
            try runner.close()
            try runner.close()
            #expect(loop.isClosed)
        }
    }

    @Test func closedRunnerRefusesEverything() async throws {
        try await onThread {
            let runner = Runner()
            try runner.run { _ in }
            try runner.close()
            #expect(throws: EventLoopError(.runnerClosed, "")) { try runner.run { _ in } }
            #expect(throws: EventLoopError(.runnerClosed, "")) { try runner.loop }
        }
    }

    @Test func runnerThatWasClosedUnusedRefusesEverything() async throws {
        try await onThread {
            let runner = Runner()
            try runner.close()
            #expect(throws: EventLoopError(.runnerClosed, "")) { try runner.run { _ in } }
        }
    }

    @Test func runInsideOfARunIsRefused() async throws {
        let (ran, code) = try await onThread {
            try Runner.with { runner in
                let transfer = UncheckedTransfer(runner)  // SAFETY: all of it happens on this thread.
                return try runner.run { _ in
                    let ran = SharedCounter()
                    do {
                        try transfer.value.run { _ in ran.increment() }
                        return (ran.value, nil as EventLoopError.Code?)
                    } catch let error as EventLoopError {
                        return (ran.value, error.code)
                    }
                }
            }
        }
        #expect(ran == 0)
        #expect(code == .alreadyRunning)
    }

    @Test func closeInsideOfARunIsRefused() async throws {
        let code = try await onThread {
            try Runner.with { runner in
                let transfer = UncheckedTransfer(runner)  // SAFETY: all of it happens on this thread.
                return try runner.run { _ in
                    do {
                        try transfer.value.close()
                        return nil as EventLoopError.Code?
                    } catch let error as EventLoopError {
                        return error.code
                    }
                }
            }
        }
        #expect(code == .alreadyRunning)
    }

    @Test func tasksThatOneRunLeavesGoOnInTheNext() async throws {
        let entries = try await onThread {
            try Runner.with { runner in
                let trace = UncheckedTransfer(Trace())  // SAFETY: all of it happens on this thread.
                let future = UncheckedTransfer(Variable<Future<Void>>())  // SAFETY: all of it happens on this thread.
                try runner.run { loop in
                    let pending = loop.createFuture(of: Void.self)
                    future.value.value = pending
                    loop.createTask {
                        trace.value("begun")
                        try await pending.value
                        trace.value("ended")
                    }
                    try await loop.rounds(1)
                }
                trace.value("between")
                try runner.run { loop in
                    try future.value.value?.setResult(())
                    try await loop.rounds(2)
                }
                return trace.value.entries
            }
        }
        #expect(entries == ["begun", "between", "ended"])
    }

    @Test func runnerCanBeUsedAfterAnError() async throws {
        let value = try await onThread {
            try Runner.with { runner in
                #expect(throws: TestError.self) { try runner.run { _ in throw TestError() } }
                return try runner.run { _ in 5 }
            }
        }
        #expect(value == 5)
    }

    @Test func errorOfTheBodyClosesTheRunnerAndComesOut() async throws {
        try await onThread {
            let kept = Variable<EventLoop>()
            #expect(throws: TestError(name: "body")) {
                try Runner.with { runner in
                    kept.value = try runner.loop
                    throw TestError(name: "body")
                }
            }
            #expect(kept.value?.isClosed == true)
        }
    }

    @Test func errorOfMainIsNotReportedAsUnretrieved() async throws {
        let messages = try await onThread {
            try Runner.with { runner in
                let reports = Reports(of: try runner.loop)
                _ = try? runner.run { _ in throw TestError() }
                try runner.run { loop in try await loop.rounds(2) }
                return reports.messages
            }
        }
        #expect(messages == [])
    }

    @Test func debugOfTheRunnerSetsItsLoops() async throws {
        let seen = try await onThread { try Runner.with(debug: true) { runner in try runner.run { $0.debug } } }
        #expect(seen)
    }
}

@Suite struct MisusedRunnerTests {
    @Test func runnerWhoseLoopWasClosedRefusesToRun() async throws {
        try await onThread {
            let runner = Runner()
            try runner.run { _ in }
            try runner.loop.close()
            #expect(throws: EventLoopError(.closed, "")) { try runner.run { _ in } }
            try? runner.close()
        }
    }
}
