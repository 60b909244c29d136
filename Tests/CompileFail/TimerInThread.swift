// D1: a timer is cancelled on the loop's thread only.

import AsyncIO

func startThread(_ body: @Sendable @escaping () -> Void) {}

func misuse(_ loop: EventLoop) {
    let timer = loop.callLater(after: .seconds(1)) {}
    startThread {
        // expect: capture of 'timer' with non-Sendable type 'TimerHandle' in a '@Sendable' closure
        timer.cancel()
    }
}
