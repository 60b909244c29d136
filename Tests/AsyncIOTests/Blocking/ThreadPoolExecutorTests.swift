// The pool of threads for blocking work.

import Testing

@testable import AsyncIO

@Suite struct ThreadPoolExecutorTests {
    @Test func workOfOneThreadRunsInTheOrderInWhichItCame() async throws {
        let order = try await onThread {
            let executor = ThreadPoolExecutor(maxWorkers: 1)
            let lock = PthreadLock()
            // SAFETY: touched only while holding `lock`.
            nonisolated(unsafe) var order: [Int] = []
            for n in 0..<20 { try executor.submit { lock.withLock { order.append(n) } } }
            executor.shutdown(wait: true)
            return lock.withLock { order }
        }
        #expect(order == Array(0..<20))
    }

    @Test func thereAreAsManyThreadsAsThereIsWorkUpToTheLimit() async throws {
        let count = try await onThread {
            let executor = ThreadPoolExecutor(maxWorkers: 3)
            let gate = Gate()
            let ended = SharedCounter()
            for _ in 0..<6 {
                try executor.submit {
                    gate.pass()
                    ended.increment()
                }
            }
            // All three threads have to stand at the gate at once.
            gate.waitForArrivals(3)
            gate.open()
            executor.shutdown(wait: true)
            return ended.value
        }
        #expect(count == 6)
    }

    @Test func thereAreNeverMoreThreadsThanTheLimit() async throws {
        let most = try await onThread {
            let executor = ThreadPoolExecutor(maxWorkers: 2)
            let lock = PthreadLock()
            // SAFETY: touched only while holding `lock`.
            nonisolated(unsafe) var running = 0
            // SAFETY: touched only while holding `lock`.
            nonisolated(unsafe) var most = 0
            for _ in 0..<50 {
                try executor.submit {
                    lock.withLock {
                        running += 1
                        most = max(most, running)
                    }
                    System.yieldThread()
                    lock.withLock { running -= 1 }
                }
            }
            executor.shutdown(wait: true)
            return lock.withLock { most }
        }
        #expect((1...2).contains(most))
    }

    @Test func idleThreadIsUsedAgain() async throws {
        let threads = try await onLoop { loop in
            let executor = ThreadPoolExecutor(maxWorkers: 1)
            var threads: Set<UInt> = []
            for _ in 0..<5 {
                threads.insert(try await loop.runInExecutor(executor) { ThreadIdentity.current.rawValue }.value)
            }
            executor.shutdown(wait: true)
            return threads.count
        }
        #expect(threads == 1)
    }

    @Test func shutdownRunsWhatWasSubmittedAndTakesNothingMore() async throws {
        try await onThread {
            let executor = ThreadPoolExecutor(maxWorkers: 1)
            let gate = Gate()
            let count = SharedCounter()
            try executor.submit { gate.pass() }
            try executor.submit { count.increment() }
            executor.shutdown(wait: false)
            #expect(throws: EventLoopError(.executorShutDown, "")) { try executor.submit { count.increment() } }
            gate.open()
            executor.shutdown(wait: true)
            while count.value == 0 { System.yieldThread() }
            #expect(count.value == 1)
        }
    }

    @Test func shutdownWithoutThreadsReturns() async throws {
        try await onThread {
            let executor = ThreadPoolExecutor()
            executor.shutdown(wait: true)
            executor.shutdown(wait: true)
            #expect(throws: EventLoopError(.executorShutDown, "")) { try executor.submit {} }
        }
    }

    @Test func droppedPoolStillRunsItsWork() async throws {
        let count = try await onThread {
            let gate = Gate()
            let count = SharedCounter()
            do {
                let executor = ThreadPoolExecutor(maxWorkers: 1)
                try executor.submit { gate.pass() }
                try executor.submit { count.increment() }
            }
            gate.open()
            while count.value == 0 { System.yieldThread() }
            return count.value
        }
        #expect(count == 1)
    }
}
