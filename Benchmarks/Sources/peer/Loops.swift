// What several loops do at once, each on a thread of its own. Nothing comes from outside, so no load generator has to
// share the processors with them.

import AsyncIO

/// Chains of callbacks on all loops at once, then pairs of tasks that give way to each other: how many in a second, on
/// all of the loops together. `count` is for each loop.
func loopsAtOnce(_ loops: Int, _ count: Int) throws {
    try AsyncIO.run { loop in
        try await EventLoopGroup.with(count: loops) { group in
            // The threads are there, and have run something.
            _ = try await group.onEach { _ in }
            let callbacks = try await rate(loop) { _ = try await group.onEach { try await chain($0, count) } }
            let switches = try await rate(loop) { _ = try await group.onEach { try await giveWay($0, count) } }
            let all = Double(loops * count)
            print(
                #"{"peer":"asyncio-swift","bench":"loops","n":\#(count),"size":\#(loops),"#
                    + #""callbacks_per_s":\#(all * callbacks),"switches_per_s":\#(all * switches)}"#)
        }
    }
}

/// How often a second `body` could run.
private nonisolated(nonsending) func rate(_ loop: EventLoop, _ body: () async throws -> Void) async throws -> Double {
    let start = loop.time()
    try await body()
    return 1 / ((loop.time() - start) / .seconds(1))
}

private nonisolated(nonsending) func chain(_ loop: EventLoop, _ count: Int) async throws {
    let chain = Chain(loop, count)
    loop.callSoon { try chain.next() }
    try await chain.done.value
}

/// A callback that schedules itself again.
private final class Chain {
    let done: Future<Void>
    private let loop: EventLoop
    private var left: Int

    init(_ loop: EventLoop, _ count: Int) {
        self.loop = loop
        done = loop.createFuture(of: Void.self)
        left = count
    }

    func next() throws {
        left -= 1
        if left > 0 { loop.callSoon { try self.next() } } else { try done.setResult(()) }
    }
}
