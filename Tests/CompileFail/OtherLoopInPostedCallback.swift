// D1: a callback that is posted to one loop must not carry another loop along.

import AsyncIO

func misuse(_ executor: LoopExecutor, _ mine: EventLoop) throws {
    // expect: passing closure as a 'sending' parameter risks causing data races
    try executor.callSoonThreadsafe { _ in mine.stop() }
}
