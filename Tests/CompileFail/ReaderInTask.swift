// D1: a stream belongs to its loop's thread. A task elsewhere must not read from it.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: 80)
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task {
        _ = try await reader.readLine()
    }
    _ = try await reader.readLine()
    writer.close()
}
