// Counting requests to cancel: cancel, cancelling and uncancel.

import Testing

@testable import AsyncIO

@Suite struct CancellationCountTests {
    @Test func everyCancelOfAPendingTaskCountsAndReturnsTrue() async throws {
        let (answers, counts) = try await onLoop { loop in
            let task = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            try await loop.rounds(1)
            var answers: [Bool] = []
            var counts = [task.cancelling]
            for _ in 0..<3 {
                answers.append(task.cancel())
                counts.append(task.cancelling)
            }
            _ = await settled(task)
            return (answers, counts)
        }
        #expect(answers == [true, true, true])
        #expect(counts == [0, 1, 2, 3])
    }

    @Test func twoCancelsBeforeTheDeliveryAreOneDelivery() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    trace("delivered")
                }
                try await loop.rounds(3)
                try await loop.sleep(for: .milliseconds(1))
                return loop.currentTask?.cancelling ?? -1
            }
            try await loop.rounds(1)
            task.cancel()
            task.cancel()
            let result = await settled(task)
            return (trace.entries, result)
        }
        #expect(entries == ["delivered"])
        #expect(result == "value 2")
    }

    @Test func twoCancelsOfATaskThatAwaitsAFutureAreOneDelivery() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask {
                do {
                    _ = try await future.value
                } catch {
                    trace("delivered")
                }
                try await loop.rounds(3)
                trace("went on")
            }
            try await loop.rounds(1)
            task.cancel()
            task.cancel()
            try await task.value
            return trace.entries
        }
        #expect(entries == ["delivered", "went on"])
    }

    @Test func twoSelfCancelsAreOneDelivery() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                loop.currentTask?.cancel()
                loop.currentTask?.cancel()
                for n in 0..<3 {
                    do {
                        try await loop.sleep(for: .milliseconds(1))
                        trace("\(n) slept")
                    } catch {
                        trace("\(n) delivered")
                    }
                }
            }
            try await task.value
            return trace.entries
        }
        #expect(entries == ["0 delivered", "1 slept", "2 slept"])
    }

    @Test func catchingTheErrorDoesNotChangeTheCount() async throws {
        let count = try await onLoop { loop in
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {}
                return loop.currentTask?.cancelling
            }
            try await loop.rounds(1)
            task.cancel()
            return try await task.value
        }
        #expect(count == 1)
    }

    @Test func cancelAfterASwallowedOneIsDeliveredAnew() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let isBack = loop.createFuture(of: Void.self)
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    trace("first \(loop.currentTask?.cancelling ?? -1)")
                }
                try isBack.setResult(())
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    trace("second \(loop.currentTask?.cancelling ?? -1)")
                    throw error
                }
            }
            try await loop.rounds(1)
            task.cancel()
            try await isBack.value
            task.cancel()
            let result = await settled(task)
            return (trace.entries, result)
        }
        #expect(entries == ["first 1", "second 2"])
        #expect(result == "cancelled")
    }

    @Test func uncancelTakesBackOneRequestAfterTheOther() async throws {
        let counts = try await onLoop { loop in
            let task = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            try await loop.rounds(1)
            task.cancel()
            task.cancel()
            let counts = [task.uncancel(), task.cancelling, task.uncancel(), task.cancelling]
            _ = await settled(task)
            return counts
        }
        #expect(counts == [1, 1, 0, 0])
    }

    @Test func uncancelNeverCountsBelowZero() async throws {
        let counts = try await onLoop { loop in
            let task = loop.createTask { try await loop.rounds(1) }
            let counts = [task.uncancel(), task.uncancel(), task.cancelling]
            try await task.value
            return counts
        }
        #expect(counts == [0, 0, 0])
    }

    @Test func uncancelDoesNotTakeBackWhatIsOnItsWay() async throws {
        let result = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask {
                do {
                    return try await future.value
                } catch is CancellationError {
                    return -(loop.currentTask?.cancelling ?? 99)
                }
            }
            try await loop.rounds(1)
            // The future is cancelled already: the task gets that, with nothing left to count.
            task.cancel()
            task.uncancel()
            return await settled(task)
        }
        #expect(result == "value 0")
    }

    @Test func uncancelOfSelfTakesBackTheUndeliveredCancellation() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                loop.currentTask?.cancel()
                loop.currentTask?.uncancel()
                try await loop.sleep(for: .zero)
                try await loop.sleep(for: .milliseconds(1))
                return 1
            }
            return await settled(task)
        }
        #expect(result == "value 1")
    }

    @Test func oneUncancelOfTwoLeavesTheCancellationDue() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                loop.currentTask?.cancel()
                loop.currentTask?.cancel()
                loop.currentTask?.uncancel()
                do {
                    try await loop.sleep(for: .zero)
                } catch {
                    return loop.currentTask?.cancelling ?? -1
                }
                return 0
            }
            return await settled(task)
        }
        #expect(result == "value 1")
    }

    @Test func taskThatUncancelsGoesOnAndCanBeCancelledAgain() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let isBack = loop.createFuture(of: Void.self)
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    trace("left \(loop.currentTask?.uncancel() ?? -1)")
                }
                try await loop.rounds(2)
                try isBack.setResult(())
                try await loop.sleep(for: .seconds(3600))
            }
            try await loop.rounds(1)
            task.cancel()
            try await isBack.value
            trace("again \(task.cancel()) \(task.cancelling)")
            let result = await settled(task)
            return (trace.entries, result)
        }
        #expect(entries == ["left 0", "again true 1"])
        #expect(result == "cancelled")
    }

    @Test func uncancelAfterTheEndHasNoEffectOnTheResult() async throws {
        let (result, left) = try await onLoop { loop in
            let task = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            try await loop.rounds(1)
            task.cancel()
            _ = await settled(task)
            let left = task.uncancel()
            return (outcome(of: task), left)
        }
        #expect(result == "cancelled")
        #expect(left == 0)
    }

    @Test func cancellationsInARowAreAllDelivered() async throws {
        let delivered = try await onLoop { loop in
            let task = loop.createTask {
                var delivered = 0
                while delivered < 100 {
                    do {
                        try await loop.sleep(for: .seconds(3600))
                    } catch {
                        delivered += 1
                    }
                }
                return delivered
            }
            while !task.isDone {
                try await loop.rounds(1)
                task.cancel()
            }
            return try task.result()
        }
        #expect(delivered == 100)
    }
}
