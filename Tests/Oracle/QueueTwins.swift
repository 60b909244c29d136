// Queues.

import AsyncIO

let queueTwins: [String: Twin] = [
    "queue_bounded": queueBounded, "queue_rendezvous": queueRendezvous, "queue_getters": queueGetters,
    "queue_cancel_getter": queueCancelGetter, "queue_cancel_putter": queueCancelPutter, "queue_nowait": queueNowait,
    "queue_shutdown": queueShutdown, "queue_shutdown_getters": queueShutdownGetters,
    "queue_shutdown_immediate": queueShutdownImmediate, "queue_join": queueJoin, "queue_priority": queuePriority,
    "queue_lifo": queueLifo,
]

private func queueBounded(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<Int>(loop, maxSize: 2)
    let producer = loop.createTask {
        for number in 0..<6 {
            try await queue.put(number)
            say("put", number, queue.count)
        }
        try await queue.put(-1)
    }
    let consumer = loop.createTask {
        while case let number = try await queue.get(), number >= 0 {
            say("got", number, queue.count)
            try await say.rounds(1)
        }
        say("over")
    }
    let ticker = say.ticker(12)
    try await producer.value
    try await consumer.value
    try await ticker.value
}

private func queueRendezvous(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<String>(loop, maxSize: 1)
    let consumers = ["x", "y"].map { name in
        loop.createTask { for _ in 0..<3 { say(name, "got", try await queue.get()) } }
    }
    let producers = ["a", "b"].map { name in
        loop.createTask {
            for number in 0..<3 {
                try await queue.put(name + "\(number)")
                say("put", name, number)
            }
        }
    }
    try await say.ticks(12)
    say(states(consumers + producers), queue.isEmpty)
}

private func queueGetters(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<Int>(loop)
    func consume(_ name: String) async throws { say(name, "got", try await queue.get()) }
    let tasks = ["a", "b", "c"].map { name in loop.createTask { try await consume(name) } }
    try await say.rounds(1)
    try queue.putNowait(1)
    try queue.putNowait(2)
    try await consume("main")
    try await say.ticks(3)
    try queue.putNowait(3)
    try queue.putNowait(4)
    try await say.ticks(3)
    say(states(tasks), queue.count)
}

private func queueCancelGetter(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<Int>(loop)
    let tasks = ["a", "b", "c"].map { name in
        loop.createTask {
            do {
                say(name, "got", try await queue.get())
            } catch is CancellationError {
                say(name, "cancelled")
                throw CancellationError()
            }
        }
    }
    try await say.rounds(1)
    tasks[1].cancel()
    try queue.putNowait(1)
    tasks[0].cancel()
    try await say.ticks(4)
    say(states(tasks), queue.count)
}

private func queueCancelPutter(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<String>(loop, maxSize: 1)
    try queue.putNowait("first")
    let tasks = ["a", "b", "c"].map { name in
        loop.createTask {
            do {
                try await queue.put(name)
                say(name, "put")
            } catch is CancellationError {
                say(name, "cancelled")
                throw CancellationError()
            }
        }
    }
    try await say.rounds(1)
    say("got", try queue.getNowait())
    tasks[0].cancel()
    try await say.ticks(4)
    say("got", try queue.getNowait())
    try await say.ticks(3)
    say(states(tasks), try queue.getNowait())
}

private func queueNowait(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<Int>(loop, maxSize: 1)
    func put(_ item: Int) throws -> String {
        try queue.putNowait(item)
        return "done"
    }
    attempt(say, "get") { try queue.getNowait() }
    attempt(say, "put") { try put(1) }
    attempt(say, "put") { try put(2) }
    say(queue.isFull, queue.isEmpty, queue.count)
    attempt(say, "get") { try queue.getNowait() }
    try queue.putNowait(3)
    queue.shutdown()
    attempt(say, "put") { try put(4) }
    attempt(say, "get") { try queue.getNowait() }
    attempt(say, "get") { try queue.getNowait() }
}

private func queueShutdown(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<String>(loop, maxSize: 1)
    try queue.putNowait("first")
    var tasks = ["a", "b"].map { name in
        loop.createTask { say("put", name, await outcome { try await queue.put(name) }) }
    }
    try await say.rounds(1)
    queue.shutdown()
    try await say.ticks(2)
    for name in ["x", "y"] {
        tasks.append(loop.createTask { say(name, await outcome { try await queue.get() }) })
    }
    try await say.ticks(3)
    say(await outcome { try await queue.put("late") }, queue.count)
    say(states(tasks))
}

private func queueShutdownGetters(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<Int>(loop)
    let tasks = ["a", "b", "c"].map { name in
        loop.createTask { say(name, await outcome { try await queue.get() }) }
    }
    try await say.rounds(1)
    try queue.putNowait(1)
    queue.shutdown()
    try await say.ticks(3)
    say(states(tasks))
}

private func queueShutdownImmediate(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<Int>(loop, maxSize: 2)
    try queue.putNowait(1)
    try queue.putNowait(2)
    let join = loop.createTask {
        try await queue.join()
        say("joined")
    }
    let producer = loop.createTask { say("put", "a", await outcome { try await queue.put(3) }) }
    try await say.rounds(1)
    queue.shutdown(immediate: true)
    say(queue.count, await outcome { try await queue.get() })
    try await say.ticks(3)
    say(state(join), state(producer))
}

private func queueJoin(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = Queue<Int>(loop)
    for item in [3, 1, 2, 1] { try queue.putNowait(item) }
    let workers: [LoopTask<Void>] = ["a", "b"].map { name in
        loop.createTask {
            while true {
                let item = try await queue.get()
                try await say.rounds(item)
                say(name, "did", item)
                try queue.taskDone()
            }
        }
    }
    let joins = ["x", "y"].map { name in
        loop.createTask {
            try await queue.join()
            say(name, "joined")
        }
    }
    try await say.ticks(7)
    do { try queue.taskDone() } catch is EventLoopError { say("too often") }
    for task in workers { task.cancel() }
    try await say.rounds(2)
    say(states(workers + joins))
}

private func queuePriority(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = PriorityQueue<Int>(loop)
    for item in [5, 2, 8, 1] { try queue.putNowait(item) }
    let task = loop.createTask { for _ in 0..<7 { say("got", try await queue.get()) } }
    say(try queue.getNowait())
    try await say.rounds(1)
    for item in [3, 9, 0, 7] { try queue.putNowait(item) }
    try await say.ticks(3)
    task.cancel()
    try await say.rounds(1)
    say(state(task), queue.count)
}

private func queueLifo(_ loop: EventLoop, _ say: Trace) async throws {
    let queue = LifoQueue<Int>(loop, maxSize: 3)
    let producer = loop.createTask {
        for number in 0..<6 {
            try await queue.put(number)
            say("put", number)
        }
    }
    let consumer = loop.createTask {
        for _ in 0..<6 {
            say("got", try await queue.get())
            try await say.rounds(1)
        }
    }
    try await say.ticks(10)
    say(state(producer), state(consumer))
}
