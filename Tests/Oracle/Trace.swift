// What the twins share: the same helpers as python/oracle.py has, by the same names.

@testable import AsyncIO

/// A scenario in Swift.
typealias Twin = nonisolated(nonsending) @Sendable (_ loop: EventLoop, _ say: Trace) async throws -> Void

/// An error of a scenario.
struct E: Error {
    let name: String
    init(_ name: String) { self.name = name }
}

/// The result of a worker that has none: Python's `None`.
let nothing = Int.min

/// What happens in a scenario, line by line.
final class Trace {
    private(set) var lines: [String] = []
    private unowned let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    /// Adds a line.
    func callAsFunction(_ words: Any...) { lines.append(words.map { "\($0)" }.joined(separator: " ")) }

    /// Gives way for some rounds.
    func rounds(_ count: Int) async throws { for _ in 0..<count { try await loop.sleep(for: .zero) } }

    /// Counts the rounds in the trace.
    func ticks(_ count: Int) async throws {
        for number in 0..<count {
            self("tick", number)
            try await loop.sleep(for: .zero)
        }
    }

    /// Takes some rounds, says how it ends, and ends.
    func worker(_ name: String, _ count: Int, _ result: Int = nothing, error: E? = nil) async throws -> Int {
        do {
            try await rounds(count)
        } catch {
            self(name, "cancelled")
            throw error
        }
        self(name, "ends")
        if let error { throw error }
        return result
    }

    /// A worker as a task.
    func start(_ name: String, _ count: Int, _ result: Int = nothing, error: E? = nil) -> LoopTask<Int> {
        loop.createTask { try await self.worker(name, count, result, error: error) }
    }

    /// A task that counts the rounds.
    func ticker(_ count: Int) -> LoopTask<Void> { loop.createTask { try await self.ticks(count) } }
}

/// An error as both languages print it.
func shown(_ error: any Error) -> String {
    switch error {
    case let error as E: "E(\(error.name))"
    case let error as ExceptionGroup: "group[" + error.errors.map(shown).joined(separator: ", ") + "]"
    case is CancellationError: "CancelledError"
    default: "\(type(of: error))"
    }
}

/// A result as both languages print it.
func shown<Value>(value: Value) -> String {
    if Value.self == Void.self || value as? Int == nothing { return "done" }
    return "value \(value)"
}

/// What becomes of an operation.
func outcome<Value>(_ operation: () async throws -> Value) async -> String {
    do { return shown(value: try await operation()) } catch { return shown(error) }
}

/// What becomes of a future that is awaited.
func outcome<Value>(_ future: Future<Value>) async -> String { await outcome { try await future.value } }

/// What has become of a future.
func state<Value>(_ future: Future<Value>) -> String {
    guard future.isDone else { return "pending" }
    if future.isCancelled { return "cancelled" }
    do { return shown(value: try future.result()) } catch { return shown(error) }
}

/// What has become of some futures.
func states<Value>(_ futures: [Future<Value>]) -> String { futures.map { state($0) }.joined(separator: " ") }

/// What comes of a call, or how it fails.
func attempt<Value>(_ say: Trace, _ what: String, _ action: () throws -> Value) {
    do { say(what, try action()) } catch { say(what, shown(error)) }
}

/// The current task, without its type.
func me(_ loop: EventLoop) -> AnyLoopTask { loop.currentTask! }
