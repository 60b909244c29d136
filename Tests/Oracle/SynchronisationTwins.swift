// Locks, events, conditions, semaphores and barriers.

import AsyncIO

let synchronisationTwins: [String: Twin] = [
    "lock_fifo": lockFifo, "lock_cancel": lockCancel, "lock_no_overtaking": lockNoOvertaking,
    "event_order": eventOrder, "event_set_clear": eventSetClear, "condition_notify": conditionNotify,
    "condition_wait_for": conditionWaitFor, "condition_cancel": conditionCancel,
    "condition_cancel_notified": conditionCancelNotified, "semaphore_fifo": semaphoreFifo,
    "semaphore_cancel": semaphoreCancel, "semaphore_no_overtaking": semaphoreNoOvertaking,
    "barrier_turns": barrierTurns, "barrier_abort": barrierAbort, "barrier_reset": barrierReset,
    "barrier_cancel": barrierCancel,
]

private func lockFifo(_ loop: EventLoop, _ say: Trace) async throws {
    let lock = Lock(loop)
    let tasks = ["a", "b", "c"].map { name in
        loop.createTask {
            try await lock.withLock {
                say(name, "has it")
                try await say.rounds(2)
                say(name, "gives it back")
            }
        }
    }
    try await say.ticks(9)
    say(states(tasks), lock.isLocked)
}

private func lockCancel(_ loop: EventLoop, _ say: Trace) async throws {
    let lock = Lock(loop)
    try await lock.acquire()
    let tasks = ["a", "b", "c", "d"].map { name in
        loop.createTask {
            do {
                try await lock.withLock {
                    say(name, "has it")
                    try await say.rounds(1)
                }
            } catch is CancellationError {
                say(name, "cancelled")
                throw CancellationError()
            }
        }
    }
    try await say.rounds(1)
    tasks[1].cancel()
    try await say.rounds(1)
    lock.release()
    tasks[0].cancel()
    try await say.ticks(6)
    say(states(tasks), lock.isLocked)
}

private func lockNoOvertaking(_ loop: EventLoop, _ say: Trace) async throws {
    let lock = Lock(loop)
    func work(_ name: String) async throws {
        try await lock.acquire()
        say(name, "has it")
        lock.release()
    }
    try await lock.acquire()
    let task = loop.createTask { try await work("a") }
    try await say.rounds(1)
    lock.release()
    say("free", !lock.isLocked)
    try await work("main")
    try await say.ticks(2)
    say(!lock.isLocked, state(task))
}

private func eventOrder(_ loop: EventLoop, _ say: Trace) async throws {
    let event = Event(loop)
    func work(_ name: String) async throws {
        try await event.wait()
        say(name)
    }
    let tasks = ["a", "b", "c"].map { name in loop.createTask { try await work(name) } }
    try await say.rounds(1)
    event.set()
    loop.callSoon { say("soon") }
    try await work("main")
    tasks[1].cancel()
    try await say.ticks(2)
    say(states(tasks))
}

private func eventSetClear(_ loop: EventLoop, _ say: Trace) async throws {
    let event = Event(loop)
    let tasks: [LoopTask<Void>] = ["a", "b"].map { name in
        loop.createTask {
            while true {
                try await event.wait()
                say(name, event.isSet)
                try await say.rounds(1)
            }
        }
    }
    try await say.rounds(1)
    event.set()
    event.clear()
    try await say.ticks(3)
    event.set()
    try await say.ticks(2)
    event.clear()
    try await say.ticks(2)
    for task in tasks { task.cancel() }
    try await say.rounds(2)
    say(states(tasks))
}

private func conditionNotify(_ loop: EventLoop, _ say: Trace) async throws {
    let condition = Condition(loop)
    let tasks = ["a", "b", "c", "d"].map { name in
        loop.createTask {
            try await condition.withLock {
                try await condition.wait()
                say(name, condition.isLocked)
                try await say.rounds(1)
                say(name, "leaves")
            }
        }
    }
    try await say.rounds(2)
    try await condition.withLock {
        condition.notify(2)
        say("notified two")
        try await say.rounds(2)
        say("main leaves")
    }
    try await say.ticks(6)
    try await condition.withLock { condition.notifyAll() }
    try await say.ticks(6)
    say(states(tasks))
}

private func conditionWaitFor(_ loop: EventLoop, _ say: Trace) async throws {
    let condition = Condition(loop)
    var current = 0
    func work(_ name: String, _ wanted: Int) -> LoopTask<Void> {
        loop.createTask {
            try await condition.withLock {
                try await condition.wait(for: {
                    say(name, "asks")
                    return current >= wanted
                })
                say(name, "has", current)
            }
        }
    }
    let tasks = [work("a", 2), work("b", 1)]
    try await say.rounds(1)
    for value in [1, 2] {
        try await condition.withLock {
            current = value
            condition.notifyAll()
        }
        try await say.ticks(4)
    }
    say(states(tasks))
}

private func conditionCancel(_ loop: EventLoop, _ say: Trace) async throws {
    let condition = Condition(loop)
    let tasks = ["a", "b"].map { name in
        loop.createTask {
            try await condition.withLock {
                do {
                    try await condition.wait()
                    say(name, "notified")
                } catch is CancellationError {
                    say(name, "cancelled", condition.isLocked)
                    throw CancellationError()
                }
            }
        }
    }
    try await say.rounds(1)
    try await condition.withLock {
        tasks[0].cancel()
        try await say.ticks(3)
        say("main leaves")
    }
    try await say.ticks(3)
    say(states(tasks))
    try await condition.withLock { condition.notify() }
    try await say.ticks(3)
    say(states(tasks))
}

private func conditionCancelNotified(_ loop: EventLoop, _ say: Trace) async throws {
    let condition = Condition(loop)
    let tasks = ["a", "b", "c"].map { name in
        loop.createTask {
            try await condition.withLock { say(name, await outcome { try await condition.wait() }) }
        }
    }
    try await say.rounds(1)
    try await condition.withLock {
        condition.notify()
        tasks[0].cancel()
    }
    try await say.ticks(6)
    say(states(tasks))
    try await condition.withLock { condition.notifyAll() }
    try await say.ticks(4)
    say(states(tasks))
}

private func semaphoreFifo(_ loop: EventLoop, _ say: Trace) async throws {
    let semaphore = Semaphore(loop, value: 2)
    let tasks = ["a", "b", "c", "d", "e"].map { name in
        loop.createTask {
            try await semaphore.withPermit {
                say(name, "begins", semaphore.isLocked)
                try await say.rounds(2)
                say(name, "ends")
            }
        }
    }
    try await say.ticks(12)
    say(states(tasks), semaphore.isLocked)
}

private func semaphoreCancel(_ loop: EventLoop, _ say: Trace) async throws {
    let semaphore = Semaphore(loop, value: 1)
    try await semaphore.acquire()
    let tasks = ["a", "b", "c", "d"].map { name in
        loop.createTask {
            do {
                try await semaphore.withPermit {
                    say(name, "has one")
                    try await say.rounds(1)
                }
            } catch is CancellationError {
                say(name, "cancelled")
                throw CancellationError()
            }
        }
    }
    try await say.rounds(1)
    tasks[1].cancel()
    try await say.rounds(1)
    semaphore.release()
    tasks[0].cancel()
    try await say.ticks(7)
    say(states(tasks), semaphore.isLocked)
}

private func semaphoreNoOvertaking(_ loop: EventLoop, _ say: Trace) async throws {
    let semaphore = Semaphore(loop, value: 0)
    func work(_ name: String) -> LoopTask<Void> {
        loop.createTask {
            try await semaphore.acquire()
            say(name)
        }
    }
    var tasks = ["a", "b", "c"].map(work)
    try await say.rounds(1)
    semaphore.release()
    semaphore.release()
    say(semaphore.isLocked)
    tasks.append(work("d"))
    try await say.ticks(3)
    semaphore.release()
    semaphore.release()
    try await say.ticks(3)
    semaphore.release()
    say(semaphore.isLocked, states(tasks))
}

private func barrierTurns(_ loop: EventLoop, _ say: Trace) async throws {
    let barrier = Barrier(loop, parties: 2)
    let tasks = ["a", "b", "c", "d"].map { name in
        loop.createTask {
            for turn in 0..<2 {
                let index = try await barrier.wait()
                say(name, "turn", turn, "index", index)
            }
        }
    }
    try await say.ticks(12)
    say(states(tasks), barrier.nWaiting)
}

private func barrierAbort(_ loop: EventLoop, _ say: Trace) async throws {
    let barrier = Barrier(loop, parties: 3)
    func attempt(_ name: String) async {
        say(
            name,
            await outcome {
                let index = try await barrier.wait()
                say(name, index >= 0 ? "through" : "?")
            })
    }
    func start(_ name: String) -> LoopTask<Void> { loop.createTask { await attempt(name) } }
    _ = ["a", "b"].map(start)
    try await say.rounds(2)
    say(barrier.nWaiting)
    try await barrier.abort()
    say("broken", barrier.isBroken)
    await attempt("main")
    try await say.ticks(3)
    try await barrier.reset()
    say("broken", barrier.isBroken)
    _ = ["c", "d", "e"].map(start)
    try await say.ticks(6)
}

private func barrierReset(_ loop: EventLoop, _ say: Trace) async throws {
    let barrier = Barrier(loop, parties: 3)
    func attempt(_ name: String) -> LoopTask<Void> {
        loop.createTask {
            do {
                try await barrier.wait()
                say(name, "through")
            } catch is BrokenBarrierError {
                say(name, "sent away", barrier.isBroken)
            }
        }
    }
    var tasks = ["a", "b"].map(attempt)
    try await say.rounds(2)
    try await barrier.reset()
    tasks += ["c", "d", "e"].map(attempt)
    try await say.ticks(8)
    say(states(tasks), barrier.nWaiting)
}

private func barrierCancel(_ loop: EventLoop, _ say: Trace) async throws {
    let barrier = Barrier(loop, parties: 2)
    func work(_ name: String) -> LoopTask<Void> {
        loop.createTask {
            do {
                try await barrier.wait()
                say(name, "through")
            } catch is CancellationError {
                say(name, "cancelled")
                throw CancellationError()
            }
        }
    }
    let a = work("a")
    try await say.rounds(1)
    say(barrier.nWaiting)
    a.cancel()
    try await say.rounds(2)
    say(barrier.nWaiting, barrier.isBroken)
    let (b, c) = (work("b"), work("c"))
    try await say.ticks(6)
    say(states([a, b, c]))
}
