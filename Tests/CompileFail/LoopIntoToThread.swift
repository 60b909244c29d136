// D1: blocking work runs on another thread, and must not touch the loop that waits for it.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    // expect: passing closure as a 'sending' parameter risks causing data races
    try await loop.toThread { loop.stop() }
}
