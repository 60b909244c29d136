// gather, wait, as_completed and shield.

import AsyncIO

let combinatorTwins: [String: Twin] = [
    "gather_success": gatherSuccess, "gather_error": gatherError, "gather_return_exceptions": gatherReturnExceptions,
    "gather_cancel": gatherCancel, "gather_cancel_return_exceptions": gatherCancelReturnExceptions,
    "gather_child_cancelled": gatherChildCancelled, "gather_duplicates": gatherDuplicates,
    "gather_nested": gatherNested, "wait_all": waitAll, "wait_first_completed": waitFirstCompleted,
    "wait_first_exception": waitFirstException, "wait_done_already": waitDoneAlready, "wait_cancel": waitCancel,
    "wait_timeout": waitTimeout, "as_completed_order": asCompletedOrder, "as_completed_timeout": asCompletedTimeout,
    "as_completed_left": asCompletedLeft, "shield_success": shieldSuccess,
    "shield_cancel_outer": shieldCancelOuter, "shield_cancel_inner": shieldCancelInner,
    "shield_gather": shieldGather,
]

private func gatherSuccess(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [("a", 3), ("b", 1), ("c", 2)].map { say.start($0, $1, $1) }
    let ticker = say.ticker(7)
    say(try await loop.gather(tasks))
    try await ticker.value
}

private func gatherError(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [say.start("a", 4, 1), say.start("b", 1, error: E("b")), say.start("c", 2, error: E("c"))]
    let ticker = say.ticker(7)
    say(await outcome { try await loop.gather(tasks) })
    try await ticker.value
    say(states(tasks))
}

private func gatherReturnExceptions(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [say.start("a", 3, 1), say.start("b", 1, error: E("b")), say.start("c", 9)]
    loop.callSoon { tasks[2].cancel() }
    let ticker = say.ticker(7)
    let results = try await loop.gatherResults(tasks).map { result in
        switch result {
        case .success(let value): "\(value)"
        case .failure(let error): shown(error)
        }
    }
    say(results.joined(separator: " "))
    try await ticker.value
}

private func gatherCancel(_ loop: EventLoop, _ say: Trace) async throws {
    func slow(_ name: String, _ count: Int) -> LoopTask<Int> {
        loop.createTask {
            do {
                return try await loop.createFuture(of: Int.self).value
            } catch {
                try await say.rounds(count)
                say(name, "clean")
                throw error
            }
        }
    }
    let tasks = [slow("a", 3), slow("b", 1), say.start("c", 0)]
    let outer = loop.createTask {
        say(await outcome { try await loop.gather(tasks) })
        try await say.rounds(1)
        say("goes on", me(loop).cancelling)
    }
    try await say.rounds(3)
    outer.cancel()
    try await say.ticks(8)
    say(states(tasks), state(outer))
}

private func gatherCancelReturnExceptions(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = ["a", "b"].map { say.start($0, 20) }
    let outer = loop.createTask { _ = try await loop.gatherResults(tasks) }
    try await say.rounds(2)
    outer.cancel()
    try await say.ticks(5)
    say(state(outer))
}

private func gatherChildCancelled(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [say.start("a", 4, 1), say.start("b", 9)]
    let ticker = say.ticker(7)
    try await say.rounds(1)
    tasks[1].cancel()
    say(await outcome { try await loop.gather(tasks) }, me(loop).cancelling)
    try await ticker.value
    say(states(tasks))
}

private func gatherDuplicates(_ loop: EventLoop, _ say: Trace) async throws {
    let (a, b) = (say.start("a", 2, 1), say.start("b", 1, 2))
    say(try await loop.gather([a, b, a, b]))
    let ticker = say.ticker(3)
    say(try await loop.gather([a, b, a]))
    try await ticker.value
}

private func gatherNested(_ loop: EventLoop, _ say: Trace) async throws {
    func inner(_ name: String) -> LoopTask<Int> {
        loop.createTask {
            let tasks = [2, 1].map { say.start(name + "\($0)", $0, $0) }
            return try await loop.gather(tasks).reduce(0, +)
        }
    }
    let ticker = say.ticker(10)
    say(try await loop.gather([inner("a"), inner("b")]))
    try await ticker.value
}

private func waitAll(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [say.start("a", 3, 1), say.start("b", 1, error: E("b")), say.start("c", 2, 2)]
    let ticker = say.ticker(7)
    let (done, pending) = try await loop.wait(tasks)
    say(done.count, pending.count)
    try await ticker.value
    say(states(tasks))
}

private func waitFirstCompleted(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [("a", 5), ("b", 2), ("c", 2), ("d", 3)].map { say.start($0, $1) }
    let ticker = say.ticker(8)
    var (done, pending) = try await loop.wait(tasks, returnWhen: .firstCompleted)
    say(done.count, pending.count)
    (done, pending) = try await loop.wait(pending, returnWhen: .firstCompleted)
    say(done.count, pending.count)
    try await ticker.value
}

private func waitFirstException(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [
        say.start("a", 1), say.start("b", 9), say.start("c", 3, error: E("c")), say.start("d", 6),
    ]
    loop.callSoon { tasks[1].cancel() }
    let ticker = say.ticker(9)
    let (done, pending) = try await loop.wait(tasks, returnWhen: .firstException)
    say(done.count, pending.count)
    try await ticker.value
    say(states(tasks))
}

private func waitDoneAlready(_ loop: EventLoop, _ say: Trace) async throws {
    let task = loop.createTask { _ = try await say.worker("a", 0) }
    try await say.rounds(2)
    let ticker = say.ticker(4)
    var (done, pending) = try await loop.wait([task])
    say(done.count, pending.count)
    (done, pending) = try await loop.wait([task, ticker], returnWhen: .firstCompleted)
    say(done.count, pending.count)
    try await ticker.value
}

private func waitCancel(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [say.start("a", 4), say.start("b", 5)]
    let outer = loop.createTask {
        do {
            _ = try await loop.wait(tasks)
        } catch is CancellationError {
            say("wait cancelled")
            throw CancellationError()
        }
    }
    try await say.rounds(2)
    outer.cancel()
    try await say.ticks(6)
    say(state(outer), states(tasks))
}

private func waitTimeout(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [say.start("a", 1), loop.createTask { try await loop.createFuture(of: Int.self).value }]
    let (done, pending) = try await loop.wait(tasks, timeout: .milliseconds(20))
    say(done.count, pending.count, state(tasks[1]))
    tasks[1].cancel()
    say(await outcome(tasks[1]))
}

private func asCompletedOrder(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [
        say.start("a", 5, 1), say.start("b", 1, 2), say.start("c", 3, error: E("c")), say.start("d", 1, 4),
    ]
    let ticker = say.ticker(9)
    for try await future in loop.asCompleted(tasks) { say("got", await outcome(future)) }
    say("over")
    try await ticker.value
}

private func asCompletedTimeout(_ loop: EventLoop, _ say: Trace) async throws {
    let slow = loop.createFuture(of: Int.self)
    do {
        for try await future in loop.asCompleted([say.start("a", 1, 1), slow], timeout: .milliseconds(20)) {
            say("got", await outcome(future))
        }
    } catch is TimeoutError {
        say("timeout")
    }
    say(state(slow))
}

private func asCompletedLeft(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = [("a", 2), ("b", 4), ("c", 6)].map { say.start($0, $1, $1) }
    let ticker = say.ticker(9)
    for try await future in loop.asCompleted(tasks) {
        say("got", await outcome(future))
        break
    }
    try await ticker.value
    say(states(tasks))
}

private func shieldSuccess(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(7)
    say(await outcome { try await loop.shield(say.start("a", 1, 1)) })
    say(await outcome { try await loop.shield(say.start("b", 1, error: E("b"))) })
    try await ticker.value
}

/// A task that waits behind a shield, and says what comes of it.
private func shielded(_ loop: EventLoop, _ say: Trace, _ inner: LoopTask<Int>) -> LoopTask<Void> {
    loop.createTask {
        say("outer", await outcome { try await loop.shield(inner) })
        say("cancelling", me(loop).cancelling)
    }
}

private func shieldCancelOuter(_ loop: EventLoop, _ say: Trace) async throws {
    let inner = say.start("inner", 5, 1)
    let outer = shielded(loop, say, inner)
    try await say.rounds(2)
    outer.cancel()
    try await say.ticks(6)
    say(state(inner), state(outer))
}

private func shieldCancelInner(_ loop: EventLoop, _ say: Trace) async throws {
    let inner = say.start("inner", 9)
    let outer = shielded(loop, say, inner)
    try await say.rounds(2)
    inner.cancel()
    try await say.ticks(4)
    say(state(inner), state(outer))
}

private func shieldGather(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = ["a", "b"].map { say.start($0, 4, 1) }
    let gathering = loop.createTask { try await loop.gather(tasks) }
    let outer = loop.createTask { _ = try await loop.shield(gathering) }
    try await say.rounds(3)
    outer.cancel()
    try await say.ticks(7)
    say(state(outer), state(gathering))
}
