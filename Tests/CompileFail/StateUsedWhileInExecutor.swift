// D1: what blocking work captures moves to the other thread; going on using it here is a race.

import AsyncIO

final class Counter { var count = 0 }

func misuse(_ loop: EventLoop) async throws {
    let counter = Counter()
    // expect: sending value of non-Sendable type '() -> sending ()' risks causing data races
    let work = loop.runInExecutor { counter.count += 1 }
    counter.count += 1
    try await work.value
}
