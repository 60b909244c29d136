// Conditions: who is notified, and that the lock is in hand whenever a wait ends.

import Testing

@testable import AsyncIO

@Suite struct ConditionTests {
    /// Tasks that wait for a condition, once each.
    private static func waiters(_ names: [String], of condition: Condition, _ trace: Trace) -> [LoopTask<Void>] {
        names.map { name in
            condition.loop.noting(name, in: trace) {
                try await condition.withLock {
                    try await condition.wait()
                    if !condition.isLocked { trace("no lock") }
                }
            }
        }
    }

    @Test func notifyWakesAsManyAsItSaysInOrder() async throws {
        let entries = try await onLoop { loop in
            let (condition, trace) = (Condition(loop), Trace())
            let tasks = Self.waiters(["a", "b", "c", "d"], of: condition, trace)
            try await loop.rounds(2)
            for count in [1, 2, 0, 7] {
                try await condition.withLock { condition.notify(count) }
                try await loop.rounds(6)
                trace("|")
            }
            _ = try await loop.gather(tasks)
            return trace.entries
        }
        #expect(entries == ["a", "|", "b", "c", "|", "|", "d", "|"])
    }

    @Test func notifyTwiceInOneStepWakesTwo() async throws {
        let entries = try await onLoop { loop in
            let (condition, trace) = (Condition(loop), Trace())
            let tasks = Self.waiters(["a", "b", "c"], of: condition, trace)
            try await loop.rounds(2)
            try await condition.withLock {
                condition.notify()
                condition.notify()
            }
            try await loop.rounds(6)
            trace("|")
            try await condition.withLock { condition.notifyAll() }
            _ = try await loop.gather(tasks)
            return trace.entries
        }
        #expect(entries == ["a", "b", "|", "c"])
    }

    @Test func notifiedTasksGoOnOneAfterTheOther() async throws {
        let (most, ended) = try await onLoop { loop in
            let (condition, inside, most) = (Condition(loop), Variable(0), Variable(0))
            let tasks = (0..<10).map { _ in
                loop.createTask {
                    try await condition.withLock {
                        try await condition.wait()
                        inside.value! += 1
                        most.value = max(most.value!, inside.value!)
                        try await loop.rounds(2)
                        inside.value! -= 1
                    }
                }
            }
            try await loop.rounds(2)
            try await condition.withLock { condition.notifyAll() }
            _ = try await loop.gather(tasks)
            return (most.value!, tasks.filter(\.isDone).count)
        }
        #expect((most, ended) == (1, 10))
    }

    @Test func waitForAPredicateAsksItWithTheLockInHand() async throws {
        let asked = try await onLoop { loop in
            let (condition, state, asked) = (Condition(loop), Variable(0), Variable<[Int]>([]))
            let task = loop.createTask {
                try await condition.withLock {
                    try await condition.wait(for: {
                        asked.value!.append(condition.isLocked ? state.value! : -1)
                        return state.value! >= 3
                    })
                }
            }
            try await loop.rounds(1)
            while !task.isDone {
                try await condition.withLock {
                    state.value! += 1
                    condition.notify()
                }
                try await loop.rounds(3)
            }
            return asked.value!
        }
        #expect(asked == [0, 1, 2, 3])
    }

    @Test func predicateThatIsTrueIsNotWaitedFor() async throws {
        let entries = try await onLoop { loop in
            let (condition, trace) = (Condition(loop), Trace())
            loop.callSoon { trace("callback") }
            try await condition.withLock { try await condition.wait(for: { true }) }
            trace("went on")
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["went on", "callback"])
    }

    @Test func errorOfThePredicateComesOut() async throws {
        let (result, isLocked) = try await onLoop { loop in
            let condition = Condition(loop)
            let task = loop.createTask {
                try await condition.withLock { try await condition.wait(for: { throw TestError(name: "asked") }) }
            }
            return (await settled(task), condition.isLocked)
        }
        #expect(result == "error \(TestError(name: "asked"))")
        #expect(!isLocked)
    }

    // MARK: - Cancellation

    @Test func cancelledWaitHoldsTheLockAgainWhenItThrows() async throws {
        let (result, held) = try await onLoop { loop in
            let (condition, held) = (Condition(loop), Variable<Bool>())
            let task = loop.createTask {
                try await condition.acquire()
                defer {
                    held.value = condition.isLocked
                    condition.release()
                }
                try await condition.wait()
            }
            try await loop.rounds(2)
            task.cancel()
            return (await settled(task), held.value)
        }
        #expect(result == "cancelled")
        #expect(held == true)
    }

    @Test func cancelledWaitIsNotOverWhileSomebodyElseHasTheLock() async throws {
        let (before, after) = try await onLoop { loop in
            let (condition, trace) = (Condition(loop), Trace())
            let task = Self.waiters(["waiter"], of: condition, trace)[0]
            try await loop.rounds(2)
            try await condition.acquire()
            task.cancel()
            try await loop.rounds(5)
            let before = trace.entries
            // The lock is being waited for: more requests do not change that.
            task.cancel()
            task.cancel()
            try await loop.rounds(5)
            let between = trace.entries
            condition.release()
            _ = await settled(task)
            return (before + between, trace.entries + ["\(task.cancelling) \(condition.isLocked)"])
        }
        #expect(before == [])
        #expect(after == ["waiter cancelled", "3 false"])
    }

    @Test func cancellationWhileTheLockIsTakenAgainIsDeliveredWithTheLock() async throws {
        let entries = try await onLoop { loop in
            let (condition, trace) = (Condition(loop), Trace())
            let task = Self.waiters(["waiter"], of: condition, trace)[0]
            try await loop.rounds(2)
            try await condition.acquire()
            condition.notify()
            try await loop.rounds(3)
            task.cancel()
            try await loop.rounds(3)
            trace("release")
            condition.release()
            _ = await settled(task)
            trace("locked \(condition.isLocked)")
            return trace.entries
        }
        #expect(entries == ["release", "waiter cancelled", "locked false"])
    }

    @Test(arguments: 0..<4)
    func notificationOfACancelledTaskIsPassedOn(rounds: Int) async throws {
        let entries = try await onLoop { loop in
            let (condition, trace) = (Condition(loop), Trace())
            let tasks = Self.waiters(["a", "b"], of: condition, trace)
            try await loop.rounds(2)
            try await condition.acquire()
            condition.notify()
            // Woken, or waiting for the lock already.
            try await loop.rounds(rounds)
            tasks[0].cancel()
            condition.release()
            _ = try await loop.gatherResults(tasks)
            return trace.entries
        }
        #expect(entries == ["a cancelled", "b"])
    }

    @Test func timeoutInsideOfTheBlockLeavesTheLockHeld() async throws {
        let (timedOut, held, after) = try await onLoop { loop in
            let condition = Condition(loop)
            var timedOut = false
            try await condition.acquire()
            do {
                try await loop.waitFor(timeout: .milliseconds(1)) { try await condition.wait() }
            } catch is TimeoutError { timedOut = true }
            let held = condition.isLocked
            condition.release()
            return (timedOut, held, condition.isLocked)
        }
        #expect(timedOut)
        #expect(held)
        #expect(!after)
    }

    // MARK: - Locks and misuse

    @Test func conditionsMayShareALock() async throws {
        let entries = try await onLoop { loop in
            let (lock, trace) = (Lock(loop), Trace())
            let (first, second) = (Condition(loop, lock: lock), Condition(loop, lock: lock))
            let tasks = Self.waiters(["a"], of: first, trace) + Self.waiters(["b"], of: second, trace)
            try await loop.rounds(2)
            try await lock.withLock { second.notify() }
            try await tasks[1].value
            try await lock.withLock { first.notify() }
            try await tasks[0].value
            return trace.entries + ["\(first.lock === second.lock)"]
        }
        #expect(entries == ["b", "a", "true"])
    }

    @Test func waitWithoutTheLockThrows() async throws {
        let error = try await onLoop { loop in
            let condition = Condition(loop)
            do { try await condition.wait() } catch { return error as? EventLoopError }
            return nil
        }
        #expect(error == EventLoopError(.invalidState, "cannot wait on un-acquired lock"))
    }

    @Test func waitForAPredicateWithoutTheLockThrows() async throws {
        let error = try await onLoop { loop in
            let condition = Condition(loop)
            do { try await condition.wait(for: { false }) } catch { return error as? EventLoopError }
            return nil
        }
        #expect(error == EventLoopError(.invalidState, "cannot wait on un-acquired lock"))
    }

    @Test func notifyWithoutTheLockIsReportedAndWakesNobody() async throws {
        let (messages, entries) = try await onLoop { loop in
            let (condition, trace, reports) = (Condition(loop), Trace(), Reports(of: loop))
            let task = Self.waiters(["a"], of: condition, trace)[0]
            try await loop.rounds(2)
            condition.notify()
            condition.notifyAll()
            try await loop.rounds(4)
            trace("|")
            try await condition.withLock { condition.notify() }
            try await task.value
            return (reports.messages, trace.entries)
        }
        #expect(messages == Array(repeating: "cannot notify on un-acquired lock", count: 2))
        #expect(entries == ["|", "a"])
    }

    @Test func lockOfAnotherLoopStopsTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            try await withLoop { loop in _ = Condition(loop, lock: Lock(try EventLoop())) }
        }
        let output = standardError(of: result)
        #expect(output.contains("bound to a different event loop"))
    }

    @Test(arguments: [true, false])
    func closingTheLoopUnwindsWaitersWithoutAReportOfMisuse(somebodyHasTheLock: Bool) async throws {
        let (messages, entries) = try await onThread {
            let loop = try EventLoop()
            let (condition, trace, reports) = (Condition(loop), Trace(), Reports(of: loop))
            let holder = { (name: String) in
                _ = loop.noting(name, in: trace) {
                    try await condition.withLock { try await loop.sleep(for: .seconds(3600)) }
                }
            }
            _ = Self.waiters(["a", "b"], of: condition, trace)
            try loop.runUntilComplete { try await loop.rounds(2) }
            if somebodyHasTheLock { holder("holder") }
            // In whatever order they are unwound, most of them come before the holder.
            _ = Self.waiters((0..<20).map { "c\($0)" }, of: condition, trace)
            try loop.runUntilComplete { try await loop.rounds(2) }
            try loop.close()
            expectNothingLeft(of: loop)
            return (Set(reports.messages), trace.entries)
        }
        #expect(messages == ["Task was destroyed but it is pending!"])
        #expect(entries.count == (somebodyHasTheLock ? 23 : 22))
        #expect(entries.allSatisfy { $0.hasSuffix("cancelled") })
    }
}
