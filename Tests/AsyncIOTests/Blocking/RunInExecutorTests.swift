// Blocking work for libuv's pool or an executor of one's own: results, errors, cancellation.

import Testing

@testable import AsyncIO

/// An executor that runs nothing, and may refuse.
private final class RefusingExecutor: BlockingExecutor {
    func submit(_ work: @escaping @Sendable () -> Void) throws { throw TestError(name: "refused") }
    func shutdown(wait: Bool) {}
}

@Suite struct RunInExecutorTests {
    @Test func workRunsOnAnotherThreadAndItsResultComesBack() async throws {
        let (isElsewhere, isBack) = try await onLoop { loop in
            let executor = loop.executor
            let isElsewhere = try await loop.runInExecutor { !executor.isOnLoopThread }.value
            return (isElsewhere, executor.isOnLoopThread)
        }
        #expect(isElsewhere)
        #expect(isBack)
    }

    @Test func errorOfTheWorkComesBack() async throws {
        await #expect(throws: TestError(name: "work")) {
            try await onLoop { loop in
                try await loop.runInExecutor { throw TestError(name: "work") }.value
            }
        }
    }

    @Test func errorOfTheWorkThatNobodyAwaitsIsReported() async throws {
        let messages = try await onLoop { loop in
            let reports = Reports(of: loop)
            let done = loop.createFuture(of: Void.self)
            do {
                let future: Future<Void> = loop.runInExecutor { throw TestError() }
                future.addDoneCallback { _ in try done.setResult(()) }
            }
            try await done.value
            try await loop.rounds(2)
            return reports.messages
        }
        #expect(messages == ["Future exception was never retrieved"])
    }

    @Test func workMayReturnAndTakeWhatIsNotSendable() async throws {
        final class Plain { var list: [Int] = [] }
        let list = try await onLoop { loop in
            let plain = try await loop.runInExecutor {
                let made = Plain()
                made.list.append(1)
                return made
            }.value
            plain.list.append(2)
            return plain.list
        }
        #expect(list == [1, 2])
    }

    @Test func lateResultWakesALoopThatHasNothingElseToDo() async throws {
        let value = try await withLoop { loop in
            let gate = Gate()
            let future = loop.runInExecutor {
                gate.pass()
                return 5
            }
            let opener = try UVThread {
                gate.waitForArrivals(1)
                gate.open()
            }
            defer { opener.join() }
            return try loop.runUntilComplete(future)
        }
        #expect(value == 5)
    }

    @Test func worksRunAtTheSameTime() async throws {
        let values = try await onLoop { loop in
            // Each of the two can only end when the other has begun.
            let gates = (Gate(), Gate())
            let first = loop.runInExecutor {
                gates.0.open()
                gates.1.pass()
                return 1
            }
            let second = loop.runInExecutor {
                gates.1.open()
                gates.0.pass()
                return 2
            }
            return [try await first.value, try await second.value]
        }
        #expect(values == [1, 2])
    }

    @Test func cancelTakesBackWorkThatHasNotBegun() async throws {
        let (count, result) = try await onLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            let executor = ThreadPoolExecutor(maxWorkers: 1)
            let first = loop.runInExecutor(executor) { gate.pass() }
            let second = loop.runInExecutor(executor) { count.increment() }
            second.cancel()
            gate.open()
            try await first.value
            executor.shutdown(wait: true)
            return (count.value, outcome(of: second))
        }
        #expect(count == 0)
        #expect(result == "cancelled")
    }

    @Test func cancelOfWorkThatRunsDropsItsResult() async throws {
        let (count, result) = try await onLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            let executor = ThreadPoolExecutor(maxWorkers: 1)
            let future = loop.runInExecutor(executor) {
                gate.pass()
                count.increment()
                return 1
            }
            gate.waitForArrivals(1)
            future.cancel()
            gate.open()
            executor.shutdown(wait: true)
            try await loop.rounds(3)
            return (count.value, outcome(of: future))
        }
        #expect(count == 1)
        #expect(result == "cancelled")
    }

    @Test func cancelOfWorkThatRunsInLibuvsPoolDropsItsResult() async throws {
        let (count, result) = try await onLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            let future = loop.runInExecutor {
                gate.pass()
                count.increment()
                return 1
            }
            gate.waitForArrivals(1)
            future.cancel()
            gate.open()
            try await loop.shutdownDefaultExecutor()
            return (count.value, outcome(of: future))
        }
        #expect(count == 1)
        #expect(result == "cancelled")
    }

    @Test func cancelOfATaskInToThreadThrowsAtOnceWhileTheWorkGoesOn() async throws {
        let (before, after) = try await onLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            let task = loop.createTask {
                try await loop.toThread {
                    gate.pass()
                    count.increment()
                }
            }
            try await loop.rounds(1)
            gate.waitForArrivals(1)
            task.cancel()
            let before = "\(await settled(task)) \(count.value)"
            gate.open()
            try await loop.shutdownDefaultExecutor()
            return (before, count.value)
        }
        #expect(before == "cancelled 0")
        #expect(after == 1)
    }

    @Test func toThreadCallsTheWorkExactlyOnce() async throws {
        let count = try await onLoop { loop in
            let count = SharedCounter()
            try await loop.toThread { count.increment() }
            try await loop.shutdownDefaultExecutor()
            return count.value
        }
        #expect(count == 1)
    }

    @Test func toThreadThrowsWhatTheWorkThrows() async throws {
        await #expect(throws: TestError(name: "thread")) {
            try await onLoop { loop in
                try await loop.toThread { throw TestError(name: "thread") }
            }
        }
    }

    @Test func toThreadThatIsTakenBackReleasesWhatItCaptured() async throws {
        let (isGone, count) = try await onLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            let executor = ThreadPoolExecutor(maxWorkers: 1)
            loop.setDefaultExecutor(executor)
            weak var token: Token?
            let blocker = loop.runInExecutor { gate.pass() }
            let task: LoopTask<Void>
            do {
                let captured = Token()
                token = captured
                // SAFETY: only read, and only by the thread that runs the work.
                nonisolated(unsafe) let work = captured
                task = loop.createTask {
                    try await loop.toThread {
                        count.increment()
                        withExtendedLifetime(work) {}
                    }
                }
            }
            try await loop.rounds(1)
            task.cancel()
            _ = await settled(task)
            gate.open()
            try await blocker.value
            try await loop.shutdownDefaultExecutor()
            return (token == nil, count.value)
        }
        #expect(isGone)
        #expect(count == 0)
    }

    @Test func executorThatRefusesFailsTheFuture() async throws {
        let result = try await onLoop { loop in
            outcome(of: loop.runInExecutor(RefusingExecutor()) { 1 })
        }
        #expect(result == "error TestError(name: \"refused\")")
    }

    @Test func closedLoopFailsTheFuture() async throws {
        let result = try await onThread {
            let loop = try EventLoop()
            try loop.close()
            loop.exceptionHandler = { _, _ in }
            return try loop.runInExecutor { 1 }.exception() as? EventLoopError
        }
        #expect(result?.code == .closed)
    }

    @Test func closeWaitsForWorkOfThePoolThatHasBegun() async throws {
        let count = try await withLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            let future = loop.runInExecutor {
                gate.pass()
                count.increment()
            }
            gate.waitForArrivals(1)
            gate.open()
            try loop.close()
            return future.isCancelled ? -1 : count.value
        }
        #expect(count == 1)
    }

    @Test func loopMayCloseWhileAnExecutorOfItsOwnStillWorks() async throws {
        let count = try await withLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            let executor = ThreadPoolExecutor(maxWorkers: 1)
            let future = loop.runInExecutor(executor) {
                gate.pass()
                count.increment()
            }
            gate.waitForArrivals(1)
            try loop.close()
            gate.open()
            executor.shutdown(wait: true)
            return future.isDone ? -1 : count.value
        }
        #expect(count == 1)
    }
}
