// The life of a loop: running, stopping, running again, closing, and what a closed loop refuses.

import Testing

@testable import AsyncIO

@Suite struct LifeCycleTests {
    // MARK: - Running

    @Test func resultOfAnOperationIsReturned() async throws {
        let result = try await withLoop { loop in
            let result = try loop.runUntilComplete {
                try await loop.sleep(for: .milliseconds(1))
                return 42
            }
            #expect(!loop.isRunning)
            return result
        }
        #expect(result == 42)
    }

    @Test func errorOfAnOperationComesOutUnchanged() async throws {
        try await withLoop { loop in
            #expect(throws: TestError(name: "mine")) {
                try loop.runUntilComplete { throw TestError(name: "mine") }
            }
            #expect(!loop.isRunning)
        }
    }

    @Test func futureThatIsDoneIsReturnedAtOnce() async throws {
        try await withLoop { loop in
            let future = loop.createFuture(of: String.self)
            try future.setResult("done")
            try #expect(loop.runUntilComplete(future) == "done")
        }
    }

    @Test func futureOfAnotherLoopIsRefused() async throws {
        try await withLoop { loop in
            let other = try EventLoop()
            let future = other.createFuture(of: Int.self)
            try future.setResult(1)
            #expect(throws: EventLoopError(.foreignLoop, "")) { try loop.runUntilComplete(future) }
            try other.close()
        }
    }

    @Test func loopIsRunningOnlyWhileItRuns() async throws {
        try await withLoop { loop in
            #expect(!loop.isRunning)
            var seen: Bool?
            loop.callSoon {
                seen = loop.isRunning
                loop.stop()
            }
            try loop.runForever()
            #expect(seen == true)
            #expect(!loop.isRunning)
        }
    }

    @Test func runningLoopRefusesToRunAgainAndGoesOn() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            loop.callSoon {
                #expect(throws: EventLoopError(.alreadyRunning, "")) { try loop.runForever() }
                #expect(throws: EventLoopError(.alreadyRunning, "")) { try loop.runUntilComplete { 1 } }
                trace("refused")
                loop.callSoon {
                    trace("still running: \(loop.isRunning)")
                    loop.stop()
                }
            }
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["refused", "still running: true"])
    }

    @Test func refusedOperationIsNeverStarted() async throws {
        try await withLoop { loop in
            let trace = Trace()
            try loop.runUntilComplete {
                #expect(throws: EventLoopError.self) { try loop.runUntilComplete { trace("started") } }
                for _ in 0..<5 { try await loop.sleep(for: .zero) }
            }
            #expect(trace.entries == [])
        }
    }

    @Test func secondLoopCannotRunOnTheSameThread() async throws {
        try await withLoop { loop in
            let other = try EventLoop()
            loop.callSoon {
                #expect(throws: EventLoopError(.alreadyRunning, "")) { try other.runForever() }
                #expect(!other.isRunning)
                loop.stop()
            }
            try loop.runForever()
            // Nothing of the refusal sticks.
            try #expect(other.runUntilComplete { 7 } == 7)
            try other.close()
        }
    }

    @Test func loopRunsOnOneThreadAfterAnother() async throws {
        let loop = UncheckedTransfer(try EventLoop())  // SAFETY: one thread at a time, each awaited.
        for n in 0..<3 {
            let result = try await onThread { try loop.value.runUntilComplete { n } }
            #expect(result == n)
        }
        try loop.value.close()
        expectNothingLeft(of: loop.value)
    }

    // MARK: - Stopping

    @Test func stopLetsWhatIsReadyRun() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            loop.callSoon {
                trace("stop")
                loop.stop()
            }
            loop.callSoon { trace("after") }
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["stop", "after"])
    }

    @Test func stopIsIdempotent() async throws {
        let passes = try await withLoop { loop in
            let trace = Trace()
            func again() {
                trace("pass")
                loop.callSoon { again() }
            }
            again()
            loop.stop()
            loop.stop()
            try loop.runForever()
            loop.stop()
            try loop.runForever()
            return trace.entries.count
        }
        #expect(passes == 3)
    }

    @Test func stopBeforeTheResultIsAnError() async throws {
        try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            loop.callSoon { loop.stop() }
            #expect(throws: EventLoopError(.stoppedBeforeCompletion, "")) { try loop.runUntilComplete(future) }
            #expect(!loop.isRunning)
            loop.callSoon { try future.setResult(3) }
            try #expect(loop.runUntilComplete(future) == 3)
        }
    }

    @Test func futureOfABrokenRunDoesNotStopTheNextRun() async throws {
        try await withLoop { loop in
            let first = loop.createFuture(of: Int.self)
            loop.callSoon { loop.stop() }
            #expect(throws: EventLoopError.self) { try loop.runUntilComplete(first) }
            let second = loop.createFuture(of: Int.self)
            loop.callSoon {
                try first.setResult(1)
                loop.callLater(after: .milliseconds(1)) { try second.setResult(2) }
            }
            try #expect(loop.runUntilComplete(second) == 2)
        }
    }

    @Test func stopFromATaskBreaksTheRunThatAnotherTaskIsAwaitedIn() async throws {
        try await withLoop { loop in
            let waiting = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            loop.createTask { loop.stop() }
            #expect(throws: EventLoopError(.stoppedBeforeCompletion, "")) { try loop.runUntilComplete(waiting) }
            waiting.cancel()
            #expect(throws: CancellationError.self) { try loop.runUntilComplete(waiting) }
        }
    }

    @Test func loopRunsAgainAfterEachStop() async throws {
        let count = try await withLoop { loop in
            var count = 0
            for _ in 0..<100 {
                loop.callSoon {
                    count += 1
                    loop.stop()
                }
                try loop.runForever()
            }
            return count
        }
        #expect(count == 100)
    }

    // MARK: - Interruption

    @Test func interruptOfATaskLeavesTheRunAndTheNextRunIsNotCutShort() async throws {
        try await withLoop { loop in
            #expect(throws: KeyboardInterrupt.self) { try loop.runUntilComplete { throw KeyboardInterrupt() } }
            #expect(!loop.isRunning)
            // A stop that was left over would end this one too early.
            let result = try loop.runUntilComplete {
                try await loop.sleep(for: .milliseconds(1))
                return "whole"
            }
            #expect(result == "whole")
        }
    }

    @Test func interruptOfACallbackLeavesTheRunAndKeepsTheRestOfTheQueue() async throws {
        try await withLoop { loop in
            let trace = Trace()
            loop.callSoon { throw KeyboardInterrupt() }
            loop.callSoon { trace("rest") }
            #expect(throws: KeyboardInterrupt.self) { try loop.runForever() }
            #expect(trace.entries == [])
            #expect(!loop.isRunning)
            loop.stop()
            try loop.runForever()
            #expect(trace.entries == ["rest"])
        }
    }

    @Test func interruptOfATimerLeavesTheRun() async throws {
        try await withLoop { loop in
            loop.callLater(after: .milliseconds(1)) { throw KeyboardInterrupt() }
            #expect(throws: KeyboardInterrupt.self) { try loop.runForever() }
            try #expect(loop.runUntilComplete { 1 } == 1)
        }
    }

    // MARK: - Which loop

    @Test func noLoopRunsOnAFreshThread() async throws {
        try await onThread {
            #expect(throws: EventLoopError(.noRunningLoop, "")) { try EventLoop.running }
            #expect(throws: EventLoopError(.noCurrentLoop, "")) { try EventLoop.current }
        }
    }

    @Test func newLoopIsDistinctAndNotCurrent() async throws {
        try await withLoop { loop in
            let other = try EventLoop()
            #expect(other !== loop)
            #expect(!other.isRunning && !other.isClosed)
            #expect(throws: EventLoopError(.noCurrentLoop, "")) { try EventLoop.current }
            try other.close()
        }
    }

    @Test func runningLoopIsFoundInCallbacksAndTasksButNotOutside() async throws {
        try await withLoop { loop in
            var found: [Bool] = []
            loop.callSoon { found.append(try EventLoop.running === loop) }
            try loop.runUntilComplete {
                found.append(try EventLoop.running === loop)
                try await loop.sleep(for: .milliseconds(1))
                found.append(try EventLoop.running === loop)
            }
            #expect(found == [true, true, true])
            #expect(throws: EventLoopError(.noRunningLoop, "")) { try EventLoop.running }
        }
    }

    @Test func runningLoopComesBeforeTheOneThatWasSet() async throws {
        try await withLoop { loop in
            let other = try EventLoop()
            EventLoop.setCurrent(other)
            try #expect(EventLoop.current === other)
            #expect(throws: EventLoopError(.noRunningLoop, "")) { try EventLoop.running }
            let found = try loop.runUntilComplete { try EventLoop.current === loop }
            #expect(found)
            try #expect(EventLoop.current === other)
            EventLoop.setCurrent(nil)
            #expect(throws: EventLoopError(.noCurrentLoop, "")) { try EventLoop.current }
            try other.close()
        }
    }

    @Test func loopThatWasSetIsSetForItsThreadOnly() async throws {
        try await withLoop { loop in
            EventLoop.setCurrent(loop)
            let thread = try UVThread {
                #expect(throws: EventLoopError(.noCurrentLoop, "")) { try EventLoop.current }
            }
            thread.join()
            try #expect(EventLoop.current === loop)
            EventLoop.setCurrent(nil)
        }
    }

    @Test func threadLetsGoOfTheLoopThatWasSetWhenItEnds() async throws {
        // SAFETY: the thread is joined before the test looks.
        final class Watch: @unchecked Sendable { weak var loop: EventLoop? }
        let watch = Watch()
        try UVThread {
            guard let loop = try? EventLoop() else { return }
            watch.loop = loop
            EventLoop.setCurrent(loop)
            try? loop.close()
        }.join()
        #expect(watch.loop == nil)
    }

    @Test func versionOfLibuvIsTheOneAtRunTime() {
        let parts = EventLoop.libuvVersion.split(separator: ".").compactMap { Int($0) }
        #expect(parts.count == 3)
        #expect(parts.first == 1)
    }
}
