// D1: the result of a future need not be Sendable, since it stays on the loop.

import AsyncIO

final class Counter { var count = 0 }

func misuse(_ answer: Future<Counter>) async throws {
    let counter = try await answer.value
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached { counter.count += 1 }
}
