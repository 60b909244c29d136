// Workloads of callbacks and timers, on one event loop.

import Dispatch
import NIOCore
import NIOPosix
import NativeWorkloads

/// The state of one workload.
// SAFETY: only the loop's thread touches it, once the workload has begun.
final class Callbacks: @unchecked Sendable {
    private let loop: any EventLoop
    private let pool = NIOThreadPool(numberOfThreads: 4)
    private let done = DispatchSemaphore(value: 0)
    private var left: Int
    private var toSubmit: Int

    private init(_ loop: any EventLoop, _ count: Int) {
        self.loop = loop
        left = count
        toSubmit = count
    }

    /// Waits until `left` is down to zero, and reports.
    static func measure(_ bench: String, _ count: Int, _ begin: @escaping @Sendable (Callbacks) -> Void) {
        let work = Callbacks(MultiThreadedEventLoopGroup(numberOfThreads: 1).next(), count)
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
        loop.execute { [self] in
            count()
            if left > 0 { chain() }
        }
    }

    /// A thousand callbacks, scheduled on the loop, and again when they have run. What is above a multiple of a
    /// thousand comes first.
    func batch() {
        loop.execute { [self] in scheduleBatch() }
    }

    private func scheduleBatch() {
        for _ in 0...(left - 1) % 1000 {
            loop.execute { [self] in
                count()
                if left > 0 && left % 1000 == 0 { scheduleBatch() }
            }
        }
    }

    /// Timers due in 1 to 50 ms, by the generator that all peers use.
    func scheduleTimers() {
        loop.execute { [self] in
            var state: UInt32 = 12345
            for _ in 0..<left {
                state = state &* 1_664_525 &+ 1_013_904_223
                loop.scheduleTask(in: .milliseconds(1 + Int64(state >> 16) % 50)) { self.count() }
            }
        }
    }

    /// Timers of a minute, each cancelled at once.
    func cancelTimers() {
        loop.execute { [self] in
            for _ in 0..<min(1000, left) {
                loop.scheduleTask(in: .seconds(60)) {}.cancel()
                count()
            }
            if left > 0 { cancelTimers() }
        }
    }

    /// This thread posts callbacks as fast as it can; the loop has one of its own.
    func post() {
        for _ in 0..<toSubmit { loop.execute { self.count() } }
    }

    /// Jobs for the thread pool, 64 in flight.
    func submitJobs() {
        pool.start()
        loop.execute { [self] in
            for _ in 0..<min(64, left) { submitJob() }
        }
    }

    private func submitJob() {
        guard toSubmit > 0 else { return }
        toSubmit -= 1
        pool.runIfActive(eventLoop: loop) {}.whenComplete { [self] _ in
            submitJob()
            count()
        }
    }
}

/// Two loops in two threads that post to each other. `count` is the number of hops, two to a round trip: an odd one is
/// rounded up.
func wakeupPingpong(_ count: Int) {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    let rounds = (count + 1) / 2
    let ball = Ball(rounds: rounds, here: group.next(), there: group.next())
    let measure = Measure("wakeup_pingpong", 2 * rounds)
    ball.ping()
    ball.done.wait()
    measure.report()
}

// SAFETY: only the loop that has the ball touches it.
private final class Ball: @unchecked Sendable {
    private var left: Int
    private let here: any EventLoop
    private let there: any EventLoop
    let done = DispatchSemaphore(value: 0)

    init(rounds: Int, here: any EventLoop, there: any EventLoop) {
        left = rounds
        self.here = here
        self.there = there
    }

    func ping() {
        left -= 1
        if left < 0 {
            done.signal()
        } else {
            there.execute { self.here.execute { self.ping() } }
        }
    }
}
