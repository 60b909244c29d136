// Workloads of callbacks and timers. The loop is a serial queue.

import Dispatch
import NativeWorkloads
import Synchronization

/// The state of one workload. All of it belongs to the queue.
final class Callbacks: @unchecked Sendable {
    private let loop = DispatchQueue(label: "loop")
    private let pool = DispatchQueue(label: "pool", attributes: .concurrent)
    private let done = DispatchSemaphore(value: 0)
    private var left: Int
    private var toSubmit: Int

    private init(_ count: Int) {
        left = count
        toSubmit = count
    }

    /// Waits until `left` is down to zero, and reports.
    static func measure(_ bench: String, _ count: Int, _ begin: @escaping @Sendable (Callbacks) -> Void) {
        let work = Callbacks(count)
        let measure = Measure(bench, count)
        begin(work)
        work.done.wait()
        measure.report()
    }

    private func count() {
        left -= 1
        if left == 0 { done.signal() }
    }

    /// One callback that schedules itself again.
    func chain() {
        loop.async { [self] in
            count()
            if left > 0 { chain() }
        }
    }

    /// A thousand callbacks, scheduled on the loop, and again when they have run. What is above a multiple of a
    /// thousand comes first.
    func batch() {
        loop.async { [self] in scheduleBatch() }
    }

    private func scheduleBatch() {
        for _ in 0...(left - 1) % 1000 {
            loop.async { [self] in
                count()
                if left > 0 && left % 1000 == 0 { scheduleBatch() }
            }
        }
    }

    /// Timers due in 1 to 50 ms, by the generator that all peers use.
    func scheduleTimers() {
        loop.async { [self] in
            var state: UInt32 = 12345
            for _ in 0..<left {
                state = state &* 1_664_525 &+ 1_013_904_223
                loop.asyncAfter(deadline: .now() + .milliseconds(1 + Int(state >> 16) % 50)) { self.count() }
            }
        }
    }

    /// Timers of a minute, each cancelled at once.
    func cancelTimers() {
        loop.async { [self] in
            for _ in 0..<min(1000, left) {
                let timer = DispatchSource.makeTimerSource(queue: loop)
                timer.setEventHandler {}
                timer.schedule(deadline: .now() + .seconds(60))
                timer.resume()
                timer.cancel()
                count()
            }
            if left > 0 { cancelTimers() }
        }
    }

    /// This thread posts callbacks as fast as it can; the queue has one of its own.
    func post() {
        for _ in 0..<toSubmit { loop.async { self.count() } }
    }

    /// Jobs for a pool, 64 in flight.
    func submitJobs() {
        loop.async { [self] in
            for _ in 0..<min(64, left) { submitJob() }
        }
    }

    private func submitJob() {
        guard toSubmit > 0 else { return }
        toSubmit -= 1
        pool.async { [self] in
            loop.async { [self] in
                submitJob()
                count()
            }
        }
    }
}
