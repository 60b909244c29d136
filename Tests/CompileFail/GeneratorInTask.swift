// D1: an async generator runs in a task of its loop; a task elsewhere must not pull values.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let numbers = AsyncGenerator<Int>(loop) { yield in try await yield(1) }
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task {
        for try await number in numbers { print(number) }
    }
    try await numbers.aclose()
}
