// D1: what a task of the loop captures belongs to the loop from then on.

import AsyncIO

final class Counter { var count = 0 }

func misuse(_ loop: EventLoop) {
    let counter = Counter()
    loop.createTask { counter.count += 1 }
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached { counter.count += 1 }
}
