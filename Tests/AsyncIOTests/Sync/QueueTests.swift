// Queues: order, room, and that no item is lost or given twice.

import Testing

@testable import AsyncIO

@Suite struct QueueTests {
    /// Which of the queues.
    enum Kind: String, CaseIterable {
        case fifo, lifo, priority

        func make(_ loop: EventLoop, maxSize: Int = 0) -> Queue<Int> {
            switch self {
            case .fifo: Queue(loop, maxSize: maxSize)
            case .lifo: LifoQueue(loop, maxSize: maxSize)
            case .priority: PriorityQueue(loop, maxSize: maxSize)
            }
        }
    }

    /// Tasks that take one item each.
    static func getters(_ names: [String], of queue: Queue<Int>, _ trace: Trace) -> [LoopTask<Int>] {
        names.map { name in
            queue.loop.createTask {
                let item = try await queue.get()
                trace("\(name)=\(item)")
                return item
            }
        }
    }

    /// Tasks that put one item each.
    static func putters(_ items: [Int], into queue: Queue<Int>, _ trace: Trace) -> [LoopTask<Void>] {
        items.map { item in queue.loop.noting("put \(item)", in: trace) { try await queue.put(item) } }
    }

    static func drained(_ queue: Queue<Int>) throws -> [Int] {
        var items: [Int] = []
        while !queue.isEmpty { items.append(try queue.getNowait()) }
        return items
    }

    @Test(arguments: [(Kind.fifo, [3, 1, 2, 1]), (.lifo, [1, 2, 1, 3]), (.priority, [1, 1, 2, 3])])
    func itemsComeInTheOrderOfTheQueue(kind: Kind, order: [Int]) async throws {
        let items = try await onLoop { loop in
            let queue = kind.make(loop)
            for item in [3, 1, 2, 1] { try await queue.put(item) }
            var items: [Int] = []
            for _ in 0..<4 { items.append(try await queue.get()) }
            return items
        }
        #expect(items == order)
    }

    @Test(arguments: [UInt64](1...5))
    func priorityQueueSortsWhateverIsPutIn(seed: UInt64) async throws {
        try await onLoop { loop in
            var random = SplitMix(seed: seed)
            let queue = PriorityQueue<Int>(loop)
            var model: [Int] = []
            for _ in 0..<2000 {
                if Bool.random(using: &random) || model.isEmpty {
                    let item = Int.random(in: 0..<100, using: &random)
                    try queue.putNowait(item)
                    model.append(item)
                    model.sort(by: >)
                } else {
                    #expect(try queue.getNowait() == model.popLast())
                }
            }
            #expect(try Self.drained(queue) == model.reversed())
        }
    }

    @Test(arguments: Kind.allCases)
    func sizeAndRoomAreKnown(kind: Kind) async throws {
        try await onLoop { loop in
            let queue = kind.make(loop, maxSize: 2)
            #expect(queue.maxSize == 2)
            #expect((queue.count, queue.isEmpty, queue.isFull) == (0, true, false))
            try queue.putNowait(1)
            #expect((queue.count, queue.isEmpty, queue.isFull) == (1, false, false))
            try queue.putNowait(2)
            #expect((queue.count, queue.isEmpty, queue.isFull) == (2, false, true))
            #expect(throws: QueueFull.self) { try queue.putNowait(3) }
            _ = try Self.drained(queue)
            #expect(throws: QueueEmpty.self) { try queue.getNowait() }
        }
    }

    @Test(arguments: [0, -1])
    func queueWithoutALimitIsNeverFull(maxSize: Int) async throws {
        let count = try await onLoop { loop in
            let queue = Queue<Int>(loop, maxSize: maxSize)
            for item in 0..<1000 { try queue.putNowait(item) }
            #expect(!queue.isFull)
            return queue.count
        }
        #expect(count == 1000)
    }

    @Test func putAndGetDoNotSuspendWhenTheyNeedNot() async throws {
        let entries = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop, maxSize: 1), Trace())
            loop.callSoon { trace("callback") }
            try await queue.put(1)
            trace("\(try await queue.get())")
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["1", "callback"])
    }

    @Test func gettersAreServedInTheOrderInWhichTheyCame() async throws {
        let entries = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop), Trace())
            let tasks = Self.getters(["a", "b", "c"], of: queue, trace)
            try await loop.rounds(1)
            for item in 1...3 { try queue.putNowait(item) }
            _ = try await loop.gather(tasks)
            return trace.entries
        }
        #expect(entries == ["a=1", "b=2", "c=3"])
    }

    @Test func puttersAreServedInTheOrderInWhichTheyCame() async throws {
        let (entries, items) = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop, maxSize: 1), Trace())
            let tasks = Self.putters([1, 2, 3], into: queue, trace)
            try await loop.rounds(2)
            var items: [Int] = []
            for _ in 0..<3 { items.append(try await queue.get()) }
            _ = try await loop.gather(tasks)
            return (trace.entries, items)
        }
        #expect(entries == ["put 1", "put 2", "put 3"])
        #expect(items == [1, 2, 3])
    }

    @Test func putterThatDidNotWaitMayOvertake() async throws {
        let items = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop, maxSize: 1), Trace())
            let tasks = Self.putters([1, 2], into: queue, trace)
            try await loop.rounds(2)
            var items = [try queue.getNowait()]
            // The task that was woken finds the queue full again, and waits.
            try queue.putNowait(9)
            try await loop.rounds(3)
            while items.count < 3 { items.append(try await queue.get()) }
            _ = try await loop.gather(tasks)
            return items
        }
        #expect(items == [1, 9, 2])
    }

    // MARK: - Cancellation

    @Test(arguments: [true, false])
    func cancelledGetterDoesNotEatTheItem(putsFirst: Bool) async throws {
        let (entries, left) = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop), Trace())
            let tasks = Self.getters(["a", "b"], of: queue, trace)
            try await loop.rounds(1)
            if putsFirst { try queue.putNowait(7) }
            tasks[0].cancel()
            if !putsFirst { try queue.putNowait(7) }
            _ = try await tasks[1].value
            return (trace.entries + [outcome(of: tasks[0])], queue.count)
        }
        #expect(entries == ["b=7", "cancelled"])
        #expect(left == 0)
    }

    @Test func itemOfACancelledGetterStaysWhenNobodyElseWaits() async throws {
        let items = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop), Trace())
            let task = Self.getters(["a"], of: queue, trace)[0]
            try await loop.rounds(1)
            try queue.putNowait(7)
            task.cancel()
            _ = await settled(task)
            return try Self.drained(queue)
        }
        #expect(items == [7])
    }

    @Test(arguments: [true, false])
    func roomOfACancelledPutterIsPassedOn(getsFirst: Bool) async throws {
        let (entries, items) = try await onLoop { loop in
            let (queue, trace) = (Queue<Int>(loop, maxSize: 1), Trace())
            try queue.putNowait(0)
            let tasks = Self.putters([1, 2], into: queue, trace)
            try await loop.rounds(1)
            var items: [Int] = []
            if getsFirst { items.append(try queue.getNowait()) }
            tasks[0].cancel()
            if !getsFirst { items.append(try queue.getNowait()) }
            try await tasks[1].value
            return (trace.entries, items + (try Self.drained(queue)))
        }
        #expect(entries == ["put 1 cancelled", "put 2"])
        #expect(items == [0, 2])
    }

    @Test func timeoutsLeaveNoWaitersBehind() async throws {
        let counts = try await onLoop { loop in
            let queue = Queue<Int>(loop, maxSize: 1)
            for _ in 0..<200 {
                _ = try? await loop.withTimeout(.zero) { try await queue.get() }
            }
            try queue.putNowait(0)
            for item in 0..<200 {
                _ = try? await loop.withTimeout(.zero) { try await queue.put(item) }
            }
            let mirror = Mirror(reflecting: queue)
            return mirror.children.compactMap { ($0.value as? Waiters)?.count }
        }
        #expect(counts == [0, 0, 0])
    }

    // MARK: - Producers and consumers

    @Test(arguments: [0, 1, 3])
    func everyItemReachesOneConsumer(maxSize: Int) async throws {
        let received = try await onLoop { loop in
            let (queue, received) = (Queue<Int>(loop, maxSize: maxSize), Variable<[Int]>([]))
            let producers = (0..<4).map { producer in
                loop.createTask {
                    for item in 0..<100 {
                        try await queue.put(producer * 100 + item)
                        if item % 7 == producer { try await loop.rounds(1) }
                    }
                }
            }
            let consumers = (0..<3).map { number in
                loop.createTask {
                    for try await item in queue {
                        received.value!.append(item)
                        if item % 5 == number { try await loop.rounds(1) }
                    }
                }
            }
            _ = try await loop.gather(producers)
            queue.shutdown()
            _ = try await loop.gather(consumers)
            return received.value!
        }
        #expect(received.sorted() == Array(0..<400))
    }

    @Test func bothSidesWaitingInTurnsMissNoWakeUp() async throws {
        let received = try await onLoop { loop in
            let queue = Queue<Int>(loop, maxSize: 2)
            let producer = loop.createTask { for item in 0..<1000 { try await queue.put(item) } }
            let consumer = loop.createTask {
                var items: [Int] = []
                while items.count < 1000 { items.append(try await queue.get()) }
                return items
            }
            _ = try await producer.value
            return try await consumer.value
        }
        #expect(received == Array(0..<1000))
    }

    @Test func itemsThatAreTakenOutAreNotKept() async throws {
        let alive = try await onLoop { loop in
            let census = Census()
            let queue = Queue<Census.Member>(loop)
            for _ in 0..<50 { try queue.putNowait(census.join()) }
            for _ in 0..<30 { _ = try queue.getNowait() }
            let left = census.alive
            queue.shutdown(immediate: true)
            return [left, census.alive]
        }
        #expect(alive == [20, 0])
    }
}
