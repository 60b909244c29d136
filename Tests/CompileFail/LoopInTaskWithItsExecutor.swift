// D1: preferring the loop's executor is no proof of being on its thread; `executor.run` hands out the loop there.

import AsyncIO

func misuse(_ loop: EventLoop) {
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task(executorPreference: loop.executor) { loop.stop() }
    loop.stop()
}
