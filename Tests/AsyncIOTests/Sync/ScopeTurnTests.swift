// Scopes begin, end and go on without giving way: the order of events is CPython's.

import Testing

@testable import AsyncIO

@Suite struct ScopeTurnTests {
    @Test func scopesTakeNoTurnsOfTheirOwn() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callSoon { trace("soon 1") }
            try await loop.withTimeout(.seconds(3600)) {
                trace("body")
                loop.callSoon { trace("soon 2") }
            }
            trace("after")
            loop.callSoon { trace("soon 3") }
            try await loop.withTimeout(.seconds(3600)) {
                trace("body 2")
                try await loop.sleep(for: .zero)
                trace("body 2 on")
                loop.callSoon { trace("soon 4") }
            }
            trace("after 2")
            try await loop.withTimeout(.seconds(3600)) {
                try await loop.withTaskGroup { group in
                    group.createTask { trace("child") }
                    loop.callSoon { trace("soon 5") }
                    trace("group body")
                }
                trace("after group")
                loop.callSoon { trace("soon 6") }
            }
            trace("after 3")
            try await loop.sleep(for: .zero)
            trace("end")
            return trace.entries
        }
        // What CPython 3.13 prints for the same program.
        #expect(
            entries == [
                "body", "after", "body 2", "soon 1", "soon 2", "soon 3", "body 2 on", "after 2", "group body", "soon 4",
                "child", "soon 5", "after group", "after 3", "soon 6", "end",
            ])
    }

    @Test func timeoutOfZeroStrikesInTheRoundOfCPython() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            func tick(_ number: Int) {
                trace("tick \(number)")
                if number < 6 { loop.callSoon { tick(number + 1) } }
            }
            loop.callSoon { tick(1) }
            do {
                try await loop.withTimeout(.zero) {
                    trace("body")
                    do { try await loop.sleep(for: .zero) } catch {
                        trace("cancelled \(loop.currentTask!.cancelling)")
                        throw error
                    }
                }
            } catch { trace("timeout \(loop.currentTask!.cancelling)") }
            try await loop.sleep(for: .zero)
            trace("end")
            return trace.entries
        }
        #expect(entries == ["body", "tick 1", "cancelled 1", "timeout 0", "tick 2", "end"])
    }

    @Test(arguments: [true, false])
    func scopeInAnEagerTaskRunsInItsCreatorsTurn(suspends: Bool) async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            try await loop.withTimeout(.seconds(3600)) {
                let task = loop.createTask(eagerStart: true) {
                    try await loop.withTimeout(.seconds(3600)) {
                        trace("eager")
                        if suspends { try await loop.rounds(1) }
                    }
                    trace("eager after")
                }
                trace("creator \(task.isDone)")
                try await task.value
                trace("creator on")
            }
            trace("end")
            return trace.entries
        }
        #expect(
            entries
                == (suspends
                    ? ["eager", "creator false", "eager after", "creator on", "end"]
                    : ["eager", "eager after", "creator true", "creator on", "end"]))
    }

    @Test func manyScopesThatEndTogetherGoOnInOneTurn() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            func enter(_ depth: Int) async throws {
                guard depth > 0 else { return try await loop.sleep(for: .zero) }
                try await loop.withTimeout(.seconds(3600)) { try await enter(depth - 1) }
            }
            loop.callSoon {
                trace("tick 1")
                loop.callSoon { trace("tick 2") }
            }
            try await enter(200)
            trace("out")
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["tick 1", "out", "tick 2"])
    }

    @Test func tasksWithScopesKeepTheirOrder() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let tasks = (0..<4).map { number in
                loop.createTask {
                    for step in 0..<3 {
                        try await loop.withTimeout(.seconds(3600)) { try await loop.sleep(for: .zero) }
                        trace("\(step)\(number)")
                    }
                }
            }
            _ = try await loop.gather(tasks)
            return trace.entries
        }
        #expect(entries == (0..<3).flatMap { step in (0..<4).map { "\(step)\($0)" } })
    }

    @Test func scopeWhoseBodyLeavesTheLoopComesBack() async throws {
        let (onThread, entries) = try await onLoop { loop in
            let trace = Trace()
            try await loop.withTimeout(.seconds(3600)) {
                await Task { @concurrent in }.value
                trace("back")
            }
            trace("after")
            return (loop.executor.isOnLoopThread, trace.entries)
        }
        #expect(onThread)
        #expect(entries == ["back", "after"])
    }

    @Test func scopeThatAnActorOfTheLoopOpensEnds() async throws {
        let values = try await onLoop { loop in
            let clerk = Clerk(loop.executor)
            let task = loop.createTask { try await clerk.work() }
            // Nothing else is ready that would take the actor's turn along.
            return try await task.value
        }
        #expect(values == [1, 2, 3])
    }

    @Test func taskLocalsAreSeenInTheScope() async throws {
        let values = try await onLoop { loop in
            try await Local.$value.withValue(7) {
                try await loop.withTimeout(.seconds(3600)) {
                    let before = Local.value
                    try await loop.rounds(1)
                    return [before, Local.value]
                }
            }
        }
        #expect(values == [7, 7])
    }

    @Test func scopeKeepsNothingOfItsBody() async throws {
        let alive = try await onLoop { loop in
            let census = Census()
            for _ in 0..<10 {
                let member = census.join()
                try await loop.withTimeout(.seconds(3600)) {
                    try await loop.rounds(1)
                    withExtendedLifetime(member) {}
                }
            }
            try await loop.rounds(2)
            return census.alive
        }
        #expect(alive == 0)
    }
}

/// An actor that uses scopes of the task that calls it.
private actor Clerk {
    let executor: LoopExecutor
    private var values: [Int] = []

    init(_ executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func work() async throws -> [Int] {
        let loop = try EventLoop.running
        try await loop.withTimeout(.seconds(3600)) { [self] in
            note(1)
            try await EventLoop.running.sleep(for: .zero)
            note(2)
        }
        note(3)
        return values
    }

    private func note(_ value: Int) { values.append(value) }
}

private enum Local {
    @TaskLocal static var value = 0
}
