// How tasks are cancelled, and what they make of it.

import AsyncIO

let cancellationTwins: [String: Twin] = [
    "cancel_before_start": cancelBeforeStart, "cancel_once": cancelOnce,
    "cancel_twice_before_delivery": cancelTwiceBeforeDelivery, "cancel_in_finally": cancelInFinally,
    "cancel_chain": cancelChain, "cancel_chain_swallowed": cancelChainSwallowed, "cancel_self": cancelSelf,
    "cancel_self_and_return": cancelSelfAndReturn, "cancel_after_result": cancelAfterResult,
    "cancel_becomes_error": cancelBecomesError, "uncancel_before_delivery": uncancelBeforeDelivery,
]

private func cancelBeforeStart(_ loop: EventLoop, _ say: Trace) async throws {
    let task = say.start("task", 0)
    say("cancel", task.cancel(), task.cancelling, state(task))
    let ticker = say.ticker(3)
    say(await outcome(task))
    say(state(task))
    try await ticker.value
}

private func cancelOnce(_ loop: EventLoop, _ say: Trace) async throws {
    let task = loop.createTask {
        for number in 0..<3 {
            do {
                try await say.rounds(2)
                say("slept", number)
            } catch is CancellationError {
                say("cancelled", number)
            }
        }
        return 9
    }
    try await say.rounds(1)
    say(task.cancel())
    try await say.ticks(2)
    let before = task.cancelling
    say(before, await outcome(task), task.isCancelled, task.cancelling)
}

private func cancelTwiceBeforeDelivery(_ loop: EventLoop, _ say: Trace) async throws {
    let task = loop.createTask {
        do {
            try await loop.createFuture(of: Void.self).value
        } catch is CancellationError {
            say("cancelled", me(loop).cancelling)
        }
        try await say.rounds(1)
        say("goes on", me(loop).uncancel(), me(loop).uncancel())
        say("at zero", me(loop).uncancel())
    }
    try await say.rounds(1)
    task.cancel()
    task.cancel()
    say(await outcome(task))
}

private func cancelInFinally(_ loop: EventLoop, _ say: Trace) async throws {
    func work(_ name: String) -> LoopTask<Void> {
        loop.createTask {
            do {
                try await loop.createFuture(of: Void.self).value
            } catch {
                say(name, "cleans up")
                try await say.rounds(2)
                say(name, "is clean")
                throw error
            }
        }
    }
    let (a, b) = (work("a"), work("b"))
    try await say.rounds(1)
    a.cancel()
    b.cancel()
    try await say.rounds(2)
    b.cancel()
    try await say.ticks(3)
    say(state(a), state(b), a.cancelling, b.cancelling)
}

private func cancelChain(_ loop: EventLoop, _ say: Trace) async throws {
    func link(_ name: String, _ awaited: Future<Void>) -> LoopTask<Void> {
        loop.createTask {
            do {
                try await awaited.value
            } catch {
                say(name, "cancelled", me(loop).cancelling)
                throw error
            }
        }
    }
    let future = loop.createFuture(of: Void.self)
    let c = link("c", future)
    let b = link("b", c)
    let a = link("a", b)
    try await say.rounds(2)
    a.cancel()
    say(state(future), a.cancelling, b.cancelling, c.cancelling)
    try await say.ticks(5)
    say(states([a, b, c]))
}

private func cancelChainSwallowed(_ loop: EventLoop, _ say: Trace) async throws {
    let inner = loop.createTask {
        do {
            try await loop.createFuture(of: Void.self).value
        } catch is CancellationError {
            say("swallowed")
        }
        return 3
    }
    let outer = loop.createTask {
        let value = try await inner.value
        say("link", value, me(loop).cancelling)
        try await say.rounds(1)
        return value + 1
    }
    try await say.rounds(2)
    outer.cancel()
    try await say.ticks(4)
    say(state(outer), state(inner))
}

private func cancelSelf(_ loop: EventLoop, _ say: Trace) async throws {
    let task = loop.createTask {
        me(loop).cancel()
        say("still here")
        do {
            try await loop.sleep(for: .zero)
            say("not here")
        } catch is CancellationError {
            say("cancelled")
        }
        return 1
    }
    try await say.ticks(3)
    say(state(task))
}

private func cancelSelfAndReturn(_ loop: EventLoop, _ say: Trace) async throws {
    func work(_ error: E?) -> LoopTask<Int> {
        loop.createTask {
            me(loop).cancel()
            if let error { throw error }
            return 1
        }
    }
    let (a, b) = (work(nil), work(E("x")))
    try await say.rounds(2)
    say(state(a), state(b))
}

private func cancelAfterResult(_ loop: EventLoop, _ say: Trace) async throws {
    let future = loop.createFuture(of: Int.self)
    let task = loop.createTask {
        do {
            say("value", try await future.value)
        } catch is CancellationError {
            say("cancelled")
        }
        try await say.rounds(1)
        say("goes on")
    }
    try await say.rounds(1)
    try future.setResult(1)
    say(task.cancel())
    try await say.ticks(3)
    say(state(future), state(task))
}

private func cancelBecomesError(_ loop: EventLoop, _ say: Trace) async throws {
    let task = loop.createTask {
        do {
            try await loop.createFuture(of: Void.self).value
        } catch is CancellationError {
            throw E("instead")
        }
    }
    try await say.rounds(1)
    task.cancel()
    say(await outcome(task))
    say(task.isCancelled, task.cancelling)
}

private func uncancelBeforeDelivery(_ loop: EventLoop, _ say: Trace) async throws {
    let task = loop.createTask {
        let me = me(loop)
        me.cancel()
        me.cancel()
        say(me.uncancel(), me.uncancel())
        try await say.rounds(1)
        say("goes on")
        me.cancel()
        me.cancel()
        say(me.uncancel())
        say(await outcome { try await say.rounds(1) })
    }
    try await say.rounds(4)
    say(state(task), task.cancelling)
}
