// Helpers of the tests of task groups and combinators.

import Testing

@testable import AsyncIO

/// An error in a few words: the names of test errors, those of a group in brackets.
func summary(_ error: any Error) -> String {
    switch error {
    case let group as ExceptionGroup: "[" + group.errors.map(summary).joined(separator: ", ") + "]"
    case is CancellationError: "cancelled"
    case let error as TestError: error.name
    default: "\(error)"
    }
}

/// Waits for a future and says in a few words what became of it.
func ending<Value>(_ future: Future<Value>) async -> String {
    do {
        return "value \(try await future.value)"
    } catch {
        return summary(error)
    }
}

extension EventLoop {
    /// Waits for what does not come.
    func untilCancelled() async throws { try await sleep(for: .seconds(36000)) }

    /// Waits until cancelled, notes how often that was, and throws the cancellation on.
    func untilCancelled(_ trace: Trace, _ name: String) async throws {
        do {
            try await untilCancelled()
        } catch {
            trace("\(name) \(summary(error))")
            throw error
        }
    }
}
