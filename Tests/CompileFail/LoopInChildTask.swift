// D1: child tasks of Swift's own groups run in parallel, and must not share a loop.

import AsyncIO

func misuse(_ loop: EventLoop) async {
    await withTaskGroup(of: Void.self) { group in
        // expect: passing closure as a 'sending' parameter risks causing data races
        group.addTask {
            loop.stop()
        }
        loop.stop()
    }
}
