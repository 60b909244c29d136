// D1: `AsyncIO.run` must not hand out its loop, which is closed by then.

import AsyncIO

func misuse() throws -> EventLoop {
    // expect: returning task-isolated 'loop' as a 'sending' result risks causing data races
    try AsyncIO.run { loop in loop }
}
