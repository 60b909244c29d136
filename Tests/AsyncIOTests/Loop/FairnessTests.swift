// How much may run before the loop looks at input, timers and other threads again: the budget that the documentation states.

import Glibc
import Testing

@testable import AsyncIO

/// Counts what a flood has run since it was asked last, and keeps the most.
private final class Flood {
    private(set) var most = 0
    private(set) var looks = 0
    private var since = 0

    func ran() { since += 1 }

    func look() {
        most = max(most, since)
        since = 0
        looks += 1
    }
}

/// Calls `body` whenever the loop polls: the other end has sent a byte that nobody reads.
private func withPendingInput<Value>(
    _ loop: EventLoop, _ body: @escaping () -> Void, run: () throws -> Value
) throws -> Value {
    let (near, far) = try SystemSocket.pair()
    defer {
        near.close()
        far.close()
    }
    #expect(write(far.descriptor, "x", 1) == 1)
    try loop.addReader(near.descriptor, body)
    defer { loop.removeReader(near.descriptor) }
    return try run()
}

@Suite struct FairnessTests {
    /// Runs a flood until the loop has polled fifty times, and returns how much ran between two polls at most.
    private func most(_ begin: @escaping @Sendable (EventLoop, @escaping () -> Void) -> Void) async throws -> Int {
        try await withLoop { loop in
            let flood = Flood()
            loop.exceptionHandler = { _, _ in }
            return try withPendingInput(loop) {
                flood.look()
                if flood.looks == 50 { loop.stop() }
            } run: {
                begin(loop) { flood.ran() }
                try loop.runForever()
                return flood.most
            }
        }
    }

    @Test func budgetIsTheOneThatTheDocumentationStates() {
        #expect(IterationBudget.callbacks == 64)
        #expect(IterationBudget.nanoseconds == 500_000)
    }

    @Test func callbacksHoldInputUpForTheBudgetAtMost() async throws {
        let most = try await most { loop, ran in
            func spin() {
                ran()
                loop.callSoon { spin() }
            }
            spin()
        }
        #expect(most > 1)
        #expect(most <= IterationBudget.callbacks)
    }

    @Test func tasksHoldInputUpForTheBudgetAtMost() async throws {
        let most = try await most { loop, ran in
            for _ in 0..<3 {
                loop.createTask {
                    while true {
                        try await loop.sleep(for: .zero)
                        ran()
                    }
                }
            }
        }
        #expect(most > 1)
        // A round is never cut short.
        #expect(most < IterationBudget.callbacks + 3)
    }

    @Test func roundThatIsLargerThanTheBudgetIsRunWholeAndIsTheOnlyOne() async throws {
        let most = try await most { loop, ran in
            func spin() {
                ran()
                loop.callSoon { spin() }
            }
            for _ in 0..<300 { loop.callSoon { spin() } }
        }
        #expect(most == 300)
    }

    @Test func slowCallbacksHoldInputUpForTheTimeOfTheBudgetAtMost() async throws {
        // Each takes a fifth of the time: the clock is read after eight of them.
        let most = try await most { loop, ran in
            func spin() {
                ran()
                let end = loop.time() + .nanoseconds(IterationBudget.nanoseconds / 5)
                while loop.time() < end {}
                loop.callSoon { spin() }
            }
            spin()
        }
        #expect(most <= 2 * IterationBudget.clockInterval)
    }

    @Test func timerThatFallsDueDuringAFloodRunsWhenTheClockIsReadNext() async throws {
        let most = try await withLoop { loop in
            let flood = Flood()
            var isDue = false
            func spin() {
                if isDue { flood.ran() }
                loop.callSoon { spin() }
            }
            func next() {
                isDue = false
                flood.look()
                if flood.looks == 50 { return loop.stop() }
                loop.callLater(after: .microseconds(50)) { next() }
                // Due from here on, whatever else the machine does.
                let end = loop.time() + .microseconds(60)
                loop.callSoon {
                    while loop.time() < end {}
                    isDue = true
                }
            }
            spin()
            next()
            try loop.runForever()
            return flood.most
        }
        #expect(most <= IterationBudget.callbacks)
    }

    @Test func postOfAnotherThreadIsFoundAfterTheBudgetAtMost() async throws {
        let most = try await withLoop { loop in
            let flood = Flood()
            let executor = loop.executor
            func spin() {
                flood.ran()
                loop.callSoon { spin() }
            }
            func post() throws {
                flood.look()
                if flood.looks == 20 { return loop.stop() }
                let next = UncheckedTransfer(post)  // SAFETY: called on the loop's thread only.
                let thread = try UVThread { _ = try? executor.callSoonThreadsafe { _ in try next.value() } }
                // It has been posted when this returns.
                thread.join()
            }
            spin()
            loop.callSoon { try post() }
            try loop.runForever()
            return flood.most
        }
        #expect(most <= IterationBudget.callbacks + 2)
    }
}
