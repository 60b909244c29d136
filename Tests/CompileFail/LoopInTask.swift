// D1: a loop stays on its thread. An unstructured task runs elsewhere, and must not capture one.

import AsyncIO

func misuse(_ loop: EventLoop) {
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task {
        loop.stop()
    }
    loop.stop()
}
