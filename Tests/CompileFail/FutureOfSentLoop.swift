// D1: a loop that has not run may move to another thread, but only together with all that belongs to it.

import AsyncIO

func misuse() throws {
    let loop = try EventLoop()
    let answer = loop.createFuture(of: Int.self)
    // expect: sending value of non-Sendable type '@concurrent () async throws -> ()' risks causing data races
    Task.detached { try loop.runForever() }
    try answer.setResult(1)
}
