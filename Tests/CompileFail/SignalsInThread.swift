// D1: a sequence of signals has its reader on the loop's thread.

import AsyncIO

func misuse(_ loop: EventLoop) async throws {
    let signals = loop.signals(.hangUp)
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached {
        for await signal in signals { print(signal) }
    }
    for await signal in signals { print(signal) }
}
