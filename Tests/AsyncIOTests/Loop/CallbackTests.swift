// Callbacks of the loop: handles, cancellation, what is kept alive, and fairness.

import Testing

@testable import AsyncIO

@Suite struct CallbackTests {
    @Test func callbackRunsOnce() async throws {
        let count = try await onLoop { loop in
            var count = 0
            loop.callSoon { count += 1 }
            for _ in 0..<10 { try await loop.sleep(for: .zero) }
            return count
        }
        #expect(count == 1)
    }

    @Test func callbackIsNeverCalledFromInsideOfCallSoon() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callSoon { trace("callback") }
            trace("returned")
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(entries == ["returned", "callback"])
    }

    @Test func callSoonOfATaskWakesTheLoop() async throws {
        let result = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            loop.callSoon { try future.setResult(5) }
            return try await future.value
        }
        #expect(result == 5)
    }

    @Test func manyCallbacksAtOnceKeepTheirOrder() async throws {
        let order = try await onLoop { loop in
            var order: [Int] = []
            for n in 0..<5000 { loop.callSoon { order.append(n) } }
            try await loop.sleep(for: .zero)
            return order
        }
        #expect(order == Array(0..<5000))
    }

    // MARK: - Cancellation

    @Test func cancelledCallbackDoesNotRun() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callSoon { trace("a") }
            let handle = loop.callSoon { trace("b") }
            loop.callSoon { trace("c") }
            #expect(!handle.isCancelled)
            handle.cancel()
            #expect(handle.isCancelled)
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(entries == ["a", "c"])
    }

    @Test func callbackCancelsALaterOneOfTheSameRound() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            var victim: Handle?
            loop.callSoon {
                trace("first")
                victim?.cancel()
            }
            victim = loop.callSoon { trace("victim") }
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(entries == ["first"])
    }

    @Test func cancelTwiceIsTheSameAsOnce() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let handle = loop.callSoon { trace("cancelled") }
            handle.cancel()
            handle.cancel()
            loop.callSoon { trace("other") }
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(entries == ["other"])
    }

    @Test func cancelAfterTheCallbackRanTouchesNobodyElse() async throws {
        let count = try await onLoop { loop in
            var count = 0
            let old = loop.callSoon { count += 1 }
            try await loop.sleep(for: .zero)
            #expect(!old.isCancelled)
            // Enough to use the old one's place in the queue again.
            for _ in 0..<1000 { loop.callSoon { count += 1 } }
            old.cancel()
            try await loop.sleep(for: .zero)
            return count
        }
        #expect(count == 1001)
    }

    @Test func callbackMayCancelItself() async throws {
        let ran = try await onLoop { loop in
            var ran = 0
            var handle: Handle?
            handle = loop.callSoon {
                ran += 1
                handle?.cancel()
            }
            try await loop.sleep(for: .zero)
            return ran
        }
        #expect(ran == 1)
    }

    @Test func cancelDropsWhatTheCallbackCaptured() async throws {
        try await onLoop { loop in
            weak var captured: Trace?
            let (soon, later): (Handle, Handle)
            do {
                let trace = Trace()
                captured = trace
                soon = loop.callSoon { trace("soon") }
                later = loop.callLater(after: .seconds(3600)) { trace("later") }
            }
            #expect(captured != nil)
            soon.cancel()
            later.cancel()
            #expect(captured == nil)
        }
    }

    @Test func callbackLetsGoOfWhatItCapturedAfterItRan() async throws {
        try await onLoop { loop in
            weak var captured: Trace?
            let (soon, later): (Handle, Handle)
            do {
                let trace = Trace()
                captured = trace
                soon = loop.callSoon { trace("soon") }
                later = loop.callLater(after: .zero) { trace("later") }
            }
            try await loop.sleep(for: .zero)
            try await loop.sleep(for: .zero)
            #expect(captured == nil)
            #expect(!soon.isCancelled && !later.isCancelled)
        }
    }

    @Test func droppingTheHandleDoesNotCancelTheCallback() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            weak var handle: Handle?
            do {
                let strong = loop.callSoon { trace("ran") }
                handle = strong
            }
            #expect(handle == nil)
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(entries == ["ran"])
    }

    @Test func objectThatIsDroppedByCancelMaySchedule() async throws {
        final class Scheduler {
            let loop: EventLoop
            let trace: Trace
            init(_ loop: EventLoop, _ trace: Trace) { (self.loop, self.trace) = (loop, trace) }
            deinit { loop.callSoon { [trace] in trace("from deinit") } }
        }
        let entries = try await onLoop { loop in
            let trace = Trace()
            let handles: [Handle]
            do {
                let (first, second) = (Scheduler(loop, trace), Scheduler(loop, trace))
                handles = [
                    loop.callSoon { withExtendedLifetime(first) {} },
                    loop.callLater(after: .seconds(3600)) { withExtendedLifetime(second) {} },
                ]
            }
            for handle in handles { handle.cancel() }
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(entries == ["from deinit", "from deinit"])
    }

    // MARK: - Rounds and fairness

    @Test func timerThatIsDueRunsAfterWhatWasReadyBefore() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            loop.callLater(after: .zero) { trace("timer") }
            loop.callSoon { trace("callback") }
            loop.stop()
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["callback", "timer"])
    }

    @Test func timerMadeByATimerRunsInALaterPass() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            loop.callLater(after: .zero) {
                trace("outer")
                loop.callLater(after: .zero) { trace("inner") }
            }
            loop.stop()
            try loop.runForever()
            let afterOnePass = trace.entries
            loop.stop()
            try loop.runForever()
            return [afterOnePass, trace.entries]
        }
        #expect(entries == [["outer"], ["outer", "inner"]])
    }

    @Test func callbackThatReschedulesItselfDoesNotStarveTimers() async throws {
        let spins = try await withLoop { loop in
            var spins = 0
            func spin() {
                spins += 1
                loop.callSoon { spin() }
            }
            spin()
            loop.callLater(after: .milliseconds(2)) { loop.stop() }
            try loop.runForever()
            return spins
        }
        #expect(spins > 1)
    }

    @Test func callbackThatReschedulesItselfDoesNotStarvePosts() async throws {
        try await withLoop { loop in
            func spin() { loop.callSoon { spin() } }
            spin()
            let executor = loop.executor
            loop.callSoon {
                // Posted while the loop is busy, and nothing else will ever make it stop.
                try UVThread { _ = try? executor.callSoonThreadsafe { $0.stop() } }.detach()
            }
            try loop.runForever()
        }
    }

    @Test func tasksAndCallbacksShareOneQueue() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callSoon { trace("1") }
            loop.createTask { trace("2") }
            loop.callSoon { trace("3") }
            loop.createTask { trace("4") }
            for _ in 0..<2 { try await loop.sleep(for: .zero) }
            return trace.entries
        }
        #expect(entries == ["1", "2", "3", "4"])
    }

    @Test func errorOfACallbackDoesNotKeepTheNextFromRunning() async throws {
        let entries = try await onLoop { loop in
            let (trace, reports) = (Trace(), Reports(of: loop))
            loop.callSoon { throw TestError() }
            loop.callSoon { trace("next") }
            try await loop.sleep(for: .zero)
            return trace.entries + reports.messages
        }
        #expect(entries == ["next", "Exception in callback"])
    }
}
