// D1: a future belongs to its loop's thread. A task elsewhere must not set it.

import AsyncIO

func misuse(_ loop: EventLoop) async throws -> Int {
    let answer = loop.createFuture(of: Int.self)
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached {
        try answer.setResult(42)
    }
    return try await answer.value
}
