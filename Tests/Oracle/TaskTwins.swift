// Tasks, eager tasks and async generators.

import AsyncIO

let taskTwins: [String: Twin] = [
    "task_order": taskOrder, "sleep_zero_interleaving": sleepZeroInterleaving, "await_done": awaitDone,
    "await_task_chain": awaitTaskChain, "task_callbacks": taskCallbacks, "task_error": taskError,
    "ping_pong": pingPong, "current_task": currentTask, "eager_start": eagerStart, "eager_nested": eagerNested,
    "eager_error": eagerError, "eager_gather": eagerGather, "eager_group": eagerGroup,
    "generator_basic": generatorBasic, "generator_close": generatorClose, "generator_error": generatorError,
    "generator_cancel": generatorCancel,
]

private func taskOrder(_ loop: EventLoop, _ say: Trace) async throws {
    func work(_ name: String) -> LoopTask<Void> { loop.createTask { say("task", name) } }
    loop.callSoon { say("soon 1") }
    var tasks = [work("a")]
    loop.callSoon { say("soon 2") }
    tasks.append(work("b"))
    loop.callSoon { say("soon 3") }
    say("created")
    for task in tasks { try await task.value }
    say("over")
}

private func sleepZeroInterleaving(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [("a", 3), ("b", 1), ("c", 4)].map { name, count in
        loop.createTask {
            for number in 0..<count {
                say(name, number)
                try await loop.sleep(for: .zero)
            }
            say(name, "ends")
        }
    }
    try await say.ticks(2)
    for task in tasks { try await task.value }
    say("over")
}

private func awaitDone(_ loop: EventLoop, _ say: Trace) async throws {
    let future = loop.createFuture(of: Int.self)
    try future.setResult(1)
    loop.callSoon { say("soon") }
    say("future", try await future.value)
    let task = say.start("task", 0, 2)
    try await say.rounds(1)
    loop.callSoon { say("soon") }
    say("task", try await task.value)
    try await say.rounds(1)
}

private func awaitTaskChain(_ loop: EventLoop, _ say: Trace) async throws {
    func link(_ number: Int) async throws -> Int {
        if number == 0 {
            say("end of the chain")
            return 7
        }
        let value = try await loop.createTask { try await link(number - 1) }.value
        say("link", number, value)
        return value + 1
    }
    let ticker = say.ticker(10)
    say("value", try await loop.createTask { try await link(3) }.value)
    try await ticker.value
}

private func taskCallbacks(_ loop: EventLoop, _ say: Trace) async throws {
    let task = say.start("task", 2, 5)
    task.addDoneCallback { say("callback 1", state($0)) }
    for name in ["a", "b"] { loop.createTask { say(name, await outcome(task)) } }
    try await say.rounds(1)
    task.addDoneCallback { _ in say("callback 2") }
    try await say.ticks(4)
}

private func taskError(_ loop: EventLoop, _ say: Trace) async throws {
    let task = say.start("task", 1, error: E("x"))
    say(await outcome(task))
    say(await outcome(task))
    say(state(task), task.cancel(), task.isCancelled)
}

private func pingPong(_ loop: EventLoop, _ say: Trace) async throws {
    var box = loop.createFuture(of: String.self)
    func player(_ name: String, _ other: String, _ turns: Int) -> LoopTask<Void> {
        loop.createTask {
            for turn in 0..<turns {
                let ball = try await box.value
                if ball != name {
                    try await say.rounds(1)
                    continue
                }
                say(name, "hits", turn)
                let next = loop.createFuture(of: String.self)
                box = next
                loop.callSoon { try next.setResult(other) }
            }
            say(name, "stops")
        }
    }
    let tasks = [player("ping", "pong", 6), player("pong", "ping", 6)]
    try box.setResult("ping")
    try await say.ticks(16)
    for task in tasks { task.cancel() }
    try await say.rounds(3)
    say(states(tasks))
}

private func currentTask(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = ["a", "b"].map { name in
        loop.createTask(name: "task " + name) {
            say(me(loop).name)
            try await say.rounds(1)
            say(name, me(loop).name)
        }
    }
    loop.callSoon { say("callback", loop.currentTask == nil) }
    for task in tasks { try await task.value }
    say(loop.allTasks.count)
}

private func eagerStart(_ loop: EventLoop, _ say: Trace) async throws {
    func work(_ name: String, _ count: Int, eager: Bool) -> LoopTask<Int> {
        loop.createTask(name: "task " + name, eagerStart: eager) {
            say(name, "begins", me(loop).name)
            try await say.rounds(count)
            say(name, "ends")
            return count
        }
    }
    let a = work("a", 0, eager: true)
    say("created", state(a))
    let b = work("b", 2, eager: true)
    say("created", state(b))
    let c = work("c", 1, eager: false)
    say("created", state(c))
    try await say.ticks(4)
    say(states([a, b, c]))
}

private func eagerNested(_ loop: EventLoop, _ say: Trace) async throws {
    func inner() async throws -> Int {
        say("in", me(loop).name)
        try await say.rounds(1)
        say("again in", me(loop).name)
        return 1
    }
    func outer() async throws -> Int {
        say("in", me(loop).name)
        let task = loop.createTask(name: "inner", eagerStart: true) { try await inner() }
        say("back in", me(loop).name)
        let value = try await task.value
        say("still in", me(loop).name, value)
        return value + 1
    }
    me(loop).name = "main"
    let task = loop.createTask(name: "outer", eagerStart: true) { try await outer() }
    say("back in", me(loop).name)
    say(try await task.value)
}

private func eagerError(_ loop: EventLoop, _ say: Trace) async throws {
    loop.taskFactory = EagerTaskFactory()
    let a = loop.createTask { throw E("x") }
    say(state(a))
    a.addDoneCallback { _ in say("callback") }
    let b = loop.createTask {
        me(loop).cancel()
        try await say.rounds(1)
        say("not here")
    }
    say(state(b))
    try await say.ticks(3)
    say(state(a), state(b))
}

private func eagerGather(_ loop: EventLoop, _ say: Trace) async throws {
    loop.taskFactory = EagerTaskFactory()
    var tasks = ["a", "b"].map { say.start($0, 0, 1) }
    say("created")
    loop.callSoon { say("soon") }
    say(try await loop.gather(tasks))
    tasks = [say.start("c", 0, 1), say.start("d", 1, 2)]
    loop.callSoon { say("soon") }
    say(try await loop.gather(tasks))
}

private func eagerGroup(_ loop: EventLoop, _ say: Trace) async throws {
    loop.taskFactory = EagerTaskFactory()
    let result = await outcome {
        try await loop.withTaskGroup { group in
            group.createTask { try await say.worker("a", 0) }
            say("a created")
            group.createTask { try await say.worker("b", 5) }
            say("b created")
            group.createTask { throw E("x") }
            say("c created")
            try await say.rounds(3)
            say("not here")
        }
    }
    say(result, me(loop).cancelling)
}

private func generatorBasic(_ loop: EventLoop, _ say: Trace) async throws {
    let numbers = AsyncGenerator<Int>(loop) { yield in
        defer { say("generator ends") }
        for number in 0..<3 {
            say("makes", number)
            try await yield(number)
            try await say.rounds(1)
        }
    }
    for try await number in numbers { say("got", number) }
    say("over")
}

private func generatorClose(_ loop: EventLoop, _ say: Trace) async throws {
    let generator = AsyncGenerator<Int>(loop) { yield in
        do {
            for number in 0..<10 { try await yield(number) }
        } catch {
            say("cleans up")
            try await say.rounds(2)
            say("is clean")
            throw error
        }
    }
    for try await number in generator {
        say("got", number)
        if number == 2 { break }
    }
    say("left")
    try await generator.aclose()
    say("closed")
    var rest: [Int] = []
    for try await number in generator { rest.append(number) }
    say(rest)
}

private func generatorError(_ loop: EventLoop, _ say: Trace) async throws {
    let generator = AsyncGenerator<Int>(loop) { yield in
        try await yield(1)
        throw E("x")
    }
    func consume() async throws { for try await number in generator { say("got", number) } }
    say(await outcome { try await consume() })
    say(await outcome { try await consume() })
}

private func generatorCancel(_ loop: EventLoop, _ say: Trace) async throws {
    let task = loop.createTask {
        let numbers = AsyncGenerator<Int>(loop) { yield in
            do {
                try await yield(1)
                try await loop.createFuture(of: Void.self).value
            } catch is CancellationError {
                say("generator cancelled")
                throw CancellationError()
            }
        }
        for try await number in numbers { say("got", number) }
    }
    try await say.rounds(10)
    task.cancel()
    say(await outcome(task))
}
