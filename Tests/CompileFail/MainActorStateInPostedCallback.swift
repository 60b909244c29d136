// D1: a posted callback runs on the loop's thread, and must not touch what belongs to the main actor.

import AsyncIO

@MainActor var count = 0

@MainActor func misuse(_ executor: LoopExecutor) throws {
    try executor.callSoonThreadsafe { _ in
        // expect: main actor-isolated var 'count' can not be mutated from a nonisolated context
        count += 1
    }
}
