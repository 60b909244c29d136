// D1: a runner belongs to the thread on which its loop runs.

import AsyncIO

func misuse() throws {
    let runner = Runner()
    // expect: sending value of non-Sendable type '@concurrent () async throws -> ()' risks causing data races
    Task.detached {
        try runner.run { _ in }
    }
    try runner.close()
}
