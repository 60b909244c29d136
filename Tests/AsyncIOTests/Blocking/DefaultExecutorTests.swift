// The default executor: replacing it and shutting it down.

import Testing

@testable import AsyncIO

/// Counts what it is given and runs it at once, on the calling thread.
private final class InlineExecutor: BlockingExecutor {
    let submitted = SharedCounter()
    let shutdowns = SharedCounter()

    func submit(_ work: @escaping @Sendable () -> Void) throws {
        submitted.increment()
        work()
    }

    func shutdown(wait: Bool) { shutdowns.increment() }
}

@Suite struct DefaultExecutorTests {
    @Test func replacementServesRunInExecutorAndToThread() async throws {
        let (count, values) = try await onLoop { loop in
            let executor = InlineExecutor()
            loop.setDefaultExecutor(executor)
            let values = [try await loop.runInExecutor { 1 }.value, try await loop.toThread { 2 }]
            return (executor.submitted.value, values)
        }
        #expect(count == 2)
        #expect(values == [1, 2])
    }

    @Test func executorThatIsNamedIsUsedInsteadOfTheDefault() async throws {
        let counts = try await onLoop { loop in
            let replacement = InlineExecutor()
            let own = InlineExecutor()
            loop.setDefaultExecutor(replacement)
            try await loop.runInExecutor(own) {}.value
            return [replacement.submitted.value, own.submitted.value]
        }
        #expect(counts == [0, 1])
    }

    @Test func shutdownWaitsForWorkOfThePool() async throws {
        let count = try await onLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            _ = loop.runInExecutor {
                gate.pass()
                count.increment()
            }
            gate.waitForArrivals(1)
            loop.callSoon { gate.open() }
            try await loop.shutdownDefaultExecutor()
            return count.value
        }
        #expect(count == 1)
    }

    @Test func shutdownShutsTheReplacementDown() async throws {
        let count = try await onLoop { loop in
            let executor = InlineExecutor()
            loop.setDefaultExecutor(executor)
            try await loop.shutdownDefaultExecutor()
            try await loop.shutdownDefaultExecutor()
            return executor.shutdowns.value
        }
        #expect(count == 1)
    }

    @Test func workAfterTheShutdownIsRefused() async throws {
        let results = try await onLoop { loop in
            try await loop.shutdownDefaultExecutor()
            let future = loop.runInExecutor { 1 }
            let task = loop.createTask { try await loop.toThread { 1 } }
            return [outcome(of: future), await settled(task)]
        }
        #expect(results == Array(repeating: "error Executor shutdown has been called", count: 2))
    }

    @Test func executorOfItsOwnWorksAfterTheShutdown() async throws {
        let value = try await onLoop { loop in
            try await loop.shutdownDefaultExecutor()
            return try await loop.runInExecutor(InlineExecutor()) { 7 }.value
        }
        #expect(value == 7)
    }

    @Test func executorThatIsSetAfterTheShutdownIsNotUsed() async throws {
        let (result, count) = try await onLoop { loop in
            try await loop.shutdownDefaultExecutor()
            let late = InlineExecutor()
            loop.setDefaultExecutor(late)
            return (outcome(of: loop.runInExecutor { 1 }), late.submitted.value)
        }
        #expect(result == "error Executor shutdown has been called")
        #expect(count == 0)
    }

    @Test func timeoutEndsTheWaitAndTheWorkGoesOn() async throws {
        let counts = try await onLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            _ = loop.runInExecutor {
                gate.pass()
                count.increment()
            }
            gate.waitForArrivals(1)
            try await loop.shutdownDefaultExecutor(timeout: .milliseconds(1))
            let before = count.value
            gate.open()
            try await loop.shutdownDefaultExecutor()
            return [before, count.value]
        }
        #expect(counts == [0, 1])
    }

    @Test func timeoutOfOneShutdownDoesNotEndAnother() async throws {
        let results = try await onLoop { loop in
            let gate = Gate()
            _ = loop.runInExecutor { gate.pass() }
            gate.waitForArrivals(1)
            let patient = loop.createTask { try await loop.shutdownDefaultExecutor() }
            let hasty = loop.createTask { try await loop.shutdownDefaultExecutor(timeout: .milliseconds(1)) }
            var results = [await settled(hasty)]
            try await loop.rounds(2)
            results.append(outcome(of: patient))
            gate.open()
            results.append(await settled(patient))
            return results
        }
        #expect(results == ["value ()", "pending", "value ()"])
    }

    @Test func cancelOfOneShutdownDoesNotEndAnother() async throws {
        let results = try await onLoop { loop in
            let gate = Gate()
            _ = loop.runInExecutor { gate.pass() }
            gate.waitForArrivals(1)
            let patient = loop.createTask { try await loop.shutdownDefaultExecutor() }
            let cancelled = loop.createTask { try await loop.shutdownDefaultExecutor() }
            try await loop.rounds(1)
            cancelled.cancel()
            var results = [await settled(cancelled)]
            try await loop.rounds(2)
            results.append(outcome(of: patient))
            gate.open()
            results.append(await settled(patient))
            return results
        }
        #expect(results == ["cancelled", "pending", "value ()"])
    }

    @Test func shutdownAfterACancelledOneStillWaits() async throws {
        let (count, result) = try await onLoop { loop in
            let gate = Gate()
            let count = SharedCounter()
            _ = loop.runInExecutor {
                gate.pass()
                count.increment()
            }
            gate.waitForArrivals(1)
            let cancelled = loop.createTask { try await loop.shutdownDefaultExecutor() }
            try await loop.rounds(1)
            cancelled.cancel()
            _ = await settled(cancelled)
            let second = loop.createTask { try await loop.shutdownDefaultExecutor() }
            try await loop.rounds(2)
            gate.open()
            return (await settled(second), count.value)
        }
        #expect(count == "value ()")
        #expect(result == 1)
    }
}
