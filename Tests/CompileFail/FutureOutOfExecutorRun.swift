// D1: a future must not leave its loop through the result of `executor.run`.

import AsyncIO

func misuse(_ executor: LoopExecutor) async throws -> Future<Int> {
    try await executor.run { loop in
        // expect: returning task-isolated 'loop.createFuture' as a 'sending' result risks causing data races
        loop.createFuture(of: Int.self)
    }
}
