// D1: code on one loop must not reach back to the loop that it came from.

import AsyncIO

func misuse(_ first: LoopExecutor, _ second: LoopExecutor) async throws {
    try await first.run { one in
        try await second.run { _ in
            // expect: capture of 'one' with non-Sendable type 'EventLoop' in a '@Sendable' closure
            one.stop()
        }
    }
}
