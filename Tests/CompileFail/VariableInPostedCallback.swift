// D1: a variable that a posted callback changes must not be read outside.

import AsyncIO

func misuse(_ executor: LoopExecutor) throws -> Int {
    var count = 0
    // expect: sending value of non-Sendable type '(EventLoop) -> ()' risks causing data races
    try executor.callSoonThreadsafe { _ in count += 1 }
    return count
}
