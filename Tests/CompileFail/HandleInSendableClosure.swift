// D1: the handle of a callback is cancelled on the loop's thread only; `callSoonThreadsafe` returns one for any thread.

import AsyncIO

func misuse(_ loop: EventLoop) -> @Sendable () -> Void {
    let handle = loop.callSoon {}
    // expect: capture of 'handle' with non-Sendable type 'Handle' in a '@Sendable' closure
    return { handle.cancel() }
}
