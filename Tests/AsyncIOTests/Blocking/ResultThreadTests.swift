// Results of blocking work belong to the loop's thread, and pools let go of what they have done.

import Testing

@testable import AsyncIO

/// Tells on which thread it went away.
private final class Relic {
    private let note: @Sendable (ThreadIdentity) -> Void
    init(_ note: @escaping @Sendable (ThreadIdentity) -> Void) { self.note = note }
    deinit { note(.current) }
}

/// The thread that a relic noted.
private final class Grave: @unchecked Sendable {  // SAFETY: read after the relic has gone.
    var thread: ThreadIdentity?
}

@Suite struct ResultThreadTests {
    @Test(arguments: [true, false])
    func resultGoesAwayWhereTheLoopDropsIt(ofTheLoopsPool: Bool) async throws {
        let isOnLoopThread = try await onLoop { loop in
            let grave = Grave()
            let pool = ofTheLoopsPool ? nil : ThreadPoolExecutor(maxWorkers: 1)
            let gate = Gate()
            var first: Future<Relic>? = loop.runInExecutor(pool) { Relic { grave.thread = $0 } }
            // The thread may go on with another job, but must not hold on to the result of the first.
            let second = loop.runInExecutor(pool) { gate.pass() }
            _ = try await first?.value
            first = nil
            let thread = grave.thread
            gate.open()
            try await second.value
            pool?.shutdown(wait: true)
            return thread == .current
        }
        #expect(isOnLoopThread)
    }

    @Test func secondShutdownWaitsAlthoughTheFirstDidNot() async throws {
        let count = try await onThread {
            let pool = ThreadPoolExecutor(maxWorkers: 2)
            let gate = Gate()
            let count = SharedCounter()
            for _ in 0..<2 {
                try pool.submit {
                    gate.pass()
                    count.increment()
                }
            }
            gate.waitForArrivals(2)
            pool.shutdown(wait: false)
            gate.open()
            pool.shutdown(wait: true)
            return count.value
        }
        #expect(count == 2)
    }

    @Test func workThatIsDoneIsLetGoOf() async throws {
        let isGone = try await onThread {
            let pool = ThreadPoolExecutor(maxWorkers: 1)
            weak var witness: Gate?
            do {
                let gate = Gate()
                witness = gate
                gate.open()
                try pool.submit { gate.pass() }
            }
            let done = Gate()
            try pool.submit { done.pass() }
            done.waitForArrivals(1)
            let isGone = witness == nil
            done.open()
            pool.shutdown(wait: true)
            return isGone
        }
        #expect(isGone)
    }
}
