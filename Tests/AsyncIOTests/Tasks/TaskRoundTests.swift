// In which round a task goes on. The numbers are those of CPython 3.13 for the same script.

import Testing

@testable import AsyncIO

@Suite struct TaskRoundTests {
    @Test func firstStepRunsOneRoundAfterCreation() async throws {
        let marks = try await marksOfRounds { loop, counter in
            counter.restart()
            loop.createTask {
                counter.mark("first step")
                try await loop.sleep(for: .zero)
                counter.mark("second step")
            }
            try await loop.rounds(4)
        }
        #expect(marks == ["first step": 1, "second step": 2])
    }

    @Test func taskGoesOnOneRoundAfterSetResult() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let future = loop.createFuture(of: Int.self)
            loop.createTask {
                _ = try await future.value
                counter.mark("task")
            }
            try await loop.rounds(2)
            counter.restart()
            try future.setResult(1)
            try await loop.rounds(4)
        }
        #expect(marks == ["task": 1])
    }

    @Test func everyTaskInAChainCostsOneRound() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let future = loop.createFuture(of: Int.self)
            let inner = loop.createTask {
                _ = try await future.value
                counter.mark("inner")
            }
            let middle = loop.createTask {
                try await inner.value
                counter.mark("middle")
            }
            loop.createTask {
                try await middle.value
                counter.mark("outer")
            }
            try await loop.rounds(2)
            counter.restart()
            try future.setResult(1)
            try await loop.rounds(5)
        }
        #expect(marks == ["inner": 1, "middle": 2, "outer": 3])
    }

    @Test func doneFutureCostsNoRound() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let future = loop.createFuture(of: Int.self)
            try future.setResult(1)
            counter.restart()
            _ = try await future.value
            counter.mark("value")
        }
        #expect(marks == ["value": 0])
    }

    @Test func errorArrivesOneRoundLater() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let future = loop.createFuture(of: Int.self)
            loop.createTask {
                do {
                    _ = try await future.value
                } catch is TestError {
                    counter.mark("error")
                }
            }
            try await loop.rounds(2)
            counter.restart()
            try future.setException(TestError())
            try await loop.rounds(3)
        }
        #expect(marks == ["error": 1])
    }

    @Test func cancellationArrivesOneRoundLater() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let future = loop.createFuture(of: Int.self)
            let waiting = loop.createTask {
                defer { counter.mark("waiting") }
                _ = try await future.value
            }
            let sleeping = loop.createTask {
                defer { counter.mark("sleeping") }
                try await loop.sleep(for: .seconds(3600))
            }
            let yielding = loop.createTask {
                defer { counter.mark("yielding") }
                while true { try await loop.sleep(for: .zero) }
            }
            try await loop.rounds(2)
            counter.restart()
            waiting.cancel()
            sleeping.cancel()
            yielding.cancel()
            try await loop.rounds(3)
        }
        // The one that yields was to go on in the next round anyway.
        #expect(marks == ["waiting": 1, "sleeping": 1, "yielding": 1])
    }

    @Test func cancellationOfTheOutermostTaskUnwindsOneLevelPerRound() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let future = loop.createFuture(of: Int.self)
            let inner = loop.createTask {
                defer { counter.mark("inner") }
                _ = try await future.value
            }
            let outer = loop.createTask {
                defer { counter.mark("outer") }
                try await inner.value
            }
            try await loop.rounds(2)
            counter.restart()
            outer.cancel()
            try await loop.rounds(4)
        }
        #expect(marks == ["inner": 1, "outer": 2])
    }

    @Test func taskThatIsCancelledBeforeItsFirstStepEndsInTheNextRound() async throws {
        let marks = try await marksOfRounds { loop, counter in
            counter.restart()
            let task = loop.createTask { counter.mark("body") }
            task.cancel()
            task.addDoneCallback { _ in counter.mark("callback") }
            #expect(!task.isDone)
            try await loop.rounds(1)
            if task.isDone { counter.mark("done") }
            try await loop.rounds(3)
        }
        #expect(marks == ["done": 1, "callback": 2])
    }

    @Test func zeroSleepGivesWayForExactlyOneRound() async throws {
        let marks = try await marksOfRounds { loop, counter in
            counter.restart()
            try await loop.sleep(for: .zero)
            counter.mark("zero")
            try await loop.sleep(for: .seconds(-1))
            counter.mark("negative")
            try await loop.sleep(until: loop.time())
            counter.mark("past")
        }
        #expect(marks == ["zero": 1, "negative": 2, "past": 3])
    }

    @Test func sleeperGoesOnOneRoundAfterItsTimer() async throws {
        let delay: Int = try await onLoop { loop in
            let counter = RoundCounter(loop)
            try await loop.rounds(1)
            // Both are due at once, so that they share a round.
            let deadline = loop.time().advanced(by: .milliseconds(-1))
            loop.callAt(deadline) { counter.mark("timer") }
            try await loop.suspend(until: deadline)
            counter.mark("sleeper")
            counter.stop()
            return counter.marks["sleeper", default: 0] - counter.marks["timer", default: 0]
        }
        #expect(delay == 1)
    }

    @Test func selfCancellationArrivesOneRoundAfterTheNextSuspension() async throws {
        let marks = try await marksOfRounds { loop, counter in
            let task = loop.createTask {
                counter.restart()
                loop.currentTask?.cancel()
                do {
                    try await loop.sleep(for: .zero)
                } catch {
                    counter.mark("zero sleep")
                }
                loop.currentTask?.cancel()
                do {
                    _ = try await loop.createFuture(of: Int.self).value
                } catch {
                    counter.mark("future")
                }
            }
            try await task.value
        }
        #expect(marks == ["zero sleep": 1, "future": 2])
    }
}
