// D1: child tasks of Swift's own groups run anywhere; a writer must not go there.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let (_, writer) = try await loop.openConnection(host: "127.0.0.1", port: 80)
    await withTaskGroup(of: Void.self) { group in
        // expect: passing closure as a 'sending' parameter risks causing data races
        group.addTask {
            writer.write("hello")
        }
        await group.waitForAll()
    }
    writer.close()
}
