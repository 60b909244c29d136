// The loop's clock, its instants, and sleeping.

import Testing

@testable import AsyncIO

@Suite struct ClockTests {
    @Test func timeIsMonotonic() async throws {
        let isMonotonic = try await withLoop { loop in
            var last = loop.time()
            for _ in 0..<10_000 {
                let now = loop.time()
                if now < last { return false }
                last = now
            }
            return true
        }
        #expect(isMonotonic)
    }

    @Test func timeGoesOnInsideOfACallback() async throws {
        let goesOn = try await onLoop { loop in
            let future = loop.createFuture(of: Bool.self)
            loop.callSoon {
                let start = loop.time()
                // Ends only if the clock is read fresh and not once per iteration.
                while loop.time() <= start.advanced(by: .milliseconds(2)) {}
                try future.setResult(loop.time() > start)
            }
            return try await future.value
        }
        #expect(goesOn)
    }

    @Test func delayCountsFromTheCallAndNotFromTheBeginningOfTheIteration() async throws {
        let isEarly = try await onLoop { loop in
            let future = loop.createFuture(of: Bool.self)
            loop.callSoon {
                let start = loop.time()
                while loop.time() < start.advanced(by: .milliseconds(5)) {}
                let called = loop.time()
                loop.callLater(after: .milliseconds(3)) {
                    try future.setResult(loop.time() < called.advanced(by: .milliseconds(3)))
                }
            }
            return try await future.value
        }
        #expect(!isEarly)
    }

    @Test func allLoopsShareOneClock() async throws {
        try await withLoop { loop in
            let other = try EventLoop()
            let (first, second, third) = (loop.time(), other.time(), EventLoop.Instant.now)
            #expect(first <= second && second <= third)
            #expect(first.duration(to: third) < .seconds(3600))
            try other.close()
        }
    }

    @Test func instantsAddAndCompareLikeNumbers() {
        let instant = EventLoop.Instant(seconds: 10)
        #expect(instant.seconds == 10)
        #expect(instant.advanced(by: .milliseconds(500)).seconds == 10.5)
        #expect(instant.advanced(by: .seconds(-3)) == EventLoop.Instant(seconds: 7))
        #expect(instant < instant.advanced(by: .nanoseconds(1)))
        #expect(instant.duration(to: EventLoop.Instant(seconds: 12)) == .seconds(2))
        #expect(instant.duration(to: EventLoop.Instant(seconds: 9)) == .seconds(-1))
    }

    @Test func arithmeticOfInstantsSaturates() {
        let last = EventLoop.Instant.distantFuture
        let first = EventLoop.Instant(seconds: -.infinity)
        #expect(last.advanced(by: .seconds(1)) == last)
        #expect(EventLoop.Instant.now.advanced(by: .seconds(Int64.max)) == last)
        #expect(first.advanced(by: .seconds(-1)) == first)
        #expect(EventLoop.Instant(seconds: .infinity) == EventLoop.Instant(seconds: 1e300))
        #expect(first.duration(to: last) > .seconds(9_000_000_000))
        #expect(last.duration(to: first) < .seconds(-9_000_000_000))
    }

    @Test func fractionsOfANanosecondAreRoundedUp() {
        let half = Duration(secondsComponent: 0, attosecondsComponent: 500_000_000)
        #expect(half.clampedNanoseconds == 1)
        #expect(Duration.nanoseconds(7).clampedNanoseconds == 7)
        #expect((Duration.nanoseconds(7) + half).clampedNanoseconds == 8)
        #expect((.zero - half).clampedNanoseconds == 0)
        #expect((.nanoseconds(-1) - half).clampedNanoseconds == -1)
    }

    @Test func durationsBeyondSixtyFourBitsAreClamped() {
        #expect(Duration.seconds(Int64.max).clampedNanoseconds == .max)
        #expect(Duration.seconds(Int64.min).clampedNanoseconds == .min)
        #expect(Duration.seconds(9_223_372_036).clampedNanoseconds == 9_223_372_036_000_000_000)
        #expect(Duration.seconds(9_223_372_037).clampedNanoseconds == .max)
        let half = Duration(secondsComponent: 0, attosecondsComponent: 500_000_000)
        #expect(Duration.nanoseconds(Int64.max).clampedNanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.max) + half).clampedNanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.max) - half).clampedNanoseconds == .max)
        #expect(Duration.nanoseconds(Int64.min).clampedNanoseconds == .min)
    }

    @Test(
        arguments: [1, 18_446_744_072, 18_446_744_073, 18_446_744_074, 36_893_488_147, 9_223_372_018_000_000_000]
            as [Int64])
    func nanosecondsAndBackAreTheSame(nanoseconds: Int64) {
        let duration = Duration.nanoseconds(nanoseconds)
        #expect(duration.clampedNanoseconds == nanoseconds)
        let least = Duration(secondsComponent: 0, attosecondsComponent: 1)
        #expect((duration + least).clampedNanoseconds == nanoseconds + 1)
        #expect((duration - least).clampedNanoseconds == nanoseconds)
        #expect((.zero - duration).clampedNanoseconds == -nanoseconds)
    }

    // MARK: - Sleeping

    @Test(arguments: [Duration.zero, .seconds(-5), .nanoseconds(-1)])
    func sleepOfNothingGivesWayForExactlyOneRound(duration: Duration) async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callSoon {
                trace("1")
                loop.callSoon {
                    trace("2")
                    loop.callSoon { trace("3") }
                }
            }
            try await loop.sleep(for: duration)
            trace("slept")
            try await loop.sleep(for: duration)
            trace("slept")
            return trace.entries
        }
        #expect(entries == ["1", "slept", "2", "slept"])
    }

    @Test func sleepNeverEndsEarly() async throws {
        let shortest = try await onLoop { loop in
            var shortest = Duration.seconds(1)
            for n in 1...20 {
                let start = loop.time()
                try await loop.sleep(for: .microseconds(n * 111))
                shortest = min(shortest, start.duration(to: loop.time()) - .microseconds(n * 111))
            }
            return shortest
        }
        #expect(shortest >= .zero)
    }

    @Test func sleepUntilAPassedDeadlineReturnsAfterOneRound() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callSoon { trace("round") }
            try await loop.sleep(until: loop.time().advanced(by: .seconds(-1)))
            return trace.entries
        }
        #expect(entries == ["round"])
    }

    @Test func sleepersWakeInTheOrderOfTheirDeadlines() async throws {
        let order = try await onLoop { loop in
            var order: [Int] = []
            let base = loop.time()
            let tasks = [4, 1, 3, 2].map { n in
                loop.createTask {
                    // Not `sleep(until:)`, which does not sort what has passed already, on a slow machine all of them.
                    try await loop.suspend(until: base.advanced(by: .milliseconds(n)))
                    order.append(n)
                }
            }
            for task in tasks { try await task.value }
            return order
        }
        #expect(order == [1, 2, 3, 4])
    }

    @Test func cancelEndsASleepAtOnce() async throws {
        try await onLoop { loop in
            let task = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            try await loop.sleep(for: .zero)
            loop.callSoon { task.cancel() }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(task.isCancelled)
        }
    }

    @Test func clockSleepsOnTheRunningLoop() async throws {
        let isEarly = try await onLoop { loop in
            let deadline = loop.clock.now.advanced(by: .milliseconds(2))
            try await loop.clock.sleep(until: deadline)
            return loop.time() < deadline
        }
        #expect(!isEarly)
    }

    @Test func clockCannotSleepWithoutALoop() async {
        await #expect(throws: EventLoopError(.noRunningLoop, "")) {
            try await EventLoop.Clock().sleep(until: .now.advanced(by: .milliseconds(1)))
        }
    }
}
