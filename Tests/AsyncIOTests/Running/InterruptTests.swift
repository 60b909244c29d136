// What Ctrl-C does to a run. It is a run's only on the main thread, which a test gets in a copy of its process.

import Glibc
import Testing

@testable import AsyncIO

/// Runs `body` on the main thread of a copy of this process, and expects that it finds nothing to complain of. Swift leaves no
/// main thread to tests, but whoever forks is the copy's. To be used in a process of the test's own, where nobody else does
/// anything meanwhile.
private func onMainThreadOfACopy(
    sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: () throws -> String?
) {
    // SAFETY: that is what `fork` looks like in C.
    let fork = unsafeBitCast(dlsym(nil, "fork"), to: (@convention(c) () -> Int32).self)
    let copy = fork()
    if copy == 0 {
        // A copy that hangs is ended.
        alarm(60)
        let complaint: String?
        do { complaint = System.isMainThread ? try body() : "not on the main thread" } catch { complaint = "\(error)" }
        if let complaint { StandardError.print(complaint) }
        _exit(complaint == nil ? 0 : 1)
    }
    var status: Int32 = -1
    waitpid(copy, &status, 0)
    #expect(status == 0, sourceLocation: sourceLocation)
}

/// The error that `body` throws, in words.
private func outcome<Value>(_ body: () throws -> Value) -> String {
    do { return "value \(try body())" } catch { return error is IOError ? "\(error)" : "\(type(of: error))" }
}

private func expected(_ wanted: String, _ found: String) -> String? {
    found == wanted ? nil : "\(found) instead of \(wanted)"
}

@Suite struct InterruptTests {
    @Test func interruptCancelsTheOperationAndIsThrown() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                let trace = UncheckedTransfer(Trace())  // SAFETY: all of it happens on this thread.
                let found = outcome {
                    try AsyncIO.run { loop in
                        deliver(SIGINT)
                        do { try await loop.sleep(for: .seconds(3600)) } catch {
                            try await loop.rounds(3)
                            trace.value("clean")
                            throw error
                        }
                    }
                }
                guard UVSignal.hasDefaultAction(SIGINT) else { return "SIGINT is still watched" }
                return expected("KeyboardInterrupt clean", found + " " + trace.value.entries.joined())
            }
        }
    }

    @Test func handlerOfALoopThatWasDroppedIsNone() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                do {
                    let dropped = try EventLoop()
                    try dropped.addSignalHandler(.interrupt) {}
                }
                let found = outcome {
                    try AsyncIO.run { loop in
                        deliver(SIGINT)
                        try await loop.sleep(for: .seconds(3600))
                    }
                }
                return expected("KeyboardInterrupt", found)
            }
        }
    }

    @Test func interruptWhileARunCleansUpIsThrown() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                let trace = UncheckedTransfer(Trace())  // SAFETY: all of it happens on this thread.
                let found = outcome {
                    try AsyncIO.run { loop in
                        loop.createTask {
                            do { try await loop.sleep(for: .seconds(3600)) } catch {
                                deliver(SIGINT)
                                do { try await loop.sleep(for: .seconds(3600)) } catch { trace.value("clean") }
                            }
                        }
                        try await loop.rounds(2)
                    }
                }
                guard UVSignal.hasDefaultAction(SIGINT) else { return "SIGINT is still watched" }
                return expected("KeyboardInterrupt clean", found + " " + trace.value.entries.joined())
            }
        }
    }

    @Test func interruptWhileTheRestIsCleanedUpIsThrown() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                let found = outcome {
                    try AsyncIO.run { loop in
                        let generator = AsyncGenerator<Int>(loop) { yield in
                            do { try await yield(1) } catch {
                                deliver(SIGINT)
                                try await loop.sleep(for: .seconds(3600))
                            }
                        }
                        _ = try await generator.next()
                        loop.createTask {
                            defer { withExtendedLifetime(generator) {} }
                            try await loop.sleep(for: .seconds(3600))
                        }
                    }
                }
                return expected("KeyboardInterrupt", found)
            }
        }
    }

    @Test func secondInterruptWhileARunCleansUpEndsThat() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                let found = outcome {
                    try AsyncIO.run { loop in
                        loop.exceptionHandler = { _, _ in }
                        loop.createTask {
                            for _ in 0..<2 {
                                do { try await loop.sleep(for: .seconds(3600)) } catch { deliver(SIGINT) }
                            }
                            // It is unwound with the loop.
                            try await loop.sleep(for: .seconds(3600))
                        }
                        try await loop.rounds(2)
                    }
                }
                return expected("KeyboardInterrupt", found)
            }
        }
    }

    @Test func errorOfTheOperationIsThrownAlthoughAnInterruptComesLater() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                let found = outcome {
                    try AsyncIO.run { loop in
                        loop.createTask {
                            do { try await loop.sleep(for: .seconds(3600)) } catch {
                                deliver(SIGINT)
                                try await loop.sleep(for: .seconds(3600))
                            }
                        }
                        try await loop.rounds(2)
                        throw TestError(name: "main")
                    }
                }
                return expected("TestError", found)
            }
        }
    }

    @Test func handlerInsideOfARunReplacesItsOwn() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                let found = outcome {
                    try AsyncIO.run { loop in
                        let trace = Trace()
                        try loop.addSignalHandler(.interrupt) { trace("interrupt") }
                        try loop.addSignalHandler(.hangUp) { trace("hangUp") }
                        deliver(SIGINT)
                        deliver(SIGHUP)
                        try await loop.untilTrue { trace.entries.count == 2 }
                        try await loop.polls()
                        loop.removeSignalHandler(.interrupt)
                        return trace.entries.sorted().joined(separator: " ")
                    }
                }
                return expected("value hangUp interrupt", found)
            }
        }
    }

    @Test func runHasItsOwnAgainAfterAHandlerIsRemoved() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                let found = outcome {
                    try AsyncIO.run { loop in
                        try loop.addSignalHandler(.interrupt) {}
                        try loop.addSignalHandler(.interrupt) {}
                        loop.removeSignalHandler(.interrupt)
                        do {
                            let signals = loop.signals(.interrupt)
                            withExtendedLifetime(signals) {}
                        }
                        try await loop.withGracefulShutdown {}
                        deliver(SIGINT)
                        try await loop.sleep(for: .seconds(3600))
                    }
                }
                guard UVSignal.hasDefaultAction(SIGINT) else { return "SIGINT is still watched" }
                return expected("KeyboardInterrupt", found)
            }
        }
    }

    /// A sanitizer does not let a copy have threads.
    @Test(.enabled(if: !isBuiltWithSanitizer)) func handlerOfAnotherLoopReplacesItToo() async {
        await #expect(processExitsWith: .success) {
            onMainThreadOfACopy {
                let calls = SharedCounter()
                let found = outcome {
                    try AsyncIO.run { loop in
                        try await EventLoopGroup.with(count: 1) { group in
                            try await group.next().run { other in
                                try other.addSignalHandler(.interrupt) { calls.increment() }
                                deliver(SIGINT)
                                try await other.untilTrue { calls.value == 1 }
                                other.removeSignalHandler(.interrupt)
                                // By a sequence, too, and by a loop that is closed with its handler.
                                let signals = other.signals(.interrupt)
                                deliver(SIGINT)
                                for await _ in signals { break }
                                try other.addSignalHandler(.interrupt) { calls.increment() }
                                deliver(SIGINT)
                                try await other.untilTrue { calls.value == 2 }
                            }
                            // This loop has heard of them as well by now.
                            try await loop.polls()
                        }
                        calls.increment()
                        deliver(SIGINT)
                        try await loop.sleep(for: .seconds(3600))
                    }
                }
                return expected("KeyboardInterrupt 3", found + " \(calls.value)")
            }
        }
    }
}
