// Callbacks, timers and futures.

import AsyncIO

let callbackTwins: [String: Twin] = [
    "call_soon_order": callSoonOrder, "call_soon_nested": callSoonNested,
    "callback_cancels_callback": callbackCancelsCallback, "callback_error": callbackError,
    "timers_past_order": timersPastOrder, "timers_equal_deadlines": timersEqualDeadlines,
    "timers_schedule": timersSchedule, "timers_cancelled": timersCancelled, "sleeps_in_order": sleepsInOrder,
    "future_callbacks": futureCallbacks, "future_callback_adds": futureCallbackAdds, "future_states": futureStates,
    "future_waiters": futureWaiters, "future_cancel_waiters": futureCancelWaiters,
    "cancel_one_waiter": cancelOneWaiter,
]

private func callSoonOrder(_ loop: EventLoop, _ say: Trace) async throws {
    let over = loop.createFuture(of: Void.self)
    let handles = ["a", "b", "c", "d"].map { name in loop.callSoon { say(name) } }
    handles[1].cancel()
    loop.callSoon {
        say("last")
        try over.setResult(())
    }
    say("scheduled")
    try await over.value
    say("cancelled", handles.filter(\.isCancelled).count)
}

private func callSoonNested(_ loop: EventLoop, _ say: Trace) async throws {
    func outer(_ name: String) {
        say("outer", name)
        loop.callSoon { inner(name, 1) }
    }
    func inner(_ name: String, _ depth: Int) {
        say("inner", name, depth)
        if depth < 3 { loop.callSoon { inner(name, depth + 1) } }
    }
    loop.callSoon { outer("a") }
    loop.callSoon { outer("b") }
    try await say.ticks(6)
}

private func callbackCancelsCallback(_ loop: EventLoop, _ say: Trace) async throws {
    var handles: [Handle] = []
    loop.callSoon {
        say("a")
        handles[0].cancel()
    }
    handles.append(loop.callSoon { say("b") })
    loop.callSoon { say("c") }
    try await say.ticks(2)
}

private func callbackError(_ loop: EventLoop, _ say: Trace) async throws {
    func fails(_ name: String) throws {
        say("fails", name)
        throw E(name)
    }
    loop.exceptionHandler = { _, context in say("report", shown(context.exception!)) }
    loop.callSoon { say("a") }
    loop.callSoon { try fails("b") }
    loop.callSoon { say("c") }
    loop.callSoon { try fails("d") }
    try await say.ticks(3)
}

private func timersPastOrder(_ loop: EventLoop, _ say: Trace) async throws {
    let over = loop.createFuture(of: Void.self)
    let base = loop.time() - .seconds(10)
    for offset in [3, 1, 4, 0, 5, 2] { loop.callAt(base + .seconds(offset)) { say("timer", offset) } }
    loop.callAt(base + .seconds(9)) { try over.setResult(()) }
    loop.callSoon { say("soon") }
    try await over.value
    say("over")
}

private func timersEqualDeadlines(_ loop: EventLoop, _ say: Trace) async throws {
    let over = loop.createFuture(of: Void.self)
    let base = loop.time() + .milliseconds(5)
    for name in ["a", "b"] { loop.callAt(base) { say(name) } }
    loop.callAt(base + .milliseconds(1)) { try over.setResult(()) }
    try await over.value
    say("over")
}

private func timersSchedule(_ loop: EventLoop, _ say: Trace) async throws {
    let over = loop.createFuture(of: Void.self)
    let base = loop.time() - .seconds(10)
    func fire(_ name: String) {
        say("timer", name)
        loop.callSoon { say("soon", name) }
    }
    loop.callAt(base) { fire("a") }
    loop.callAt(base + .seconds(1)) { fire("b") }
    loop.callAt(base + .seconds(2)) { fire("c") }
    loop.callAt(base + .seconds(3)) { loop.callSoon { try over.setResult(()) } }
    try await over.value
    say("over")
}

private func timersCancelled(_ loop: EventLoop, _ say: Trace) async throws {
    let over = loop.createFuture(of: Void.self)
    let base = loop.time() - .seconds(10)
    var handles: [String: TimerHandle] = [:]
    handles["a"] = loop.callAt(base) {
        say("a")
        handles["c"]!.cancel()
    }
    handles["b"] = loop.callAt(base + .seconds(1)) { say("b") }
    handles["c"] = loop.callAt(base + .seconds(2)) { say("c") }
    handles["d"] = loop.callAt(base + .seconds(3)) {
        say("d")
        try over.setResult(())
    }
    handles["b"]!.cancel()
    try await over.value
    say(["a", "b", "c", "d"].map { "\(handles[$0]!.isCancelled)" }.joined(separator: " "))
    handles = [:]
}

private func sleepsInOrder(_ loop: EventLoop, _ say: Trace) async throws {
    let base = loop.time() + .milliseconds(5)
    let woken = Dictionary(uniqueKeysWithValues: ["a", "b", "c"].map { ($0, loop.createFuture(of: Void.self)) })
    let tasks = ["a", "b", "c"].map { name in
        loop.createTask {
            try await woken[name]!.value
            say(name)
        }
    }
    loop.callAt(base + .milliseconds(3)) { try woken["a"]!.setResult(()) }
    loop.callAt(base + .milliseconds(1)) { try woken["b"]!.setResult(()) }
    loop.callAt(base + .milliseconds(2)) { try woken["c"]!.setResult(()) }
    for task in tasks { try await task.value }
}

private func futureCallbacks(_ loop: EventLoop, _ say: Trace) async throws {
    let future = loop.createFuture(of: Int.self)
    future.addDoneCallback { say("first", state($0)) }
    let removed = future.addDoneCallback { _ in say("removed") }
    future.addDoneCallback { say("second", state($0)) }
    say("removed", future.removeDoneCallback(removed))
    loop.callSoon { say("soon before") }
    try future.setResult(1)
    loop.callSoon { say("soon after") }
    future.addDoneCallback { _ in say("late") }
    say("set")
    try await say.ticks(3)
}

private func futureCallbackAdds(_ loop: EventLoop, _ say: Trace) async throws {
    let future = loop.createFuture(of: Void.self)
    future.addDoneCallback {
        say("first")
        $0.addDoneCallback { _ in say("third") }
    }
    future.addDoneCallback { _ in say("second") }
    try future.setResult(())
    try await say.ticks(4)
}

private func futureStates(_ loop: EventLoop, _ say: Trace) async throws {
    let future = loop.createFuture(of: Int.self)
    attempt(say, "result") { try future.result() }
    attempt(say, "exception") { try future.exception() as Any }
    try future.setResult(1)
    attempt(say, "result") { try future.result() }
    attempt(say, "cancel") { future.cancel() }
    attempt(say, "set_result") { try future.setResult(2) }
    attempt(say, "set_exception") { try future.setException(E("x")) }
    let cancelled = loop.createFuture(of: Int.self)
    attempt(say, "cancel") { cancelled.cancel() }
    attempt(say, "cancel") { cancelled.cancel() }
    attempt(say, "result") { try cancelled.result() }
    attempt(say, "exception") { try cancelled.exception() as Any }
    attempt(say, "set_result") { try cancelled.setResult(2) }
    let failed = loop.createFuture(of: Int.self)
    try failed.setException(E("f"))
    attempt(say, "result") { try failed.result() }
    say("exception", shown(try failed.exception()!))
}

private func futureWaiters(_ loop: EventLoop, _ say: Trace) async throws {
    let future = loop.createFuture(of: Int.self)
    func waiter(_ name: String) -> LoopTask<Void> { loop.createTask { say(name, await outcome(future)) } }
    _ = ["a", "b"].map(waiter)
    try await say.rounds(1)
    future.addDoneCallback { _ in say("callback") }
    _ = waiter("c")
    try await say.rounds(1)
    try future.setException(E("x"))
    try await say.ticks(2)
}

private func futureCancelWaiters(_ loop: EventLoop, _ say: Trace) async throws {
    let future = loop.createFuture(of: Int.self)
    let tasks = ["a", "b"].map { name in
        loop.createTask {
            say(name, await outcome(future))
            try await say.rounds(1)
            say(name, "goes on")
        }
    }
    try await say.rounds(1)
    say("cancel", future.cancel())
    try await say.ticks(3)
    say(tasks.filter { state($0) == "done" }.count)
}

private func cancelOneWaiter(_ loop: EventLoop, _ say: Trace) async throws {
    let future = loop.createFuture(of: Int.self)
    let tasks = ["a", "b", "c"].map { name in
        loop.createTask {
            do {
                _ = try await future.value
            } catch is CancellationError {
                say(name, "cancelled")
                throw CancellationError()
            }
        }
    }
    try await say.rounds(1)
    tasks[1].cancel()
    say("future", state(future))
    try await say.ticks(3)
    say(states(tasks))
}
