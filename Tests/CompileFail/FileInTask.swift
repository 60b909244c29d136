// D1: an open file belongs to its loop's thread, though the pool's threads read it.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let file = try await loop.files.open("/etc/hostname")
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task {
        _ = try await file.read()
    }
    try await file.close()
}
