// D1: a posted callback runs on the loop's thread, and must not touch what belongs to another actor.

import AsyncIO

actor Counter {
    var count = 0

    func increment(on executor: LoopExecutor) throws {
        try executor.callSoonThreadsafe { _ in
            // expect: actor-isolated property 'count' can not be mutated from a nonisolated context
            self.count += 1
        }
    }
}
