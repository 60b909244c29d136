// Workloads of callbacks and timers, on one loop.

import AsyncIO

/// The state of one workload on one loop. The loop is stopped when the last operation is done.
final class Callbacks {
    let loop: EventLoop
    private var left: Int

    init(_ loop: EventLoop, _ count: Int) {
        self.loop = loop
        left = count
    }

    /// Runs the loop until `left` is down to zero, and reports.
    static func measure(_ bench: String, _ count: Int, _ begin: @escaping (Callbacks) -> Void) throws {
        let loop = try EventLoop()
        let work = Callbacks(loop, count)
        let measure = Measure(bench, count)
        loop.callSoon { begin(work) }
        try loop.runForever()
        measure.report()
        try loop.close()
    }

    /// One callback that schedules itself again.
    func chain() {
        left -= 1
        if left > 0 { loop.callSoon { self.chain() } } else { loop.stop() }
    }

    /// The same with a closure that needs a context of its own.
    func chain(_ number: Int) {
        left -= 1
        if left > 0 { loop.callSoon { self.chain(number + 1) } } else { loop.stop() }
    }

    /// A thousand callbacks, and again when they have run. What is above a multiple of a thousand comes first.
    func batch() {
        for _ in 0...(left - 1) % 1000 {
            loop.callSoon {
                self.left -= 1
                if self.left == 0 { self.loop.stop() } else if self.left % 1000 == 0 { self.batch() }
            }
        }
    }

    func count() {
        left -= 1
        if left == 0 { loop.stop() }
    }

    /// Timers due in 1 to 50 ms, by the generator that all peers use.
    func scheduleTimers() {
        var state: UInt32 = 12345
        for _ in 0..<left {
            state = state &* 1_664_525 &+ 1_013_904_223
            loop.callLater(after: .milliseconds(1 + Int(state >> 16) % 50)) { self.count() }
        }
    }

    /// Timers of a minute, each cancelled at once.
    func cancelTimers() {
        let some = min(1000, left)
        for _ in 0..<some { loop.callLater(after: .seconds(60)) {}.cancel() }
        left -= some
        if left > 0 { loop.callSoon { self.cancelTimers() } } else { loop.stop() }
    }

    private var toSubmit = 0

    /// Jobs for the thread pool, 64 in flight.
    func submitJobs() {
        toSubmit = left
        for _ in 0..<min(64, left) { submitJob() }
    }

    private func submitJob() {
        guard toSubmit > 0 else { return }
        toSubmit -= 1
        loop.runInExecutor {}.addDoneCallback { [unowned self] _ in
            submitJob()
            count()
        }
    }
}
