// Locks: one at a time, first come, first served, and nobody lost when somebody is cancelled.

import Testing

@testable import AsyncIO

extension EventLoop {
    /// A task that notes when it has what it waits for.
    func noting(
        _ name: String, in trace: Trace, _ wait: nonisolated(nonsending) @escaping () async throws -> Void
    ) -> LoopTask<Void> {
        createTask(name: name) {
            do {
                try await wait()
                trace(name)
            } catch is CancellationError {
                trace("\(name) cancelled")
                throw CancellationError()
            } catch {
                trace("\(name) \(type(of: error))")
            }
        }
    }
}

@Suite struct LockTests {
    @Test func freeLockIsTakenWithoutSuspending() async throws {
        let entries = try await onLoop { loop in
            let (lock, trace) = (Lock(loop), Trace())
            loop.callSoon { trace("callback") }
            try await lock.acquire()
            trace("locked \(lock.isLocked)")
            lock.release()
            trace("locked \(lock.isLocked)")
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["locked true", "locked false", "callback"])
    }

    @Test func waitersGetTheLockInTheOrderInWhichTheyCame() async throws {
        let entries = try await onLoop { loop in
            let (lock, trace) = (Lock(loop), Trace())
            try await lock.acquire()
            let tasks = (0..<5).map { number in
                loop.noting("\(number)", in: trace) {
                    try await lock.acquire()
                    try await loop.rounds(number % 3)
                    lock.release()
                }
            }
            try await loop.rounds(1)
            lock.release()
            _ = try await loop.gather(tasks)
            return trace.entries
        }
        #expect(entries == ["0", "1", "2", "3", "4"])
    }

    @Test func releaseAndAcquireInOneStepDoNotOvertakeTheWaiter() async throws {
        let entries = try await onLoop { loop in
            let (lock, trace) = (Lock(loop), Trace())
            try await lock.acquire()
            let task = loop.noting("waiter", in: trace) {
                try await lock.acquire()
                lock.release()
            }
            try await loop.rounds(1)
            lock.release()
            try await lock.acquire()
            trace("again")
            lock.release()
            try await task.value
            return trace.entries
        }
        #expect(entries == ["waiter", "again"])
    }

    @Test func onlyOneTaskAtATimeIsInside() async throws {
        let (most, count) = try await onLoop { loop in
            let (lock, inside, most, count) = (Lock(loop), Variable(0), Variable(0), Variable(0))
            let tasks = (0..<50).map { number in
                loop.createTask {
                    for _ in 0..<4 {
                        try await lock.withLock {
                            inside.value! += 1
                            most.value = max(most.value!, inside.value!)
                            try await loop.rounds(number % 3)
                            inside.value! -= 1
                            count.value! += 1
                        }
                    }
                }
            }
            _ = try await loop.gather(tasks)
            return (most.value!, count.value!)
        }
        #expect((most, count) == (1, 200))
    }

    @Test func cancelledWaiterLeavesTheOthersInOrder() async throws {
        let entries = try await onLoop { loop in
            let (lock, trace) = (Lock(loop), Trace())
            try await lock.acquire()
            let tasks = ["a", "b", "c"].map { name in
                loop.noting(name, in: trace) {
                    try await lock.acquire()
                    lock.release()
                }
            }
            try await loop.rounds(1)
            tasks[1].cancel()
            _ = await settled(tasks[1])
            lock.release()
            _ = try await loop.gatherResults(tasks)
            return trace.entries
        }
        #expect(entries == ["b cancelled", "a", "c"])
    }

    @Test(arguments: [true, false])
    func cancelledTurnIsPassedOn(releasesFirst: Bool) async throws {
        let (entries, isLocked) = try await onLoop { loop in
            let (lock, trace) = (Lock(loop), Trace())
            try await lock.acquire()
            let first = loop.noting("first", in: trace) { try await lock.acquire() }
            let second = loop.noting("second", in: trace) {
                try await lock.acquire()
                lock.release()
            }
            try await loop.rounds(1)
            if releasesFirst { lock.release() }
            first.cancel()
            if !releasesFirst { lock.release() }
            try await second.value
            return (trace.entries, lock.isLocked)
        }
        #expect(entries == ["first cancelled", "second"])
        #expect(!isLocked)
    }

    @Test func lockWhoseOnlyWokenWaiterWasCancelledIsFree() async throws {
        let isLocked = try await onLoop { loop in
            let lock = Lock(loop)
            try await lock.acquire()
            let task = loop.createTask { try await lock.acquire() }
            try await loop.rounds(1)
            lock.release()
            task.cancel()
            _ = await settled(task)
            try await lock.acquire()
            lock.release()
            return lock.isLocked
        }
        #expect(!isLocked)
    }

    @Test func lockThatOnlyCancelledTasksWaitForIsTakenAtOnce() async throws {
        let entries = try await onLoop { loop in
            let (lock, trace) = (Lock(loop), Trace())
            try await lock.acquire()
            let task = loop.noting("waiter", in: trace) { try await lock.acquire() }
            try await loop.rounds(1)
            task.cancel()
            lock.release()
            try await lock.acquire()
            trace("taken")
            _ = await settled(task)
            return trace.entries
        }
        #expect(entries == ["taken", "waiter cancelled"])
    }

    @Test func anyTaskMayReleaseTheLock() async throws {
        let isLocked = try await onLoop { loop in
            let lock = Lock(loop)
            try await loop.createTask { try await lock.acquire() }.value
            try await loop.createTask { lock.release() }.value
            return lock.isLocked
        }
        #expect(!isLocked)
    }

    @Test func releaseOfAFreeLockIsReportedAndIgnored() async throws {
        let (messages, isLocked) = try await onLoop { loop in
            let (lock, reports) = (Lock(loop), Reports(of: loop))
            lock.release()
            try await lock.acquire()
            lock.release()
            return (reports.messages, lock.isLocked)
        }
        #expect(messages == ["Lock is not acquired."])
        #expect(!isLocked)
    }

    @Test func withLockReleasesWhenItsBodyThrows() async throws {
        let (caught, isLocked) = try await onLoop { loop in
            let lock = Lock(loop)
            var caught: TestError?
            do {
                try await lock.withLock {
                    try await loop.rounds(1)
                    throw TestError(name: "body")
                }
            } catch { caught = error as? TestError }
            return (caught, lock.isLocked)
        }
        #expect(caught == TestError(name: "body"))
        #expect(!isLocked)
    }

    @Test func withLockReturnsWhatItsBodyReturns() async throws {
        let value = try await onLoop { loop in try await Lock(loop).withLock { 42 } }
        #expect(value == 42)
    }

    @Test func bodyDoesNotBeginWhenTheWaitIsCancelled() async throws {
        let (result, began, isLocked) = try await onLoop { loop in
            let (lock, began) = (Lock(loop), Variable(false))
            try await lock.acquire()
            let task = loop.createTask { try await lock.withLock { began.value = true } }
            try await loop.rounds(1)
            task.cancel()
            let result = await settled(task)
            return (result, began.value!, lock.isLocked)
        }
        #expect(result == "cancelled")
        #expect(!began)
        #expect(isLocked)
    }

    @Test func closingTheLoopUnwindsHolderAndWaitersWithoutAReport() async throws {
        let (messages, entries) = try await onThread {
            let loop = try EventLoop()
            let (lock, trace, reports) = (Lock(loop), Trace(), Reports(of: loop))
            for name in ["a", "b", "c"] {
                _ = loop.noting(name, in: trace) {
                    try await lock.withLock { try await loop.sleep(for: .seconds(3600)) }
                }
            }
            try loop.runUntilComplete { try await loop.rounds(2) }
            try loop.close()
            expectNothingLeft(of: loop)
            return (reports.messages, trace.entries)
        }
        #expect(messages == Array(repeating: "Task was destroyed but it is pending!", count: 3))
        #expect(entries.sorted() == ["a cancelled", "b cancelled", "c cancelled"])
    }

    // MARK: - Loops

    /// What is tried with something that belongs to a loop that does not run.
    enum Use: String, CaseIterable, Codable {
        case lock, event, set, condition, semaphore, barrier, put, get, shutdown

        func attempt(of loop: EventLoop) async throws {
            switch self {
            case .lock: try await Lock(loop).acquire()
            case .event: try await Event(loop).wait()
            case .set: Event(loop).set()
            case .condition: try await Condition(loop).acquire()
            case .semaphore: try await Semaphore(loop).acquire()
            case .barrier: try await Barrier(loop, parties: 1).wait()
            case .put: try await Queue<Int>(loop).put(1)
            case .get: _ = try await Queue<Int>(loop).get()
            case .shutdown: Queue<Int>(loop).shutdown()
            }
        }
    }

    @Test(arguments: Use.allCases)
    func useByATaskOfAnotherLoopStopsTheProgram(use: Use) async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [use] in
            try await withLoop { loop in
                let other = try EventLoop()
                try other.runUntilComplete {
                    #expect(try EventLoop.running === other)
                    try await use.attempt(of: loop)
                }
            }
        }
        let output = standardError(of: result)
        #expect(output.contains("is bound to a different event loop than the one that runs here"))
    }

    @Test func lockMayBeMadeAndReleasedWhileItsLoopDoesNotRun() async throws {
        let order = try await withLoop { loop in
            let (lock, trace) = (Lock(loop), Trace())
            try loop.runUntilComplete { try await lock.acquire() }
            let task = loop.noting("waiter", in: trace) { try await lock.acquire() }
            try loop.runUntilComplete { try await loop.rounds(2) }
            trace("release")
            lock.release()
            try loop.runUntilComplete(task)
            return trace.entries
        }
        #expect(order == ["release", "waiter"])
    }
}
