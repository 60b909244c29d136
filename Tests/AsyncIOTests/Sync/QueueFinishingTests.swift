// The end of queues: the work that is done, and shutting down, as CPython 3.13 counts.

import Testing

@testable import AsyncIO

@Suite struct QueueFinishingTests {
    private static let tooMany = EventLoopError(.invalidState, "task_done() called too many times")

    @Test func joinOfAQueueWithoutWorkDoesNotSuspend() async throws {
        let entries = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop), Trace())
            loop.callSoon { trace("callback") }
            try await queue.join()
            trace("joined")
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["joined", "callback"])
    }

    @Test func joinWaitsForTheLastTaskDone() async throws {
        let entries = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop), Trace())
            for item in 0..<3 { try queue.putNowait(item) }
            let joiners = ["a", "b"].map { name in loop.noting(name, in: trace) { try await queue.join() } }
            for item in 0..<3 {
                _ = try await queue.get()
                try await loop.rounds(2)
                trace("done \(item)")
                try queue.taskDone()
            }
            _ = try await loop.gather(joiners)
            return trace.entries
        }
        #expect(entries == ["done 0", "done 1", "done 2", "a", "b"])
    }

    @Test func joinMayBeRepeated() async throws {
        let count = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            let worker = loop.createTask {
                var count = 0
                for try await _ in queue {
                    count += 1
                    try queue.taskDone()
                }
                return count
            }
            for _ in 0..<3 {
                for item in 0..<4 { try queue.putNowait(item) }
                try await queue.join()
            }
            queue.shutdown()
            return try await worker.value
        }
        #expect(count == 12)
    }

    @Test func joinerThatWasWokenReturnsAlthoughMoreWorkHasCome() async throws {
        let result = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            try queue.putNowait(1)
            let joiner = loop.createTask { try await queue.join() }
            try await loop.rounds(1)
            try queue.taskDone()
            try queue.putNowait(2)
            return await settled(joiner)
        }
        #expect(result == "value ()")
    }

    @Test func taskDoneTooOftenThrows() async throws {
        try await onLoop { loop in
            let queue = Queue<Int>(loop)
            #expect(throws: Self.tooMany) { try queue.taskDone() }
            try queue.putNowait(1)
            try queue.taskDone()
            #expect(throws: Self.tooMany) { try queue.taskDone() }
            #expect(queue.count == 1)
        }
    }

    @Test func cancelledJoinerLeaves() async throws {
        let results = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            try queue.putNowait(1)
            let joiners = (0..<2).map { _ in loop.createTask { try await queue.join() } }
            try await loop.rounds(1)
            joiners[0].cancel()
            try queue.taskDone()
            return [await settled(joiners[0]), await settled(joiners[1])]
        }
        #expect(results == ["cancelled", "value ()"])
    }

    // MARK: - Shutting down

    @Test(arguments: QueueTests.Kind.allCases, [true, false])
    func shutdownOfAnEmptyQueueEndsThoseWhoWait(kind: QueueTests.Kind, immediate: Bool) async throws {
        let results = try await onLoop { loop in
            let queue = kind.make(loop)
            let getters = QueueTests.getters(["a", "b"], of: queue, Trace())
            try await loop.rounds(1)
            queue.shutdown(immediate: immediate)
            var results: [String] = []
            for getter in getters { results.append(await settled(getter)) }
            #expect(throws: QueueShutDown.self) { try queue.getNowait() }
            #expect(throws: QueueShutDown.self) { try queue.putNowait(1) }
            await #expect(throws: QueueShutDown.self) { try await queue.get() }
            await #expect(throws: QueueShutDown.self) { try await queue.put(1) }
            try await queue.join()
            return results + ["\(queue.isShutDown)"]
        }
        #expect(results == Array(repeating: "error \(QueueShutDown())", count: 2) + ["true"])
    }

    @Test(arguments: QueueTests.Kind.allCases)
    func gracefulShutdownLetsTheItemsOut(kind: QueueTests.Kind) async throws {
        let (putter, items, joined) = try await onLoop { loop in
            let queue = kind.make(loop, maxSize: 2)
            try queue.putNowait(1)
            try queue.putNowait(2)
            let putter = loop.createTask { try await queue.put(3) }
            let joiner = loop.createTask { try await queue.join() }
            try await loop.rounds(1)
            queue.shutdown()
            let result = await settled(putter)
            #expect(throws: QueueShutDown.self) { try queue.putNowait(4) }
            await #expect(throws: QueueShutDown.self) { try await queue.put(4) }
            let items = [try await queue.get(), try queue.getNowait()].sorted()
            #expect(throws: QueueShutDown.self) { try queue.getNowait() }
            await #expect(throws: QueueShutDown.self) { try await queue.get() }
            try queue.taskDone()
            try await loop.rounds(2)
            var joined = [joiner.isDone]
            try queue.taskDone()
            try await joiner.value
            joined.append(joiner.isDone)
            #expect(throws: Self.tooMany) { try queue.taskDone() }
            return (result, items, joined)
        }
        #expect(putter == "error \(QueueShutDown())")
        #expect(items == [1, 2])
        #expect(joined == [false, true])
    }

    @Test(arguments: QueueTests.Kind.allCases)
    func immediateShutdownDropsTheItemsAndFreesTheJoiner(kind: QueueTests.Kind) async throws {
        let (putter, count) = try await onLoop { loop in
            let queue = kind.make(loop, maxSize: 2)
            try queue.putNowait(1)
            try queue.putNowait(2)
            let putter = loop.createTask { try await queue.put(3) }
            let joiner = loop.createTask { try await queue.join() }
            try await loop.rounds(1)
            queue.shutdown(immediate: true)
            try await joiner.value
            #expect(throws: QueueShutDown.self) { try queue.getNowait() }
            #expect(throws: Self.tooMany) { try queue.taskDone() }
            return (await settled(putter), queue.count)
        }
        #expect(putter == "error \(QueueShutDown())")
        #expect(count == 0)
    }

    @Test func immediateShutdownCountsOnlyWhatWasInTheQueue() async throws {
        let isDone = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            for item in 0..<3 { try queue.putNowait(item) }
            _ = try queue.getNowait()
            let joiner = loop.createTask { try await queue.join() }
            try await loop.rounds(1)
            queue.shutdown(immediate: true)
            try await loop.rounds(2)
            let isDone = joiner.isDone
            try queue.taskDone()
            try await joiner.value
            #expect(throws: Self.tooMany) { try queue.taskDone() }
            return isDone
        }
        #expect(!isDone)
    }

    @Test func immediateShutdownAfterWorkWasReportedTooEarlyEndsAtZero() async throws {
        try await onLoop { loop in
            let queue = Queue<Int>(loop)
            try queue.putNowait(1)
            try queue.putNowait(2)
            try queue.taskDone()
            queue.shutdown(immediate: true)
            try await queue.join()
            #expect(throws: Self.tooMany) { try queue.taskDone() }
        }
    }

    @Test func immediateShutdownMayFollowAGracefulOne() async throws {
        let count = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            try queue.putNowait(1)
            queue.shutdown()
            queue.shutdown()
            #expect(queue.count == 1)
            queue.shutdown(immediate: true)
            queue.shutdown()
            try await queue.join()
            return queue.count
        }
        #expect(count == 0)
    }

    @Test func getterThatWasWokenBeforeAnImmediateShutdownGetsNothing() async throws {
        let result = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            let getter = QueueTests.getters(["a"], of: queue, Trace())[0]
            try await loop.rounds(1)
            try queue.putNowait(1)
            queue.shutdown(immediate: true)
            return await settled(getter)
        }
        #expect(result == "error \(QueueShutDown())")
    }

    @Test func putterThatWasWokenBeforeAShutdownPutsNothing() async throws {
        let (result, count) = try await onLoop { loop in
            let queue = Queue<Int>(loop, maxSize: 1)
            try queue.putNowait(1)
            let putter = loop.createTask { try await queue.put(2) }
            try await loop.rounds(1)
            _ = try queue.getNowait()
            queue.shutdown()
            return (await settled(putter), queue.count)
        }
        #expect(result == "error \(QueueShutDown())")
        #expect(count == 0)
    }

    // MARK: - As a sequence

    @Test(arguments: [(false, [1, 2, 3]), (true, [1])])
    func sequenceEndsAtShutdown(immediate: Bool, expected: [Int]) async throws {
        let items = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            for item in 1...3 { try queue.putNowait(item) }
            var items: [Int] = []
            for try await item in queue {
                items.append(item)
                if item == 1 { queue.shutdown(immediate: immediate) }
            }
            return items
        }
        #expect(items == expected)
    }

    @Test func severalConsumersShareTheItemsAndAllEnd() async throws {
        let (items, ended) = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            let consumers = (0..<4).map { _ in
                loop.createTask {
                    var items: [Int] = []
                    for try await item in queue {
                        items.append(item)
                        try await loop.rounds(1)
                    }
                    return items
                }
            }
            try await loop.rounds(1)
            for item in 0..<40 { try queue.putNowait(item) }
            queue.shutdown()
            let items = try await loop.gather(consumers)
            return (items, consumers.filter(\.isDone).count)
        }
        #expect(items.flatMap { $0 }.sorted() == Array(0..<40))
        #expect(items.allSatisfy { $0.count == 10 })
        #expect(ended == 4)
    }

    @Test func cancelledConsumerThrowsAndLosesNoItem() async throws {
        let (result, left) = try await onLoop { loop in
            let queue = Queue<Int>(loop)
            let consumer = loop.createTask { for try await _ in queue {} }
            try await loop.rounds(1)
            try queue.putNowait(1)
            consumer.cancel()
            return (await settled(consumer), queue.count)
        }
        #expect(result == "cancelled")
        #expect(left == 1)
    }

    @Test func closingTheLoopUnwindsEverybody() async throws {
        let messages = try await onThread {
            let loop = try EventLoop()
            let reports = Reports(of: loop)
            let (full, empty) = (Queue<Int>(loop, maxSize: 1), Queue<Int>(loop))
            try full.putNowait(0)
            for item in 0..<3 {
                loop.createTask { try await full.put(item) }
                loop.createTask { for try await _ in empty {} }
                loop.createTask { try await full.join() }
            }
            try loop.runUntilComplete { try await loop.rounds(2) }
            try loop.close()
            expectNothingLeft(of: loop)
            return Set(reports.messages)
        }
        #expect(messages == ["Task was destroyed but it is pending!"])
    }
}
