// The end of a group in order: what becomes of tasks, servers and threads, and who may wait for it.

import Testing

@testable import AsyncIO

@Suite struct EventLoopGroupShutdownTests {
    @Test func tasksAreCancelledAndMayCleanUpWithAwaits() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 2)
        _ = try await group.onEach { loop in
            loop.createTask {
                begun.increment()
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch is CancellationError {
                    try await loop.sleep(for: .milliseconds(1))
                    try await loop.rounds(5)
                    cleaned.increment()
                }
            }
            try await loop.rounds(2)
        }
        try await group.shutdown()
        #expect((begun.value, cleaned.value) == (2, 2))
    }

    @Test func executorsAreClosedAfterwards() async throws {
        let group = try EventLoopGroup(count: 2)
        try await group.shutdown()
        #expect(group.executors.map(\.isRunning) == [false, false])
        let error = await caught { try group.next().callSoonThreadsafe { _ in } }
        #expect(loopCode(error) == .closed)
    }

    @Test func whatRunsForSomebodyOutsideIsCancelled() async throws {
        let begun = SharedCounter()
        let group = try EventLoopGroup(count: 1)
        let caller = Task {
            try await group.next().run { loop in
                begun.increment()
                try await loop.sleep(for: .seconds(3600))
            }
        }
        while begun.value == 0 { await Task.yield() }
        try await group.shutdown(deadline: nil)
        await #expect(throws: CancellationError.self) { try await caller.value }
    }

    @Test func generatorsAreClosed() async throws {
        let closed = SharedCounter()
        let group = try EventLoopGroup(count: 1)
        try await group.next().run { loop in
            let generator = AsyncGenerator<Int>(loop) { yield in
                do {
                    try await yield(1)
                } catch {
                    closed.increment()
                    throw error
                }
            }
            _ = try await generator.next()
            loop.createTask {
                defer { withExtendedLifetime(generator) {} }
                try await loop.sleep(for: .seconds(3600))
            }
        }
        try await group.shutdown(deadline: nil)
        #expect(closed.value == 1)
    }

    @Test func workOfTheDefaultExecutorIsAwaited() async throws {
        let (gate, answered) = (Gate(), SharedCounter())
        let group = try EventLoopGroup(count: 1)
        try await group.next().run { loop in
            let work = loop.runInExecutor { gate.pass() }
            // Closing the loop waits for it as well, but nobody is called back then.
            work.addDoneCallback { _ in answered.increment() }
            loop.openOnceTheExecutorShutsDown(gate)
        }
        gate.waitForArrivals(1)
        defer { gate.open() }
        try await group.shutdown(deadline: .seconds(60))
        #expect(answered.value == 1)
    }

    @Test func whatHandlersWroteIsSentBeforeTheirConnectionsClose() async throws {
        let size = 8 << 20
        let written = SharedCounter()
        let group = try EventLoopGroup(count: 2)
        let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, writer in
            writer.write([UInt8](repeating: 7, count: size))
            written.increment()
            try await EventLoop.running.sleep(for: .seconds(3600))
        }
        let received = try await onLoop { loop in
            guard case .ip(_, let port) = try #require(servers.addresses.first) else { return 0 }
            let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
            try await loop.untilTrue { written.value == 1 }
            let end = loop.createTask { try await group.shutdown(deadline: nil) }
            try await loop.rounds(10)
            let received = try await reader.read().count
            try await end.value
            writer.close()
            try await writer.waitClosed()
            return received
        }
        #expect(received == size)
    }

    @Test func whatWasWrittenOnServersThatWereClosedBeforeIsSentToo() async throws {
        let size = 8 << 20
        let written = SharedCounter()
        let group = try EventLoopGroup(count: 2)
        let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, writer in
            writer.write([UInt8](repeating: 7, count: size))
            written.increment()
            try await EventLoop.running.sleep(for: .seconds(3600))
        }
        let received = try await onLoop { loop in
            guard case .ip(_, let port) = try #require(servers.addresses.first) else { return 0 }
            let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
            try await loop.untilTrue { written.value == 1 }
            await servers.close()
            let end = loop.createTask { try await group.shutdown(deadline: nil) }
            // The loop without a connection is closed, and so would the other be.
            try await loop.untilTrue { group.executors.contains { (try? $0.callSoonThreadsafe { _ in }) == nil } }
            let received = try await reader.read().count
            try await end.value
            writer.close()
            try await writer.waitClosed()
            return received
        }
        #expect(received == size)
    }

    @Test func serversListenNoMore() async throws {
        let group = try EventLoopGroup(count: 2)
        let servers = try await group.startServer(host: "127.79.1.4", port: 0) { _, _ in }
        try await group.shutdown(deadline: nil)
        let code = try await onLoop { loop in
            guard case .ip(_, let port) = try #require(servers.addresses.first) else { return nil as IOError.Code? }
            return systemCode(
                try await loop.untilNobodyListens {
                    try await loop.openConnection(host: "127.79.1.4", port: port).writer.transport.abort()
                })
        }
        #expect(code == .connectionRefused)
    }

    @Test func secondShutdownWaitsForTheFirst() async throws {
        let (cleaned, begun, returned) = (SharedCounter(), SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 1)
        try await group.holdUp(begun: begun, cleaned: cleaned)
        let first = Task {
            try await group.shutdown(deadline: nil)
            return cleaned.value
        }
        while begun.value == 0 { await Task.yield() }
        let second = Task {
            try await group.shutdown(deadline: nil)
            returned.increment()
            return cleaned.value
        }
        while group.ending.waiterCount < 2, returned.value == 0 { await Task.yield() }
        try group.next().callSoonThreadsafe { loop in loop.allTasks.first?.cancel() }
        let seen = [try await first.value, try await second.value]
        #expect(seen == [1, 1])
    }

    @Test func shutdownOfWhatIsOverReturnsAtOnce() async throws {
        let group = try EventLoopGroup(count: 1)
        try await group.shutdown(deadline: nil)
        try await group.shutdown(deadline: .zero)
        try await onLoop { _ in try await group.shutdown(deadline: nil) }
    }

    @Test func oneOfItsOwnLoopsIsToldToAskSomebodyElse() async throws {
        let error = try await EventLoopGroup.with(count: 2) { group in
            try await group.next().run { _ in
                let error = await caught { try await group.shutdown() }
                return error as? EventLoopError
            }
        }
        #expect(error?.code == .invalidState)
        #expect(error?.message.contains("Task.detached { try await group.shutdown() }") == true)
    }

    @Test func oneOfItsOwnLoopsMayBeginItWithoutWaiting() async throws {
        let group = try EventLoopGroup(count: 2)
        try await group.next().run { _ in _ = Task.detached { try await group.shutdown(deadline: nil) } }
        try await group.shutdown(deadline: nil)
    }

    @Test func loopOfATaskThatWaitsGoesOn() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 1)
        try await group.holdUp(begun: begun, cleaned: cleaned)
        try await onLoop { loop in
            let end = loop.createTask { try await group.shutdown(deadline: nil) }
            // This loop runs, or nobody would let the group end.
            try await loop.untilTrue { begun.value == 1 }
            try group.next().callSoonThreadsafe { loop in loop.allTasks.first?.cancel() }
            try await end.value
        }
        #expect(cleaned.value == 1)
    }

    @Test func cancelledSwiftTaskWaitsNoLongerAndTheShutdownGoesOn() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 1)
        try await group.holdUp(begun: begun, cleaned: cleaned)
        let waiter = Task { try await group.shutdown(deadline: nil) }
        while begun.value == 0 { await Task.yield() }
        waiter.cancel()
        await #expect(throws: CancellationError.self) { try await waiter.value }
        #expect(cleaned.value == 0)
        try group.next().callSoonThreadsafe { loop in loop.allTasks.first?.cancel() }
        try await group.shutdown(deadline: nil)
        #expect(cleaned.value == 1)
    }

    @Test func cancelledTaskOfALoopWaitsNoLongerAndGoesOn() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 1)
        try await group.holdUp(begun: begun, cleaned: cleaned)
        let trace = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                do { try await group.shutdown(deadline: nil) } catch { trace("\(error is CancellationError)") }
                try await loop.rounds(1)
                trace("went on")
            }
            try await loop.untilTrue { begun.value == 1 }
            task.cancel()
            try await task.value
            return trace.entries
        }
        #expect(trace == ["true", "went on"])
        try group.next().callSoonThreadsafe { loop in loop.allTasks.first?.cancel() }
        try await group.shutdown(deadline: nil)
    }

    @Test func scopeShutsDownAfterAFailure() async throws {
        let kept = UncheckedTransfer(Variable<EventLoopGroup>())  // SAFETY: this test is its only user.
        await #expect(throws: TestError(name: "body")) {
            try await EventLoopGroup.with(count: 2) { group in
                kept.value.value = group
                throw TestError(name: "body")
            }
        }
        #expect(kept.value.value?.executors.map(\.isRunning) == [false, false])
    }

    @Test func scopeOfACancelledTaskStillAwaitsTheShutdown() async throws {
        let cleaned = SharedCounter()
        let begun = SharedCounter()
        let scope = Task {
            try await EventLoopGroup.with(count: 1) { group in
                try await group.next().run { loop in
                    loop.createTask {
                        do {
                            begun.increment()
                            try await loop.sleep(for: .seconds(3600))
                        } catch {
                            try await loop.rounds(50)
                            cleaned.increment()
                        }
                    }
                    try await loop.sleep(for: .seconds(3600))
                }
            }
        }
        while begun.value == 0 { await Task.yield() }
        scope.cancel()
        await #expect(throws: CancellationError.self) { try await scope.value }
        #expect(cleaned.value == 1)
    }

    @Test func scopeMayBeUsedOnALoop() async throws {
        let names = try await onLoop { loop in
            try await EventLoopGroup.with(count: 2) { group in
                #expect(loop.executor.isOnLoopThread)
                return try await group.onEach { _ in nameOfThisThread() }
            }
        }
        #expect(names == ["loop-0", "loop-1"])
    }

    @Test func manyGroupsComeAndGo() async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask {
                    for _ in 0..<10 {
                        let sum = try await EventLoopGroup.with(count: 3) { group in
                            try await group.onEach { loop in
                                try await loop.rounds(3)
                                return 1
                            }.reduce(0, +)
                        }
                        #expect(sum == 3)
                    }
                }
            }
            try await tasks.waitForAll()
        }
    }
}

extension EventLoop {
    /// Looks in every round whether the default executor is being shut down. That is no task, which would be cancelled.
    fileprivate func openOnceTheExecutorShutsDown(_ gate: Gate) {
        callSoon { [unowned self] in
            if defaultExecutor.isShutDown { gate.open() } else { openOnceTheExecutorShutsDown(gate) }
        }
    }
}

extension EventLoopGroup {
    /// Starts a task on the first loop that holds a shutdown up: its first cancellation counts `begun`, its second one
    /// counts `cleaned` and ends it.
    func holdUp(begun: SharedCounter, cleaned: SharedCounter) async throws {
        try await executors[0].run { loop in
            loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    begun.increment()
                    do {
                        try await loop.sleep(for: .seconds(3600))
                    } catch {
                        cleaned.increment()
                    }
                }
            }
            try await loop.rounds(2)
        }
    }
}
