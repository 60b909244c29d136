// D1: child tasks of Swift's own groups run in parallel, and must not share a future.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let answer = loop.createFuture(of: Int.self)
    try await withThrowingTaskGroup(of: Int.self) { group in
        // expect: passing closure as a 'sending' parameter risks causing data races
        group.addTask { try await answer.value }
        try answer.setResult(1)
        try await group.waitForAll()
    }
}
