// D1: a task of the loop is cancelled on the loop's thread only.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let sleeper = loop.createTask { try await loop.sleep(for: .seconds(1)) }
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached {
        sleeper.cancel()
    }
    try await sleeper.value
}
