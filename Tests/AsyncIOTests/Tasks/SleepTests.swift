// Sleeping: durations, deadlines, and the loop's clock in Swift's terms.

import Testing

@testable import AsyncIO

@Suite struct SleepTests {
    @Test func sleepIsNeverTooShort() async throws {
        let isLongEnough = try await onLoop { loop in
            var isLongEnough = true
            for delay in [Duration.nanoseconds(1), .microseconds(300), .milliseconds(3)] {
                let start = loop.time()
                try await loop.sleep(for: delay)
                isLongEnough = isLongEnough && start.duration(to: loop.time()) >= delay
            }
            return isLongEnough
        }
        #expect(isLongEnough)
    }

    @Test func sleepUntilEndsAtItsDeadline() async throws {
        let isLongEnough = try await onLoop { loop in
            let deadline = loop.time().advanced(by: .milliseconds(3))
            try await loop.sleep(until: deadline)
            return loop.time() >= deadline
        }
        #expect(isLongEnough)
    }

    @Test func sleepersWakeInTheOrderOfTheirDeadlines() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let start = loop.time().advanced(by: .milliseconds(5))
            let tasks = [3, 1, 2].map { n in
                loop.createTask {
                    try await loop.suspend(until: start.advanced(by: .microseconds(n)))
                    trace("\(n)")
                }
            }
            for task in tasks { try await task.value }
            return trace.entries
        }
        #expect(entries == ["1", "2", "3"])
    }

    @Test func sleepersWithOneDeadlineWakeInTheOrderInWhichTheyFellAsleep() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let deadline = loop.time().advanced(by: .milliseconds(5))
            let tasks = (0..<5).map { n in
                loop.createTask {
                    try await loop.suspend(until: deadline)
                    trace("\(n)")
                }
            }
            for task in tasks { try await task.value }
            return trace.entries
        }
        #expect(entries == ["0", "1", "2", "3", "4"])
    }

    @Test func timersOfCancelledSleepsDoNotPileUp() async throws {
        let count = try await onLoop { loop in
            for _ in 0..<10 {
                let tasks = (0..<100).map { _ in loop.createTask { try await loop.sleep(for: .seconds(3600)) } }
                try await loop.rounds(1)
                for task in tasks { task.cancel() }
                for task in tasks { _ = await settled(task) }
            }
            return loop.timers.count
        }
        #expect(count <= 500)
    }

    @Test func clockIsTheLoopsTime() async throws {
        let isBetween = try await onLoop { loop in
            let before = loop.time()
            let now = loop.clock.now
            return before <= now && now <= loop.time()
        }
        #expect(isBetween)
    }

    @Test func clockSleepsUntilItsDeadline() async throws {
        let isLongEnough = try await onLoop { loop in
            let deadline = loop.clock.now.advanced(by: .milliseconds(2))
            try await loop.clock.sleep(until: deadline, tolerance: nil)
            return loop.clock.now >= deadline
        }
        #expect(isLongEnough)
    }

    @Test func swiftsTaskSleepTakesTheClock() async throws {
        let elapsed = try await onLoop { loop in
            try await loop.clock.measure { try await Task.sleep(for: .milliseconds(2), clock: loop.clock) }
        }
        #expect(elapsed >= .milliseconds(2))
    }

    @Test func cancelEndsASleepOfTheClock() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                try await EventLoop.Clock().sleep(until: .now.advanced(by: .seconds(3600)))
            }
            try await loop.rounds(1)
            task.cancel()
            return await settled(task)
        }
        #expect(result == "cancelled")
    }

    @Test func clockWithoutARunningLoopThrows() async throws {
        await #expect(throws: EventLoopError(.noRunningLoop, "")) {
            try await EventLoop.Clock().sleep(until: .now)
        }
    }
}
