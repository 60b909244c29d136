// D1: a loop stays on its thread. A detached task must not capture one.

import AsyncIO

func misuse(_ loop: EventLoop) {
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached {
        _ = loop.time()
    }
    loop.callSoon {}
}
