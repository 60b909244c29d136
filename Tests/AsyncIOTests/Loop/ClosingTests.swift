// Closing a loop: what is dropped, what is unwound, what is refused afterwards.

import Testing

@testable import AsyncIO

@Suite struct ClosingTests {
    @Test func closeIsIdempotent() async throws {
        try await withLoop { loop in
            #expect(!loop.isClosed)
            try loop.close()
            #expect(loop.isClosed)
            try loop.close()
            #expect(loop.isClosed)
        }
    }

    @Test func closeOfARunningLoopIsRefusedAndTheLoopGoesOn() async throws {
        let result = try await onLoop { loop in
            #expect(throws: EventLoopError(.alreadyRunning, "")) { try loop.close() }
            #expect(!loop.isClosed)
            try await loop.sleep(for: .milliseconds(1))
            return "went on"
        }
        #expect(result == "went on")
    }

    @Test func closedLoopRefusesToRun() async throws {
        try await withLoop { loop in
            let future = loop.createFuture(of: Int.self)
            try loop.close()
            #expect(throws: EventLoopError(.closed, "")) { try loop.runForever() }
            #expect(throws: EventLoopError(.closed, "")) { try loop.runUntilComplete { 1 } }
            #expect(throws: EventLoopError(.closed, "")) { try loop.runUntilComplete(future) }
        }
    }

    @Test func closedLoopReportsAndDropsWhatIsScheduled() async throws {
        let (messages, errors) = try await withLoop { loop in
            let reports = Reports(of: loop)
            try loop.close()
            loop.callSoon {}
            loop.callLater(after: .zero) {}
            loop.callAt(loop.time()) {}
            return (reports.messages, reports.all.map { $0.exception as? EventLoopError })
        }
        #expect(messages.map { $0.split(separator: ":").first } == ["callSoon", "callLater", "callAt"])
        #expect(errors == .init(repeating: EventLoopError(.closed, ""), count: 3))
    }

    @Test(arguments: [false, true])
    func handleFromAClosedLoopIsACancelledOne(debug: Bool) async throws {
        try await withLoop(debug: debug) { loop in
            _ = Reports(of: loop)
            loop.exceptionHandler = { _, _ in }
            try loop.close()
            #expect(loop.callSoon {}.isCancelled)
            #expect(loop.callLater(after: .seconds(1)) {}.isCancelled)
            #expect(loop.callAt(loop.time()) {}.isCancelled)
        }
    }

    @Test func taskOnAClosedLoopFailsAtOnceAndLeaksNothing() async throws {
        try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            try loop.close()
            weak var captured: Trace?
            do {
                let trace = Trace()
                captured = trace
                let task = loop.createTask { trace("ran") }
                #expect(task.isDone)
                #expect(throws: EventLoopError(.closed, "")) { try task.result() }
                #expect(trace.entries == [])
            }
            #expect(captured == nil)
        }
    }

    @Test func callbacksThatAreLeftAreDroppedWithWhatTheyCapture() async throws {
        try await withLoop { loop in
            weak var captured: Trace?
            do {
                let trace = Trace()
                captured = trace
                loop.callSoon { trace("ran") }
                loop.callLater(after: .zero) { trace("ran") }
                loop.callLater(after: .seconds(1)) { trace("ran") }
                try loop.executor.callSoonThreadsafe { [transfer = UncheckedTransfer(trace)] _ in transfer.value("ran")
                }
                try loop.close()
                #expect(trace.entries == [])
            }
            #expect(captured == nil)
        }
    }

    @Test func callbacksDroppedAtCloseMayCancelOthers() async throws {
        /// Cancels handles when the callback that holds it is dropped.
        final class Canceller {
            var handles: [Handle] = []
            deinit { for handle in handles { handle.cancel() } }
        }
        try await withLoop { loop in
            for _ in 0..<3 {
                let canceller = Canceller()
                loop.callSoon { withExtendedLifetime(canceller) {} }
                loop.callLater(after: .seconds(1)) { withExtendedLifetime(canceller) {} }
                canceller.handles = [loop.callSoon {}, loop.callLater(after: .seconds(2)) {}]
            }
            try loop.close()
        }
    }

    @Test func timerDroppedAtCloseMayCancelAnotherTimer() async throws {
        final class Canceller {
            let handle: Handle
            init(_ handle: Handle) { self.handle = handle }
            deinit { handle.cancel() }
        }
        try await withLoop { loop in
            let other = loop.callLater(after: .seconds(2)) {}
            do {
                let canceller = Canceller(other)
                loop.callLater(after: .seconds(1)) { withExtendedLifetime(canceller) {} }
            }
            try loop.close()
            #expect(other.isCancelled)
        }
    }

    @Test func timerDroppedAtCloseMayCancelMostOfTheOthers() async {
        // In a process of its own: if this goes wrong, memory is freed twice.
        await #expect(processExitsWith: .success) {
            final class Canceller {
                var handles: [Handle] = []
                deinit { for handle in handles { handle.cancel() } }
            }
            try await withLoop { loop in
                do {
                    let canceller = Canceller()
                    loop.callLater(after: .seconds(1)) { withExtendedLifetime(canceller) {} }
                    // So many that the heap of timers wants to drop the dead ones while it is being emptied.
                    for n in 0..<1000 {
                        let handle = loop.callLater(after: .seconds(2 + n % 50)) {}
                        if n % 4 > 0 { canceller.handles.append(handle) }
                    }
                }
                try loop.close()
            }
        }
    }

    @Test func callbackDroppedAtCloseCannotScheduleAnother() async throws {
        final class Scheduler {
            let loop: EventLoop
            let trace: Trace
            init(_ loop: EventLoop, _ trace: Trace) { (self.loop, self.trace) = (loop, trace) }
            deinit { loop.callSoon { [trace] in trace("ran") } }
        }
        try await withLoop { loop in
            let (trace, reports) = (Trace(), Reports(of: loop))
            do {
                let scheduler = Scheduler(loop, trace)
                loop.callSoon { withExtendedLifetime(scheduler) {} }
            }
            try loop.close()
            #expect(trace.entries == [])
            #expect(reports.all.map { $0.exception as? EventLoopError } == [EventLoopError(.closed, "")])
        }
    }

    @Test func cancellingAHandleAfterCloseDoesNothing() async throws {
        try await withLoop { loop in
            let soon = loop.callSoon {}
            let later = loop.callLater(after: .seconds(1)) {}
            let posted = try loop.executor.callSoonThreadsafe { _ in }
            try loop.close()
            soon.cancel()
            later.cancel()
            posted.cancel()
            #expect(soon.isCancelled && later.isCancelled)
        }
    }

    @Test func postedCallbackThatIsDroppedCountsAsCancelled() async throws {
        try await withLoop { loop in
            let posted = try loop.executor.callSoonThreadsafe { _ in }
            #expect(!posted.isCancelled)
            try loop.close()
            #expect(posted.isCancelled)
        }
    }

    // MARK: - Tasks that are left

    @Test func pendingTaskIsReportedByName() async throws {
        let reports = try await withLoop { loop in
            let reports = Reports(of: loop)
            loop.createTask(name: "forgotten") { try await loop.sleep(for: .seconds(3600)) }
            try loop.runUntilComplete { try await loop.sleep(for: .zero) }
            try loop.close()
            return reports.all.map { "\($0.message) \($0.taskName ?? "nobody")" }
        }
        #expect(reports == ["Task was destroyed but it is pending! forgotten"])
    }

    @Test func pendingTaskIsUnwoundWithItsDeferBlocks() async throws {
        let entries = try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            loop.createTask {
                defer { trace("sleeper") }
                try await loop.sleep(for: .seconds(3600))
            }
            loop.createTask {
                defer { trace("waiter") }
                _ = try await future.value
            }
            try loop.runUntilComplete { for _ in 0..<3 { try await loop.sleep(for: .zero) } }
            #expect(trace.entries == [])
            try loop.close()
            return trace.entries.sorted()
        }
        #expect(entries == ["sleeper", "waiter"])
    }

    @Test func taskThatAwaitsInItsCleanUpEndsAtClose() async throws {
        let entries = try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            let trace = Trace()
            loop.createTask {
                do { try await loop.sleep(for: .seconds(3600)) } catch { trace("first") }
                do { try await loop.sleep(for: .seconds(3600)) } catch { trace("second") }
            }
            try loop.runUntilComplete { for _ in 0..<3 { try await loop.sleep(for: .zero) } }
            try loop.close()
            return trace.entries
        }
        #expect(entries == ["first", "second"])
    }

    @Test func taskThatNeverBeganIsReportedAndDoesNotBegin() async throws {
        try await withLoop { loop in
            let (trace, reports) = (Trace(), Reports(of: loop))
            loop.createTask(name: "unborn") { trace("began") }
            try loop.close()
            #expect(trace.entries == [])
            #expect(reports.all.map(\.taskName) == ["unborn"])
        }
    }

    @Test func closeDuringManyPendingTasksLeavesNothing() async throws {
        let ended = try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            var ended = 0
            for n in 0..<2000 {
                loop.createTask {
                    defer { ended += 1 }
                    try await loop.sleep(for: .seconds(1000 + n % 10))
                }
            }
            try loop.runUntilComplete { for _ in 0..<3 { try await loop.sleep(for: .zero) } }
            try loop.close()
            return ended
        }
        #expect(ended == 2000)
    }

    @Test func loopIsFreedAfterClose() async throws {
        let isFreed = try await onThread {
            weak var watched: EventLoop?
            do {
                let loop = try EventLoop()
                watched = loop
                let handle = loop.callLater(after: .milliseconds(1)) { [unowned loop] in loop.stop() }
                try loop.runForever()
                _ = try loop.runUntilComplete { 1 }
                try loop.close()
                handle.cancel()
            }
            return watched == nil
        }
        #expect(isFreed)
    }

    @Test func loopThatNeverRanCanBeClosed() async throws {
        for _ in 0..<20 { try await withLoop { loop in _ = loop.callSoon {} } }
    }
}
