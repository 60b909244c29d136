// D1: what belongs to a loop does not leave it as the result of a call from outside.

import AsyncIO

func misuse(_ executor: LoopExecutor) async throws {
    let reader = try await executor.run { loop in
        // expect: value as a 'sending' result risks causing data races
        try await loop.openConnection(host: "127.0.0.1", port: 80).reader
    }
    _ = try await reader.readLine()
}
