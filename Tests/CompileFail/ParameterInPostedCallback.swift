// D1: `callSoonThreadsafe` takes what it captures for itself; an argument that the caller keeps cannot be given away.

import AsyncIO

final class Counter { var count = 0 }

func misuse(_ executor: LoopExecutor, _ counter: Counter) throws {
    // expect: passing closure as a 'sending' parameter risks causing data races
    try executor.callSoonThreadsafe { _ in counter.count += 1 }
}
