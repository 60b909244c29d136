// Workloads whose cost per operation may depend on how much there is already. Their first number is that size.

import AsyncIO

/// `size` callbacks wait at the same time, `rounds` times; nil is as often as makes a million.
func callSoonQueued(_ size: Int, rounds: Int?) throws {
    let loop = try EventLoop()
    let rounds = rounds ?? max(1_000_000 / size, 1)
    let work = Rounds(loop, size: size, rounds: rounds)
    let measure = Measure("call_soon_queued", size * rounds, size: size)
    loop.callSoon { work.begin() }
    try loop.runForever()
    measure.report()
    try loop.close()
}

private final class Rounds {
    private let loop: EventLoop
    private let size: Int
    private var rounds: Int
    private var left = 0

    init(_ loop: EventLoop, size: Int, rounds: Int) {
        self.loop = loop
        self.size = size
        self.rounds = rounds
    }

    func begin() {
        left = size
        rounds -= 1
        for _ in 0..<size { loop.callSoon { self.ran() } }
    }

    private func ran() {
        left -= 1
        if left > 0 { return }
        if rounds > 0 { begin() } else { loop.stop() }
    }
}

/// While `size` timers are alive, one after the other is replaced, `count` times.
func timersAlive(_ size: Int, count: Int) throws {
    let loop = try EventLoop()
    let work = Replacing(loop, size: size, count: count)
    loop.callSoon { work.replace() }
    try loop.runForever()
    try loop.close()
}

private final class Replacing {
    private let loop: EventLoop
    private var timers: [TimerHandle] = []
    private var state: UInt32 = 12345
    private var left: Int
    private let measure: Measure

    init(_ loop: EventLoop, size: Int, count: Int) {
        self.loop = loop
        left = count
        for _ in 0..<size {
            timers.append(loop.callLater(after: .milliseconds(3_600_000 + Self.random(&state))) {})
        }
        measure = Measure("timers_alive", count, size: size)
    }

    /// The generator that all peers use.
    private static func random(_ state: inout UInt32) -> Int {
        state = state &* 1_664_525 &+ 1_013_904_223
        return Int(state >> 16)
    }

    func replace() {
        let some = min(1000, left)
        for _ in 0..<some {
            let slot = (Self.random(&state) << 16 | Self.random(&state)) % timers.count
            timers[slot].cancel()
            timers[slot] = loop.callLater(after: .milliseconds(3_600_000 + Self.random(&state))) {}
        }
        left -= some
        if left > 0 { return _ = loop.callSoon { self.replace() } }
        measure.report()
        for timer in timers { timer.cancel() }
        loop.stop()
    }
}
