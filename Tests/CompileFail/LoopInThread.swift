// D1: a loop stays on its thread, whatever starts the other one.

import AsyncIO
import Foundation

func misuse(_ loop: EventLoop) {
    Thread.detachNewThread {
        // expect: capture of 'loop' with non-Sendable type 'EventLoop' in a '@Sendable' closure
        loop.stop()
    }
}
