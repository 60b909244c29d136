// D1: a server is closed on its loop's thread only.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let server = try await loop.startServer(port: 0) { _, writer in writer.write("hello") }
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached {
        server.close()
    }
    try await server.waitClosed()
}
