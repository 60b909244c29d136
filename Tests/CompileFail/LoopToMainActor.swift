// D1: the main actor may run on another thread than the loop; a loop must not be sent there.

import AsyncIO

@MainActor func show(_ loop: EventLoop) { print(loop.isRunning) }

func misuse(_ loop: EventLoop) async {
    // expect: sending 'loop' risks causing data races
    await show(loop)
    loop.stop()
}
