// D1: a future of one loop must not be awaited on another.

import AsyncIO

func misuse(_ loop: EventLoop, _ executor: LoopExecutor) async throws -> Int {
    let answer = loop.createFuture(of: Int.self)
    // expect: capture of 'answer' with non-Sendable type 'Future<Int>' in a '@Sendable' closure
    return try await executor.run { _ in try await answer.value }
}
