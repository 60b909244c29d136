// D1: a result that the loop goes on using must not leave it.

import AsyncIO

final class Counter { var count = 0 }

func misuse(_ executor: LoopExecutor) async throws -> Counter {
    try await executor.run { loop in
        let counter = Counter()
        loop.callSoon { counter.count += 1 }
        // expect: returning task-isolated 'counter' as a 'sending' result risks causing data races
        return counter
    }
}
