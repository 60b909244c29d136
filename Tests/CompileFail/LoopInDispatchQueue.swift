// D1: a dispatch queue runs its work on another thread, which must not touch the loop.

import AsyncIO
import Dispatch

func misuse(_ loop: EventLoop) {
    DispatchQueue.global().async {
        // expect: capture of 'loop' with non-Sendable type 'EventLoop' in a '@Sendable' closure
        loop.stop()
    }
}
