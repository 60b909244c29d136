// D1: a `@concurrent` function leaves the loop's thread, and must not take a loop along.

import AsyncIO

@concurrent func stop(_ loop: EventLoop) async { loop.stop() }

func misuse(_ loop: EventLoop) async {
    // expect: sending 'loop' risks causing data races
    await stop(loop)
}
