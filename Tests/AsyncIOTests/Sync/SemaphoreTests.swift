// Semaphores: permits are neither lost nor made, and nobody overtakes.

import Testing

@testable import AsyncIO

@Suite struct SemaphoreTests {
    @Test func permitsAreTakenWithoutSuspendingWhileThereAreSome() async throws {
        let (entries, values) = try await onLoop { loop in
            let (semaphore, trace) = (Semaphore(loop, value: 2), Trace())
            loop.callSoon { trace("callback") }
            var values = [semaphore.value]
            try await semaphore.acquire()
            values.append(semaphore.value)
            trace("locked \(semaphore.isLocked)")
            try await semaphore.acquire()
            values.append(semaphore.value)
            trace("locked \(semaphore.isLocked)")
            try await loop.rounds(1)
            return (trace.entries, values)
        }
        #expect(entries == ["locked false", "locked true", "callback"])
        #expect(values == [2, 1, 0])
    }

    @Test func defaultIsOnePermit() async throws {
        let values = try await onLoop { loop in [Semaphore(loop).value, BoundedSemaphore(loop).value] }
        #expect(values == [1, 1])
    }

    @Test func semaphoreWithoutPermitsWaitsForARelease() async throws {
        let entries = try await onLoop { loop in
            let (semaphore, trace) = (Semaphore(loop, value: 0), Trace())
            let task = loop.noting("waiter", in: trace) { try await semaphore.acquire() }
            try await loop.rounds(3)
            trace("release")
            semaphore.release()
            try await task.value
            return trace.entries + ["\(semaphore.value)"]
        }
        #expect(entries == ["release", "waiter", "0"])
    }

    @Test func negativeValueStopsTheProgram() async {
        await #expect(processExitsWith: .failure) {
            try await withLoop { loop in _ = Semaphore(loop, value: -1) }
        }
    }

    @Test func waitersGetPermitsInTheOrderInWhichTheyCame() async throws {
        let entries = try await onLoop { loop in
            let (semaphore, trace) = (Semaphore(loop, value: 0), Trace())
            let tasks = (0..<6).map { number in loop.noting("\(number)", in: trace) { try await semaphore.acquire() } }
            try await loop.rounds(1)
            semaphore.release()
            try await loop.rounds(3)
            trace("|")
            semaphore.release()
            semaphore.release()
            try await loop.rounds(3)
            trace("|")
            for _ in 0..<3 { semaphore.release() }
            _ = try await loop.gather(tasks)
            return trace.entries
        }
        #expect(entries == ["0", "|", "1", "2", "|", "3", "4", "5"])
    }

    @Test func releaseAndAcquireInOneStepDoNotOvertakeTheWaiter() async throws {
        let entries = try await onLoop { loop in
            let (semaphore, trace) = (Semaphore(loop), Trace())
            try await semaphore.acquire()
            let task = loop.noting("waiter", in: trace) {
                try await semaphore.acquire()
                semaphore.release()
            }
            try await loop.rounds(1)
            semaphore.release()
            try await semaphore.acquire()
            trace("again")
            semaphore.release()
            try await task.value
            return trace.entries + ["\(semaphore.value)"]
        }
        #expect(entries == ["waiter", "again", "1"])
    }

    @Test func permitsThatAreLeftDoNotLetAnybodyOvertakeWhoWasWoken() async throws {
        let entries = try await onLoop { loop in
            let (semaphore, trace) = (Semaphore(loop, value: 0), Trace())
            let task = loop.noting("waiter", in: trace) { try await semaphore.acquire() }
            try await loop.rounds(1)
            // One permit is the waiter's, which has not gone on; one is left.
            semaphore.release()
            semaphore.release()
            trace("\(semaphore.value) \(semaphore.isLocked)")
            try await semaphore.acquire()
            trace("newcomer")
            try await task.value
            return trace.entries + ["\(semaphore.value)"]
        }
        #expect(entries == ["1 true", "waiter", "newcomer", "0"])
    }

    @Test func cancelledWaiterTakesNoPermit() async throws {
        let (result, values) = try await onLoop { loop in
            let semaphore = Semaphore(loop, value: 0)
            let task = loop.createTask { try await semaphore.acquire() }
            try await loop.rounds(1)
            task.cancel()
            let result = await settled(task)
            semaphore.release()
            return (result, semaphore.value)
        }
        #expect(result == "cancelled")
        #expect(values == 1)
    }

    @Test func permitOfACancelledTaskIsPassedOn() async throws {
        let (entries, value) = try await onLoop { loop in
            let (semaphore, trace) = (Semaphore(loop, value: 0), Trace())
            let tasks = ["a", "b", "c", "d"].map { name in
                loop.noting(name, in: trace) { try await semaphore.acquire() }
            }
            try await loop.rounds(1)
            semaphore.release()
            tasks[0].cancel()
            tasks[1].cancel()
            try await tasks[2].value
            try await loop.rounds(3)
            trace("\(tasks[3].isDone)")
            semaphore.release()
            try await tasks[3].value
            return (trace.entries, semaphore.value)
        }
        #expect(entries == ["a cancelled", "b cancelled", "c", "false", "d"])
        #expect(value == 0)
    }

    @Test func permitOfACancelledTaskWithoutFollowersIsGivenBack() async throws {
        let (value, isLocked) = try await onLoop { loop in
            let semaphore = Semaphore(loop, value: 0)
            let task = loop.createTask { try await semaphore.acquire() }
            try await loop.rounds(1)
            semaphore.release()
            task.cancel()
            _ = await settled(task)
            return (semaphore.value, semaphore.isLocked)
        }
        #expect(value == 1)
        #expect(!isLocked)
    }

    @Test func semaphoreThatOnlyCancelledTasksWaitForIsNotLocked() async throws {
        let answers = try await onLoop { loop in
            let semaphore = Semaphore(loop, value: 0)
            let task = loop.createTask { try await semaphore.acquire() }
            try await loop.rounds(1)
            task.cancel()
            semaphore.release()
            let isLocked = semaphore.isLocked
            try await semaphore.acquire()
            _ = await settled(task)
            return [isLocked, semaphore.isLocked]
        }
        #expect(answers == [false, true])
    }

    @Test func releaseMayAddPermits() async throws {
        let value = try await onLoop { loop in
            let semaphore = Semaphore(loop, value: 1)
            semaphore.release()
            semaphore.release()
            return semaphore.value
        }
        #expect(value == 3)
    }

    @Test func withPermitGivesThePermitBack() async throws {
        let (values, most) = try await onLoop { loop in
            let (semaphore, inside, most) = (Semaphore(loop, value: 3), Variable(0), Variable(0))
            let tasks = (0..<20).map { number in
                loop.createTask {
                    try await semaphore.withPermit {
                        inside.value! += 1
                        most.value = max(most.value!, inside.value!)
                        defer { inside.value! -= 1 }
                        try await loop.rounds(number % 4)
                        if number % 5 == 0 { throw TestError() }
                    }
                }
            }
            _ = try await loop.gatherResults(tasks)
            return (semaphore.value, most.value!)
        }
        #expect((values, most) == (3, 3))
    }

    @Test func withPermitWhoseWaitIsCancelledTakesNone() async throws {
        let (result, began, value) = try await onLoop { loop in
            let (semaphore, began) = (Semaphore(loop), Variable(false))
            try await semaphore.acquire()
            let task = loop.createTask { try await semaphore.withPermit { began.value = true } }
            try await loop.rounds(1)
            task.cancel()
            let result = await settled(task)
            semaphore.release()
            return (result, began.value!, semaphore.value)
        }
        #expect(result == "cancelled")
        #expect(!began)
        #expect(value == 1)
    }

    // MARK: - Bounded

    @Test func boundedSemaphoreReportsAndIgnoresOneReleaseTooMany() async throws {
        let (messages, value) = try await onLoop { loop in
            let (semaphore, reports) = (BoundedSemaphore(loop, value: 2), Reports(of: loop))
            try await semaphore.acquire()
            semaphore.release()
            semaphore.release()
            return (reports.messages, semaphore.value)
        }
        #expect(messages == ["BoundedSemaphore released too many times"])
        #expect(value == 2)
    }

    @Test func boundedSemaphoreHandsItsPermitToWhoWaits() async throws {
        let (messages, entries) = try await onLoop { loop in
            let (semaphore, reports, trace) = (BoundedSemaphore(loop, value: 1), Reports(of: loop), Trace())
            try await semaphore.acquire()
            let tasks = ["a", "b"].map { name in
                loop.noting(name, in: trace) { try await semaphore.withPermit { try await loop.rounds(1) } }
            }
            try await loop.rounds(1)
            semaphore.release()
            _ = try await loop.gather(tasks)
            return (reports.messages, trace.entries + ["\(semaphore.value)"])
        }
        #expect(messages == [])
        #expect(entries == ["a", "b", "1"])
    }

    @Test func closingTheLoopUnwindsHoldersAndWaitersWithoutAReport() async throws {
        let messages = try await onThread {
            let loop = try EventLoop()
            let (semaphore, reports) = (BoundedSemaphore(loop, value: 2), Reports(of: loop))
            for _ in 0..<5 {
                loop.createTask { try await semaphore.withPermit { try await loop.sleep(for: .seconds(3600)) } }
            }
            try loop.runUntilComplete { try await loop.rounds(2) }
            try loop.close()
            expectNothingLeft(of: loop)
            return Set(reports.messages)
        }
        #expect(messages == ["Task was destroyed but it is pending!"])
    }
}
