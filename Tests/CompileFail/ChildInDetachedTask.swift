// D1: a child process is a loop object; its streams are the loop's. A task elsewhere must not talk to it.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached {
        child.terminate()
    }
    try await child.wait()
}
