// D1: blocking work answers with its result, and must not set a future of the loop itself.

import AsyncIO

func misuse(_ loop: EventLoop) -> Future<Void> {
    let answer = loop.createFuture(of: Int.self)
    // expect: passing closure as a 'sending' parameter risks causing data races
    return loop.runInExecutor { try answer.setResult(1) }
}
