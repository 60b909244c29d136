// D1: `async let` runs in parallel with the code around it, and must not use the loop.

import AsyncIO

func ask(_ loop: EventLoop) async throws -> Int {
    try await loop.sleep(for: .seconds(1))
    return 1
}

func misuse(_ loop: EventLoop) async throws -> Int {
    // expect: sending 'loop' risks causing data races
    async let answer = ask(loop)
    loop.stop()
    return try await answer
}
