// D1: a task of the loop must not leave it through the result of `executor.run`.

import AsyncIO

func misuse(_ executor: LoopExecutor) async throws {
    let task = try await executor.run { loop in
        // expect: returning task-isolated 'loop.createTask' as a 'sending' result risks causing data races
        loop.createTask { 1 }
    }
    task.cancel()
}
