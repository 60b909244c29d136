// Errors that nobody can catch: who is told, and what the context says.

import Testing

@testable import AsyncIO

@Suite struct ExceptionHandlerTests {
    @Test func handlerGetsTheLoopAndTheContext() async throws {
        let seen = try await onLoop { loop in
            var seen: [String] = []
            loop.exceptionHandler = { [unowned loop] given, context in
                seen.append("\(given === loop) \(context.message) \(context.exception as? TestError == TestError())")
            }
            loop.callSoon { throw TestError() }
            try await loop.sleep(for: .zero)
            return seen
        }
        #expect(seen == ["true Exception in callback true"])
    }

    @Test func errorsOfCallbacksAndTimersAreReportedOnceEach() async throws {
        let names = try await onLoop { loop in
            let reports = Reports(of: loop)
            loop.callSoon { throw TestError(name: "soon") }
            loop.callLater(after: .zero) { throw TestError(name: "later") }
            loop.callAt(loop.time().advanced(by: .microseconds(10))) { throw TestError(name: "at") }
            try await loop.sleep(for: .milliseconds(2))
            return reports.all.map { ($0.exception as? TestError)?.name ?? "?" }
        }
        #expect(names == ["soon", "later", "at"])
    }

    @Test func failedTimerIsNamedByItsHandle() async throws {
        let isNamed = try await onLoop { loop in
            let reports = Reports(of: loop)
            let handle = loop.callLater(after: .zero) { throw TestError() }
            try await loop.sleep(for: .milliseconds(1))
            return reports.all.map { $0.handle === handle }
        }
        #expect(isNamed == [true])
    }

    @Test func handlerCanBeReadAndReplacedAndRemoved() async throws {
        let calls = try await withLoop { loop in
            #expect(loop.exceptionHandler == nil)
            let trace = Trace()
            loop.exceptionHandler = { _, _ in trace("first") }
            try loop.exceptionHandler?(loop, ExceptionContext(message: "direct"))
            loop.exceptionHandler = { _, _ in trace("second") }
            loop.callExceptionHandler(ExceptionContext(message: "through the loop"))
            loop.exceptionHandler = nil
            #expect(loop.exceptionHandler == nil)
            return trace.entries
        }
        #expect(calls == ["first", "second"])
    }

    @Test func handlerMayScheduleAndStop() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            loop.exceptionHandler = { loop, _ in
                trace("handler")
                loop.callSoon {
                    trace("scheduled")
                    loop.stop()
                }
            }
            loop.callSoon { throw TestError() }
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["handler", "scheduled"])
    }

    @Test func callbacksGoOnAfterAHandlerThatFails() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.exceptionHandler = { _, _ in
                trace("handler")
                throw TestError(name: "handler")
            }
            loop.callSoon { throw TestError() }
            loop.callSoon { trace("next") }
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(entries == ["handler", "next"])
    }

    @Test func interruptOfAHandlerLeavesTheRun() async throws {
        try await withLoop { loop in
            loop.exceptionHandler = { _, _ in throw KeyboardInterrupt() }
            loop.callSoon { throw TestError() }
            #expect(throws: KeyboardInterrupt.self) { try loop.runForever() }
            loop.exceptionHandler = nil
            try #expect(loop.runUntilComplete { 1 } == 1)
        }
    }

    @Test func programMayReportErrorsOfItsOwn() async throws {
        let seen = try await onLoop { loop in
            let reports = Reports(of: loop)
            loop.callExceptionHandler(ExceptionContext(message: "mine", exception: TestError(name: "own")))
            return reports.all.map { "\($0.message) \(($0.error as? TestError)?.name ?? "?")" }
        }
        #expect(seen == ["mine own"])
    }

    @Test func errorOfATaskThatNobodyAwaitsIsReportedWhenTheTaskGoesAway() async throws {
        let seen = try await onLoop { loop in
            let reports = Reports(of: loop)
            do {
                let task = loop.createTask(name: "lonely") { throw TestError() }
                for _ in 0..<3 { try await loop.sleep(for: .zero) }
                #expect(task.isDone)
                #expect(reports.all.isEmpty)
            }
            for _ in 0..<3 { try await loop.sleep(for: .zero) }
            return reports.all.map { "\($0.message) \($0.taskName ?? "?")" }
        }
        #expect(seen == ["Task exception was never retrieved lonely"])
    }

    @Test func contextNamesWhatItKnows() {
        var context = ExceptionContext(message: "Something broke", exception: TestError(name: "e"))
        #expect(context.description.split(separator: "\n").first == "Something broke")
        context.taskName = "Task-7"
        context.origin = .init(fileID: "Module/File.swift", line: 12)
        let lines = context.description.split(separator: "\n").map { String($0) }
        #expect(lines.contains("  task: Task-7"))
        #expect(lines.contains("  created at: Module/File.swift:12"))
        #expect(lines.contains { $0.hasPrefix("  exception: ") && $0.contains("e") })
    }

    // MARK: - Without a handler

    @Test func errorGoesToStandardErrorOnce() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await onLoop { loop in
                loop.callSoon { throw TestError(name: "printed") }
                try await loop.sleep(for: .zero)
            }
        }
        let output = standardError(of: result)
        #expect(occurrences(of: "Exception in callback", in: output) == 1)
        #expect(occurrences(of: "printed", in: output) == 1)
    }

    @Test func handlerThatFailsIsReportedWithWhatItWasGiven() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await onLoop { loop in
                loop.exceptionHandler = { _, _ in throw TestError(name: "broken handler") }
                loop.callSoon { throw TestError(name: "first cause") }
                try await loop.sleep(for: .zero)
            }
        }
        let output = standardError(of: result)
        #expect(output.contains("Unhandled error in exception handler"))
        #expect(output.contains("broken handler"))
        #expect(output.contains("first cause"))
    }

    @Test func defaultHandlerCanBeCalledFromACustomOne() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await withLoop { loop in
                loop.exceptionHandler = { loop, context in loop.defaultExceptionHandler(context) }
                loop.callExceptionHandler(ExceptionContext(message: "passed on"))
            }
        }
        let output = standardError(of: result)
        #expect(occurrences(of: "passed on", in: output) == 1)
    }
}
