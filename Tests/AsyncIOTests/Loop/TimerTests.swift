// Timers: deadlines, their order, cancellation, and what the wait of the loop makes of them.

import Testing

@testable import AsyncIO

/// Counts the iterations of a loop.
private final class IterationCounter {
    private let prepare: UVPrepare
    private var count = 0

    init(_ loop: EventLoop) throws {
        prepare = try UVPrepare(on: loop.uv, loopDidIterate)
        // SAFETY: taken away by `stop`.
        prepare.context = Unmanaged.passUnretained(self).toOpaque()
    }

    fileprivate func tick() { count += 1 }

    func stop() -> Int {
        prepare.context = nil
        prepare.close()
        return count
    }
}

private func loopDidIterate(_ context: UnsafeMutableRawPointer) {
    Unmanaged<IterationCounter>.fromOpaque(context).takeUnretainedValue().tick()
}

@Suite struct TimerTests {
    // MARK: - Deadlines

    @Test(arguments: [1, 999, 1_000, 1_001, 250_000, 999_999, 1_000_001, 2_500_000, 7_300_000])
    func timerNeverFiresEarly(nanoseconds: Int) async throws {
        let early = try await onLoop { loop in
            let future = loop.createFuture(of: Duration.self)
            let start = loop.time()
            let handle = loop.callLater(after: .nanoseconds(nanoseconds)) {
                try future.setResult(start.duration(to: loop.time()))
            }
            let elapsed = try await future.value
            return elapsed < .nanoseconds(nanoseconds) || handle.when > loop.time()
        }
        #expect(!early)
    }

    @Test func timersNeverFireEarlyWhileTheLoopIsBusy() async throws {
        let early = try await withLoop { loop in
            var early = 0
            var left = 300
            func spin() { if left > 0 { loop.callSoon { spin() } } }
            for n in 0..<300 {
                let deadline = loop.time().advanced(by: .nanoseconds(n * 37_777))
                loop.callAt(deadline) {
                    if loop.time() < deadline { early += 1 }
                    left -= 1
                    if left == 0 { loop.stop() }
                }
            }
            spin()
            try loop.runForever()
            return early
        }
        #expect(early == 0)
    }

    @Test func timerFiresOnce() async throws {
        let count = try await onLoop { loop in
            var count = 0
            loop.callLater(after: .milliseconds(1)) { count += 1 }
            try await loop.sleep(for: .milliseconds(5))
            return count
        }
        #expect(count == 1)
    }

    @Test func whenIsTheTimeOfTheCallPlusTheDelay() async throws {
        try await withLoop { loop in
            let before = loop.time()
            let handle = loop.callLater(after: .nanoseconds(1_234_567)) {}
            let after = loop.time()
            #expect(handle.when >= before.advanced(by: .nanoseconds(1_234_567)))
            #expect(handle.when <= after.advanced(by: .nanoseconds(1_234_567)))
        }
    }

    @Test func whenIsExactlyWhatCallAtGotAndStaysReadable() async throws {
        try await onLoop { loop in
            let deadline = loop.time().advanced(by: .nanoseconds(333_333))
            let run = loop.callAt(deadline) {}
            let cancelled = loop.callAt(deadline) {}
            cancelled.cancel()
            #expect(run.when == deadline)
            try await reach(deadline, on: loop)
            #expect(run.when == deadline)
            #expect(cancelled.when == deadline)
        }
    }

    @Test(arguments: [Duration.seconds(10_000_000_000), .seconds(Int64.max), .milliseconds(1 << 62)])
    func hugeDelaysNeitherOverflowNorFire(delay: Duration) async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let handle = loop.callLater(after: delay) { trace("huge") }
            #expect(handle.when > loop.time().advanced(by: .seconds(1_000_000_000)))
            loop.callLater(after: .milliseconds(2)) { trace("small") }
            try await loop.sleep(for: .milliseconds(4))
            handle.cancel()
            return trace.entries
        }
        #expect(entries == ["small"])
    }

    @Test func timerThatNeverComesDoesNotFire() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callAt(.distantFuture) { trace("fired") }
            try await loop.sleep(for: .milliseconds(2))
            return trace.entries
        }
        #expect(entries == [])
    }

    // MARK: - Order

    @Test func timersFireInTheOrderOfTheirDeadlines() async throws {
        let order = try await onLoop { loop in
            var order: [Int] = []
            let base = loop.time()
            for n in [5, 1, 4, 2, 3] {
                loop.callAt(base.advanced(by: .microseconds(n * 400))) { order.append(n) }
            }
            try await reach(base.advanced(by: .milliseconds(3)), on: loop)
            return order
        }
        #expect(order == [1, 2, 3, 4, 5])
    }

    @Test func equalDeadlinesFireInTheOrderOfCreation() async throws {
        let order = try await onLoop { loop in
            var order: [Int] = []
            let deadline = loop.time().advanced(by: .milliseconds(1))
            for n in 0..<200 { loop.callAt(deadline) { order.append(n) } }
            try await reach(deadline, on: loop)
            return order
        }
        #expect(order == Array(0..<200))
    }

    @Test func negativeAndZeroDelaysRunInTheNextRoundInTheOrderOfTheirDeadlines() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            loop.callLater(after: .zero) { trace("0") }
            loop.callLater(after: .seconds(-3600)) { trace("-1 h") }
            loop.callLater(after: .seconds(-7200)) { trace("-2 h") }
            loop.callLater(after: .seconds(Int64.min)) { trace("min") }
            loop.stop()
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["min", "-2 h", "-1 h", "0"])
    }

    @Test func deadlineThatHasPassedRunsInTheNextRound() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            loop.callAt(loop.time().advanced(by: .seconds(-5))) { trace("late") }
            loop.callAt(loop.time()) { trace("now") }
            loop.stop()
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["late", "now"])
    }

    @Test func randomTimersFireInOrderOfDeadlineThenCreation() async throws {
        let agrees = try await onLoop { loop in
            var random = SplitMix(seed: 99)
            var fired: [Int] = []
            var all: [(when: EventLoop.Instant, number: Int)] = []
            let base = loop.time()
            for number in 0..<2000 {
                let when = base.advanced(by: .microseconds(Int.random(in: -5...30, using: &random) * 100))
                let handle = loop.callAt(when) { fired.append(number) }
                if Int.random(in: 0..<4, using: &random) == 0 { handle.cancel() } else { all.append((when, number)) }
            }
            try await reach(base.advanced(by: .milliseconds(4)), on: loop)
            return fired == all.sorted { ($0.when, $0.number) < ($1.when, $1.number) }.map(\.number)
        }
        #expect(agrees)
    }

    // MARK: - Cancellation

    @Test func cancelledTimerNeverFires() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let handle = loop.callLater(after: .milliseconds(1)) { trace("cancelled") }
            loop.callLater(after: .milliseconds(2)) { trace("other") }
            #expect(!handle.isCancelled)
            handle.cancel()
            #expect(handle.isCancelled)
            try await loop.sleep(for: .milliseconds(4))
            return trace.entries
        }
        #expect(entries == ["other"])
    }

    @Test func timerCancelsAnotherThatIsDueInTheSameRound() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            var victim: TimerHandle?
            let deadline = loop.time()
            loop.callAt(deadline) {
                trace("first")
                victim?.cancel()
            }
            victim = loop.callAt(deadline) { trace("victim") }
            for _ in 0..<2 {
                loop.stop()
                try loop.runForever()
            }
            return trace.entries
        }
        #expect(entries == ["first"])
    }

    @Test func cancelAfterTheTimerRanDoesNothing() async throws {
        try await onLoop { loop in
            var count = 0
            let handle = loop.callLater(after: .zero) { count += 1 }
            try await loop.sleep(for: .milliseconds(1))
            #expect(count == 1)
            #expect(!handle.isCancelled)
            handle.cancel()
            handle.cancel()
            #expect(loop.timers.deadCount == 0)
        }
    }

    @Test func manyCancelledTimersArePurged() async throws {
        try await withLoop { loop in
            let handles = (0..<1000).map { loop.callLater(after: .seconds(3600 + $0)) {} }
            for handle in handles.prefix(900) { handle.cancel() }
            #expect(loop.timers.count - loop.timers.deadCount == 100)
            #expect(loop.timers.count <= 201)
        }
    }

    @Test func fewCancelledTimersMayStayButCountAsDead() async throws {
        try await withLoop { loop in
            let handles = (0..<100).map { loop.callLater(after: .seconds(3600 + $0)) {} }
            for handle in handles.suffix(99) { handle.cancel() }
            #expect(loop.timers.count - loop.timers.deadCount == 1)
        }
    }

    @Test func cancelledTimersAtTheHeadAreDroppedBeforeTheLoopWaits() async throws {
        try await withLoop { loop in
            for n in 0..<50 { loop.callLater(after: .seconds(n)) {}.cancel() }
            loop.callLater(after: .milliseconds(1)) { loop.stop() }
            try loop.runForever()
            // Those that come after the live one may have stayed; those before it have not.
            #expect(loop.timers.count - loop.timers.deadCount == 0)
            #expect(loop.timers.count < 50)
        }
    }

    @Test func cancelledSleepLeavesNoTimer() async throws {
        try await onLoop { loop in
            let task = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            try await loop.sleep(for: .zero)
            #expect(loop.timers.count == 1)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(loop.timers.count - loop.timers.deadCount == 0)
        }
    }

    // MARK: - Waiting

    @Test func tinyTimersDoNotMakeTheLoopSpin() async throws {
        let iterations = try await onLoop { loop in
            let counter = try IterationCounter(loop)
            for delay in [100, 1, 300, 10, 999, 50, 1, 700, 20, 100] { try await loop.sleep(for: .microseconds(delay)) }
            return counter.stop()
        }
        // A wait that is rounded down to zero milliseconds makes hundreds of them.
        #expect(iterations <= 60)
    }

    @Test func loopSleepsUntilTheEarliestTimer() async throws {
        let iterations = try await onLoop { loop in
            let counter = try IterationCounter(loop)
            loop.callLater(after: .seconds(3600)) {}
            try await loop.sleep(for: .milliseconds(30))
            return counter.stop()
        }
        #expect(iterations <= 8)
    }

    @Test func earlierTimerCutsAWaitShort() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            loop.callLater(after: .seconds(3600)) { trace("hour") }
            loop.callLater(after: .milliseconds(1)) {
                // The wait for the hour was never begun; now one for ten milliseconds takes its place.
                let base = loop.time()
                loop.callAt(base.advanced(by: .milliseconds(10))) {
                    trace("ten")
                    loop.stop()
                }
                loop.callAt(base.advanced(by: .milliseconds(1))) { trace("one") }
            }
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["one", "ten"])
    }

    @Test func timersSurviveFromOneRunToTheNext() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            // From inside the run that is being stopped: the timer cannot come due in it, however slow the machine is.
            loop.callSoon {
                loop.callLater(after: .milliseconds(3)) {
                    trace("timer")
                    loop.stop()
                }
                loop.stop()
            }
            try loop.runForever()
            trace("first run ended")
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["first run ended", "timer"])
    }
}

/// Returns after every timer whose deadline is `deadline` or earlier, also if that has passed already.
private func reach(_ deadline: EventLoop.Instant, on loop: EventLoop) async throws {
    let future = loop.createFuture(of: Void.self)
    loop.callAt(deadline) { try future.setResult(()) }
    try await future.value
}
