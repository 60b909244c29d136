// Timeouts and wait_for.

import AsyncIO

let timeoutTwins: [String: Twin] = [
    "wait_for_success": waitForSuccess, "wait_for_zero": waitForZero, "wait_for_timeout": waitForTimeout,
    "wait_for_ignored": waitForIgnored, "wait_for_cancel": waitForCancel, "timeout_basic": timeoutBasic,
    "timeout_zero": timeoutZero, "timeout_none": timeoutNone, "timeout_nested_inner": timeoutNestedInner,
    "timeout_nested_outer": timeoutNestedOuter, "timeout_nested_equal": timeoutNestedEqual,
    "timeout_swallowed": timeoutSwallowed, "timeout_reschedule": timeoutReschedule,
    "timeout_cancel_outside": timeoutCancelOutside, "timeout_gather": timeoutGather,
]

/// Waits for what does not come.
private func forever(_ loop: EventLoop) async throws { try await loop.createFuture(of: Void.self).value }

private func waitForSuccess(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(6)
    say(await outcome { try await loop.waitFor(timeout: .seconds(60)) { try await say.worker("operation", 2, 1) } })
    say(await outcome { try await loop.waitFor(say.start("task", 1, 2), timeout: nil) })
    say(
        await outcome {
            try await loop.waitFor(timeout: .seconds(60)) { try await say.worker("fails", 1, error: E("x")) }
        })
    try await ticker.value
}

private func waitForZero(_ loop: EventLoop, _ say: Trace) async throws {
    let done = say.start("done", 0, 1)
    let begun = say.start("begun", 9)
    try await say.rounds(2)
    let fresh = say.start("fresh", 0)
    let ticker = say.ticker(6)
    say(await outcome { try await loop.waitFor(done, timeout: .zero) })
    say(await outcome { try await loop.waitFor(begun, timeout: .zero) })
    say(await outcome { try await loop.waitFor(fresh, timeout: .zero) })
    say(await outcome { try await loop.waitFor(loop.createFuture(of: Int.self), timeout: .seconds(-1)) })
    try await ticker.value
    say(state(begun), state(fresh))
}

private func waitForTimeout(_ loop: EventLoop, _ say: Trace) async throws {
    func slow() async throws {
        do {
            try await forever(loop)
        } catch {
            say("cleans up")
            try await say.rounds(3)
            say("is clean")
            throw error
        }
    }
    say(await outcome { try await loop.waitFor(timeout: .milliseconds(2)) { try await slow() } })
    let task = loop.createTask { try await slow() }
    say(await outcome { try await loop.waitFor(task, timeout: .milliseconds(2)) }, state(task), me(loop).cancelling)
}

private func waitForIgnored(_ loop: EventLoop, _ say: Trace) async throws {
    func stubborn() async throws -> Int {
        do { try await forever(loop) } catch is CancellationError { say("swallowed") }
        return 5
    }
    func fails() async throws {
        do { try await forever(loop) } catch is CancellationError { throw E("instead") }
    }
    say(await outcome { try await loop.waitFor(timeout: .milliseconds(2)) { try await stubborn() } })
    say(
        await outcome {
            try await loop.waitFor(loop.createTask { try await stubborn() }, timeout: .milliseconds(2))
        })
    say(await outcome { try await loop.waitFor(loop.createTask { try await fails() }, timeout: .milliseconds(2)) })
    say(me(loop).cancelling)
}

private func waitForCancel(_ loop: EventLoop, _ say: Trace) async throws {
    let inner = say.start("inner", 20)
    let outer = loop.createTask {
        say(await outcome { try await loop.waitFor(inner, timeout: .seconds(60)) })
        say("cancelling", me(loop).cancelling)
    }
    try await say.rounds(2)
    outer.cancel()
    try await say.ticks(4)
    say(state(inner), state(outer))
}

private func timeoutBasic(_ loop: EventLoop, _ say: Trace) async throws {
    let result = await outcome {
        try await loop.withTimeout(.milliseconds(2)) { limit in
            do {
                try await forever(loop)
            } catch is CancellationError {
                say("body cancelled", limit.isExpired, me(loop).cancelling)
                throw CancellationError()
            }
        }
    }
    say(result, me(loop).cancelling)
    try await say.rounds(1)
    say("goes on")
}

private func timeoutZero(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(4)
    say(
        await outcome {
            try await loop.withTimeout(.zero) {
                say("begins")
                try await say.rounds(1)
                say("one round")
                try await say.rounds(1)
                say("two rounds")
            }
        })
    say(
        await outcome {
            let limit = try await loop.withTimeout(.zero) { limit in
                say("no wait")
                return limit
            }
            say("expired", limit.isExpired)
        })
    try await ticker.value
}

private func timeoutNone(_ loop: EventLoop, _ say: Trace) async throws {
    func body(_ delay: Duration?, _ error: E?) async throws {
        let limit = try await loop.withTimeout(delay) { limit in
            try await say.rounds(2)
            say("limited", limit.when != nil)
            if let error { throw error }
            return limit
        }
        say("expired", limit.isExpired)
    }
    say(await outcome { try await body(nil, nil) })
    say(await outcome { try await body(.seconds(60), nil) })
    say(await outcome { try await body(.seconds(60), E("x")) })
}

private func timeoutNestedInner(_ loop: EventLoop, _ say: Trace) async throws {
    let result = await outcome {
        try await loop.withTimeout(.seconds(60)) { limit in
            let inner = await outcome {
                try await loop.withTimeout(.milliseconds(2)) { try await forever(loop) }
            }
            say("inner", inner, me(loop).cancelling)
            try await say.rounds(1)
            say("outer goes on", limit.isExpired)
        }
    }
    say("outer", result)
}

private func timeoutNestedOuter(_ loop: EventLoop, _ say: Trace) async throws {
    func inner() async throws {
        try await loop.withTimeout(.seconds(60)) { limit in
            defer { say("inner expired", limit.isExpired) }
            try await forever(loop)
        }
    }
    let result = await outcome {
        try await loop.withTimeout(.milliseconds(2)) { limit in
            do {
                try await inner()
            } catch {
                say("inner", shown(error), limit.isExpired)
                throw error
            }
        }
    }
    say("outer", result, me(loop).cancelling)
}

private func timeoutNestedEqual(_ loop: EventLoop, _ say: Trace) async throws {
    func inner() async throws {
        try await loop.withTimeout(.zero) { limit in
            defer { say("inner expired", limit.isExpired, me(loop).cancelling) }
            try await forever(loop)
        }
    }
    let result = await outcome {
        try await loop.withTimeout(.zero) { limit in
            do {
                try await inner()
            } catch {
                say("inner", shown(error), limit.isExpired, me(loop).cancelling)
                throw error
            }
        }
    }
    say("outer", result, me(loop).cancelling)
}

private func timeoutSwallowed(_ loop: EventLoop, _ say: Trace) async throws {
    func body() async throws {
        let limit = try await loop.withTimeout(.zero) { limit in
            say(await outcome { try await forever(loop) })
            try await say.rounds(2)
            say("goes on", me(loop).cancelling)
            return limit
        }
        say("expired", limit.isExpired, me(loop).cancelling)
    }
    func fails() async throws {
        try await loop.withTimeout(.zero) {
            do { try await forever(loop) } catch is CancellationError { throw E("instead") }
        }
    }
    say(await outcome { try await body() })
    say(await outcome { try await fails() }, me(loop).cancelling)
}

private func timeoutReschedule(_ loop: EventLoop, _ say: Trace) async throws {
    func past() async throws {
        try await loop.withTimeout(.seconds(60)) { limit in
            try await say.rounds(1)
            limit.reschedule(loop.time() - .seconds(1))
            try await say.rounds(1)
            say("one round")
            try await say.rounds(2)
            say("not here")
        }
    }
    func lifted() async throws {
        try await loop.withTimeout(.zero) { limit in
            limit.reschedule(nil)
            try await say.rounds(3)
            say("lifted", limit.when == nil, limit.isExpired)
        }
    }
    func away() async throws {
        try await loop.withTimeout(.zero) { limit in
            limit.reschedule(loop.time() + .seconds(60))
            try await say.rounds(3)
            say("away", limit.isExpired)
        }
    }
    say(await outcome { try await past() })
    say(await outcome { try await lifted() })
    say(await outcome { try await away() })
}

private func timeoutCancelOutside(_ loop: EventLoop, _ say: Trace) async throws {
    func body(_ name: String, _ delay: Duration) -> LoopTask<Void> {
        loop.createTask {
            try await loop.withTimeout(delay) {
                do {
                    try await forever(loop)
                } catch {
                    say(name, "cleans up")
                    try await say.rounds(2)
                    say(name, "is clean")
                    throw error
                }
            }
        }
    }
    let (a, b, c) = (body("a", .seconds(60)), body("b", .zero), body("c", .zero))
    try await say.rounds(1)
    a.cancel()
    c.cancel()
    try await say.rounds(2)
    b.cancel()
    try await say.rounds(6)
    say(states([a, b, c]))
    say(a.cancelling, b.cancelling, c.cancelling)
}

private func timeoutGather(_ loop: EventLoop, _ say: Trace) async throws {
    let tasks = ["a", "b"].map { say.start($0, 20) }
    let ticker = say.ticker(6)
    say(await outcome { try await loop.withTimeout(.zero) { _ = try await loop.gather(tasks) } })
    try await ticker.value
    say(states(tasks))
}
