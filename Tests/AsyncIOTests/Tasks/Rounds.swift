// Counting rounds: how tests say "one round later" and mean it.

import Testing

@testable import AsyncIO

/// Counts the rounds of a loop, and remembers in which one something happened. It ticks first in every round.
final class RoundCounter {
    private(set) var now = 0
    private(set) var marks: [String: Int] = [:]
    private var isRunning = true
    private unowned let loop: EventLoop

    init(_ loop: EventLoop) {
        self.loop = loop
        loop.callSoon { self.tick() }
    }

    private func tick() {
        guard isRunning else { return }
        now += 1
        loop.callSoon { self.tick() }
    }

    /// Round zero is this one, and nothing has happened yet.
    func restart() {
        now = 0
        marks = [:]
    }

    func mark(_ event: String) { marks[event] = now }
    func stop() { isRunning = false }
}

extension EventLoop {
    /// Gives way for some rounds.
    func rounds(_ count: Int) async throws {
        for _ in 0..<count { try await sleep(for: .zero) }
    }
}

/// Runs `body` with a counter that has begun to tick, and returns in which rounds it marked what.
func marksOfRounds(
    sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, RoundCounter) async throws -> Void
) async throws -> [String: Int] {
    try await onLoop(sourceLocation: sourceLocation) { loop in
        let counter = RoundCounter(loop)
        try await loop.rounds(1)
        try await body(loop, counter)
        counter.stop()
        return counter.marks
    }
}

/// An object whose end shows that nobody keeps it.
final class Token {}

/// What became of a future, as a value that may leave the loop.
func outcome<Value>(of future: Future<Value>) -> String {
    do {
        return "value \(try future.result())"
    } catch is CancellationError {
        return "cancelled"
    } catch is InvalidStateError {
        return "pending"
    } catch {
        return "error \(error)"
    }
}

/// Waits until the future is done, no matter how, and says what became of it.
func settled<Value>(_ future: Future<Value>) async -> String {
    _ = try? await future.value
    return outcome(of: future)
}

/// A variable that closures share.
final class Variable<Value> {
    var value: Value?
    init(_ value: Value? = nil) { self.value = value }
}
