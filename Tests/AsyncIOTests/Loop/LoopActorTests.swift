// Actors, isolation and Swift tasks on a loop: the two faces of its executor.

import Testing

@testable import AsyncIO

/// An actor that takes the executor's own conversion.
private actor Ledger {
    let executor: LoopExecutor
    private(set) var entries: [Int] = []

    init(_ executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func append(_ entry: Int) -> Bool {
        entries.append(entry)
        return executor.isOnLoopThread
    }

    /// Suspends in some way and tells whether it came back to the loop.
    func isBack(after detour: Detour) async throws -> Bool {
        switch detour {
        case .yield: await Task.yield()
        case .sleep: try await EventLoop.running.sleep(for: .milliseconds(1))
        case .zeroSleep: try await EventLoop.running.sleep(for: .zero)
        case .future:
            let loop = try EventLoop.running
            let future = loop.createFuture(of: Void.self)
            loop.callLater(after: .milliseconds(1)) { try future.setResult(()) }
            try await future.value
        case .elsewhere: await elsewhere()
        case .foreignSleep: try await Task.sleep(for: .milliseconds(1))
        }
        return executor.isOnLoopThread
    }

    @concurrent nonisolated private func elsewhere() async {}
}

/// How an actor may suspend.
enum Detour: CaseIterable { case yield, sleep, zeroSleep, future, elsewhere, foreignSleep }

/// The same with the initialiser that Swift's own documentation uses.
private actor OrdinaryLedger {
    let executor: LoopExecutor
    private(set) var count = 0

    init(_ executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { UnownedSerialExecutor(ordinary: executor) }

    func increment() -> Bool {
        count += 1
        return executor.isOnLoopThread
    }
}

@Suite struct LoopActorTests {
    @Test func actorRunsOnTheLoop() async throws {
        let isOnLoop = try await withServingLoop { executor in
            let ledger = Ledger(executor)
            return await ledger.append(1)
        }
        #expect(isOnLoop)
    }

    @Test func actorWithAnOrdinaryExecutorRunsOnTheLoop() async throws {
        let isOnLoop = try await withServingLoop { executor in
            let ledger = OrdinaryLedger(executor)
            return await ledger.increment()
        }
        #expect(isOnLoop)
    }

    @Test(arguments: Detour.allCases)
    func actorComesBackToTheLoop(after detour: Detour) async throws {
        let isBack = try await withServingLoop { executor in
            try await Ledger(executor).isBack(after: detour)
        }
        #expect(isBack)
    }

    @Test func actorTakesCallsFromManyTasks() async throws {
        let count = try await withServingLoop { executor in
            let ledger = OrdinaryLedger(executor)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask { for _ in 0..<50 { _ = await ledger.increment() } }
                }
            }
            return await ledger.count
        }
        #expect(count == 1000)
    }

    @Test func callsOfOneTaskReachTheActorInOrder() async throws {
        let entries = try await withServingLoop { executor in
            let ledger = Ledger(executor)
            for n in 0..<100 { _ = await ledger.append(n) }
            return await ledger.entries
        }
        #expect(entries == Array(0..<100))
    }

    @Test func taskOfTheLoopCallsAnActorOfTheLoop() async throws {
        let places = try await onLoop { loop in
            let ledger = Ledger(loop.executor)
            let inActor = await ledger.append(1)
            let after = loop.executor.isOnLoopThread
            return [inActor, after]
        }
        #expect(places == [true, true])
    }

    @Test func twoActorsOfOneLoopCallEachOther() async throws {
        let result = try await withServingLoop { executor in
            let (first, second) = (Ledger(executor), OrdinaryLedger(executor))
            var isOnLoop = true
            for n in 0..<100 {
                isOnLoop = await first.append(n) && isOnLoop
                isOnLoop = await second.increment() && isOnLoop
            }
            let counts = (await first.entries.count, await second.count)
            return isOnLoop && counts == (100, 100)
        }
        #expect(result)
    }

    // MARK: - Isolation in plain callbacks

    @Test func callbackMayAssumeTheIsolationOfAnActorOfItsLoop() async throws {
        let entries = try await onLoop { loop in
            let ledger = Ledger(loop.executor)
            let future = loop.createFuture(of: [Int].self)
            loop.callSoon {
                _ = ledger.assumeIsolated { $0.append(7) }
                try future.setResult(ledger.assumeIsolated { $0.entries })
            }
            return try await future.value
        }
        #expect(entries == [7])
    }

    @Test func timerAndPostedCallbackMayAssumeIsolationToo() async throws {
        let entries = try await withServingLoop { executor in
            let ledger = OrdinaryLedger(executor)
            return try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int, any Error>) in
                do {
                    try executor.callSoonThreadsafe { loop in
                        _ = ledger.assumeIsolated { $0.increment() }
                        loop.callLater(after: .milliseconds(1)) {
                            _ = ledger.assumeIsolated { $0.increment() }
                            done.resume(returning: ledger.assumeIsolated { $0.count })
                        }
                    }
                } catch { done.resume(throwing: error) }
            }
        }
        #expect(entries == 2)
    }

    @Test func executorKnowsWhetherTheCallerRunsOnIt() async throws {
        let answers = try await onLoop { loop in
            let other = try EventLoop()
            defer { try? other.close() }
            let future = loop.createFuture(of: [Bool?].self)
            loop.callSoon {
                loop.executor.checkIsolated()
                try future.setResult([
                    loop.executor.isIsolatingCurrentContext(), other.executor.isIsolatingCurrentContext(),
                ])
            }
            return try await future.value
        }
        #expect(answers == [true, false])
    }

    @Test func checkingTheIsolationOutsideOfTheLoopTraps() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            try await withLoop { loop in loop.executor.checkIsolated() }
        }
        let output = standardError(of: result)
        #expect(output.contains("does not run on that loop's thread"))
    }

    @Test func assumingTheIsolationOutsideOfTheLoopTraps() async {
        await #expect(processExitsWith: .failure) {
            try await withServingLoop { executor in
                let ledger = Ledger(executor)
                try await onThread { _ = ledger.assumeIsolated { $0.append(1) } }
            }
        }
    }

    // MARK: - Swift tasks that prefer the loop

    @Test func taskThatPrefersTheExecutorRunsOnTheLoop() async throws {
        let places = try await withServingLoop { executor in
            await Task(executorPreference: executor) {
                let first = executor.isOnLoopThread
                await Task.yield()
                return [first, executor.isOnLoopThread]
            }.value
        }
        #expect(places == [true, true])
    }

    @Test func preferenceForATimeHoldsForThatTime() async throws {
        let places = try await withServingLoop { executor in
            let before = executor.isOnLoopThread
            let inside = await withTaskExecutorPreference(executor) { await isOnThread(of: executor) }
            return [before, inside, await isOnThread(of: executor)]
        }
        #expect(places == [false, true, false])
    }

    @Test func childTasksInheritThePreference() async throws {
        let places = try await withServingLoop { executor in
            await Task(executorPreference: executor) {
                async let first = isOnThread(of: executor)
                let second = await withTaskGroup(of: Bool.self) { group in
                    for _ in 0..<10 { group.addTask { await isOnThread(of: executor) } }
                    return await group.reduce(true) { $0 && $1 }
                }
                return [await first, second]
            }.value
        }
        #expect(places == [true, true])
    }

    @Test func swiftTaskOnTheLoopMaySleepOnIt() async throws {
        let isOnLoop = try await withServingLoop { executor in
            try await Task(executorPreference: executor) {
                try await EventLoop.Clock().sleep(until: .now.advanced(by: .milliseconds(1)))
                return executor.isOnLoopThread
            }.value
        }
        #expect(isOnLoop)
    }

    @Test func cancellingASwiftTaskEndsItsSleepOnTheLoop() async throws {
        try await withServingLoop { executor in
            let (started, input) = AsyncStream.makeStream(of: Void.self)
            let task = Task(executorPreference: executor) {
                input.yield()
                try await EventLoop.running.sleep(for: .seconds(3600))
            }
            for await _ in started { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    @Test func taskThatPrefersALoopThatDoesNotRunYetWaitsForIt() async throws {
        let result = try await withLoop { loop in
            let executor = loop.executor
            let ran = Counter()
            let task = Task(executorPreference: executor) { ran.increment() }
            #expect(ran.value == 0)
            loop.callLater(after: .milliseconds(1)) { loop.stop() }
            try loop.runForever()
            _ = task
            return ran.value
        }
        #expect(result == 1)
    }
}

@concurrent private func isOnThread(of executor: LoopExecutor) async -> Bool { executor.isOnLoopThread }
