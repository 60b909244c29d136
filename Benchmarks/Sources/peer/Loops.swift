// What several loops do at once, each on a thread of its own. Nothing comes from outside, so no load generator has to
// share the processors with them.

import AsyncIO

/// Chains of callbacks on all loops at once, then pairs of tasks that give way to each other: how many in a second, on
/// all of the loops together, and the CPU time of one, which other programs disturb less. `count` is for each loop.
func loopsAtOnce(_ loops: Int, _ count: Int) throws {
    try AsyncIO.run { loop in
        try await EventLoopGroup.with(count: loops) { group in
            // The threads are there, and have run something.
            _ = try await group.onEach { _ in }
            let all = Double(loops * count)
            let callbacks = try await measured(loop, all) { _ = try await group.onEach { try await chain($0, count) } }
            let switches = try await measured(loop, all) { _ = try await group.onEach { try await giveWay($0, count) } }
            print(
                #"{"peer":"asyncio-swift","bench":"loops","n":\#(count),"size":\#(loops),"#
                    + #""callbacks_per_s":\#(callbacks.perSecond),"callback_cpu_ns":\#(callbacks.cpuNanoseconds),"#
                    + #""switches_per_s":\#(switches.perSecond),"switch_cpu_ns":\#(switches.cpuNanoseconds)}"#)
        }
    }
}

private nonisolated(nonsending) func measured(
    _ loop: EventLoop, _ operations: Double, _ body: () async throws -> Void
) async throws -> (perSecond: Double, cpuNanoseconds: Double) {
    let start = loop.time()
    let cpuStart = Measure.cpu()
    try await body()
    let seconds = (loop.time() - start) / .seconds(1)
    return (operations / seconds, (Measure.cpu() - cpuStart) * 1e9 / operations)
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
