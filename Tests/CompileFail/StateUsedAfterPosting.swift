// D1: what `callSoonThreadsafe` captures moves to the loop's thread; going on using it outside is a race.

import AsyncIO

final class Counter { var count = 0 }

func misuse(_ executor: LoopExecutor) throws {
    let counter = Counter()
    // expect: sending value of non-Sendable type '(EventLoop) -> ()' risks causing data races
    try executor.callSoonThreadsafe { _ in counter.count += 1 }
    counter.count += 1
}
