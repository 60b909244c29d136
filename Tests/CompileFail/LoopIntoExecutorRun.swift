// D1: `executor.run` enters a loop from outside, and gets its loop as an argument; it must not capture one.

import AsyncIO

func misuse(_ executor: LoopExecutor, _ mine: EventLoop) async throws {
    // expect: capture of 'mine' with non-Sendable type 'EventLoop' in a '@Sendable' closure
    try await executor.run { _ in mine.stop() }
}
