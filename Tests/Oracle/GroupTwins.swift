// Task groups.

import AsyncIO

let groupTwins: [String: Twin] = [
    "group_success": groupSuccess, "group_failure": groupFailure,
    "group_failure_while_leaving": groupFailureWhileLeaving, "group_two_failures": groupTwoFailures,
    "group_body_error": groupBodyError, "group_body_error_at_once": groupBodyErrorAtOnce,
    "group_child_cancelled": groupChildCancelled, "group_cancel_outside": groupCancelOutside,
    "group_cancel_and_failure": groupCancelAndFailure, "group_nested": groupNested,
    "group_nested_outer_fails": groupNestedOuterFails, "group_child_spawns": groupChildSpawns,
    "group_in_timeout": groupInTimeout, "timeout_in_group": timeoutInGroup,
]

/// Waits for what does not come.
private func forever(_ loop: EventLoop) async throws { try await loop.createFuture(of: Void.self).value }

private func groupSuccess(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(8)
    let (a, b) = try await loop.withTaskGroup { group in
        let a = group.createTask { try await say.worker("a", 3, 1) }
        let b = group.createTask { try await say.worker("b", 1, 2) }
        say("body ends")
        return (a, b)
    }
    say("group ends", state(a), state(b))
    try await loop.withTaskGroup { _ in say("empty") }
    try await ticker.value
}

private func groupFailure(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(6)
    let result = await outcome {
        try await loop.withTaskGroup { group in
            group.createTask { try await say.worker("a", 9) }
            group.createTask { try await say.worker("b", 1, error: E("b")) }
            do {
                try await say.rounds(9)
            } catch is CancellationError {
                say("body cancelled", me(loop).cancelling)
                throw CancellationError()
            }
        }
    }
    say(result, me(loop).cancelling)
    try await ticker.value
}

private func groupFailureWhileLeaving(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(6)
    let result = await outcome {
        try await loop.withTaskGroup { group in
            group.createTask { try await say.worker("a", 9) }
            group.createTask { try await say.worker("b", 2, error: E("b")) }
            say("body ends")
        }
    }
    say(result, me(loop).cancelling)
    try await say.rounds(1)
    say("goes on")
    try await ticker.value
}

private func groupTwoFailures(_ loop: EventLoop, _ say: Trace) async throws {
    func stubborn(_ name: String, _ count: Int) async throws {
        do {
            try await forever(loop)
        } catch is CancellationError {
            try await say.rounds(count)
            say(name, "fails")
            throw E(name)
        }
    }
    let ticker = say.ticker(8)
    say(
        await outcome {
            try await loop.withTaskGroup { group in
                group.createTask { try await stubborn("a", 2) }
                group.createTask { try await say.worker("b", 1, error: E("b")) }
                group.createTask { try await stubborn("c", 1) }
            }
        })
    try await ticker.value
}

private func groupBodyError(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(6)
    say(
        await outcome {
            try await loop.withTaskGroup { group in
                group.createTask { try await say.worker("a", 9) }
                group.createTask {
                    do { try await forever(loop) } catch is CancellationError { throw E("child") }
                }
                try await say.rounds(1)
                say("body fails")
                throw E("body")
            }
        })
    try await ticker.value
}

private func groupBodyErrorAtOnce(_ loop: EventLoop, _ say: Trace) async throws {
    say(
        await outcome {
            try await loop.withTaskGroup { group in
                let a = group.createTask { try await say.worker("a", 1) }
                a.addDoneCallback { say("a", state($0)) }
                throw E("body")
            }
        })
}

private func groupChildCancelled(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(7)
    let result = await outcome {
        let (a, b) = try await loop.withTaskGroup { group in
            let a = group.createTask { try await say.worker("a", 9) }
            let b = group.createTask { try await say.worker("b", 3, 2) }
            try await say.rounds(1)
            a.cancel()
            say("body ends")
            return (a, b)
        }
        say(state(a), state(b))
    }
    say(result)
    try await ticker.value
}

private func groupCancelOutside(_ loop: EventLoop, _ say: Trace) async throws {
    let waitsInBody = loop.createTask {
        try await loop.withTaskGroup { group in
            group.createTask { try await say.worker("a", 9) }
            defer { say("body cancelled") }
            try await forever(loop)
        }
    }
    let waitsAtEnd = loop.createTask {
        try await loop.withTaskGroup { group in
            group.createTask { try await say.worker("b", 9) }
            group.createTask { try await say.worker("c", 9) }
        }
        return
    }
    let tasks = [waitsInBody, waitsAtEnd]
    try await say.rounds(3)
    for task in tasks { task.cancel() }
    try await say.ticks(6)
    say(states(tasks))
    say(tasks[0].cancelling, tasks[1].cancelling)
}

private func groupCancelAndFailure(_ loop: EventLoop, _ say: Trace) async throws {
    func group() async throws {
        try await loop.withTaskGroup { group in
            group.createTask {
                do { try await forever(loop) } catch is CancellationError { throw E("child") }
            }
            return
        }
    }
    let task = loop.createTask {
        say(await outcome { try await group() }, me(loop).cancelling)
        say(await outcome { try await say.rounds(1) }, me(loop).cancelling)
    }
    try await say.rounds(3)
    task.cancel()
    try await say.ticks(6)
    say(state(task))
}

private func groupNested(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(10)
    let result = await outcome {
        try await loop.withTaskGroup { group in
            group.createTask { try await say.worker("outer child", 20) }
            do {
                try await loop.withTaskGroup { inner in
                    inner.createTask { try await say.worker("inner child", 20) }
                    inner.createTask { try await say.worker("fails", 1, error: E("x")) }
                    return
                }
            } catch let error as ExceptionGroup {
                say("inner", shown(error))
                throw error
            }
        }
    }
    say("outer", result, me(loop).cancelling)
    try await ticker.value
}

private func groupNestedOuterFails(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(10)
    let result = await outcome {
        try await loop.withTaskGroup { group in
            group.createTask { try await say.worker("fails", 3, error: E("x")) }
            do {
                try await loop.withTaskGroup { inner in
                    inner.createTask { try await say.worker("inner child", 20) }
                    return
                }
            } catch {
                say("inner", shown(error), me(loop).cancelling)
                throw error
            }
        }
    }
    say("outer", result, me(loop).cancelling)
    try await ticker.value
}

private func groupChildSpawns(_ loop: EventLoop, _ say: Trace) async throws {
    func child(_ group: TaskGroup, _ depth: Int) async throws {
        say("child", depth)
        try await say.rounds(1)
        if depth < 3 { group.createTask { try await child(group, depth + 1) } }
        say("child", depth, "ends")
    }
    let ticker = say.ticker(9)
    try await loop.withTaskGroup { group in
        group.createTask { try await child(group, 0) }
        say("body ends")
    }
    say("group ends")
    try await ticker.value
}

private func groupInTimeout(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(6)
    let result = await outcome {
        try await loop.withTimeout(.zero) {
            try await loop.withTaskGroup { group in
                group.createTask { try await say.worker("a", 20) }
                group.createTask { try await say.worker("b", 20) }
                return
            }
        }
    }
    say(result, me(loop).cancelling)
    try await ticker.value
}

private func timeoutInGroup(_ loop: EventLoop, _ say: Trace) async throws {
    let ticker = say.ticker(8)
    let result = await outcome {
        try await loop.withTaskGroup { group in
            group.createTask { try await say.worker("a", 20) }
            group.createTask { try await loop.withTimeout(.zero) { try await forever(loop) } }
            return
        }
    }
    say(result, me(loop).cancelling)
    try await ticker.value
}
