// callSoonThreadsafe: order, wake-up, cancellation across threads, and that no post is lost.

import Synchronization
import Testing

@testable import AsyncIO

@Suite struct ThreadsafeCallTests {
    @Test func callFromAnotherThreadWakesAWaitingLoop() async throws {
        try await withLoop { loop in
            let executor = loop.executor
            // The loop has nothing to do until the thread posts, and the thread posts only once the loop is about to
            // wait: a post that does not wake it leaves it waiting for the hour.
            loop.callLater(after: .seconds(3600)) { throw TestError(name: "not woken") }
            loop.callSoon {
                try UVThread {
                    for _ in 0..<1000 { System.yieldThread() }
                    _ = try? executor.callSoonThreadsafe { $0.stop() }
                }.detach()
            }
            try loop.runForever()
        }
    }

    @Test func postsGoBackAndForthBetweenTwoWaitingLoops() async throws {
        let count = try await withServingLoop { first in
            try await withServingLoop { second in
                try await withCheckedThrowingContinuation { (done: CheckedContinuation<Int, any Error>) in
                    @Sendable func bounce(_ n: Int, _ here: LoopExecutor, _ there: LoopExecutor) {
                        guard n < 2000 else { return done.resume(returning: n) }
                        do {
                            try here.callSoonThreadsafe { _ in bounce(n + 1, there, here) }
                        } catch { done.resume(throwing: error) }
                    }
                    bounce(0, first, second)
                }
            }
        }
        #expect(count == 2000)
    }

    @Test func callsOfOneThreadKeepTheirOrder() async throws {
        let orders = try await withLoop { loop in
            let executor = loop.executor
            let orders = UncheckedTransfer(Cell([Int: [Int]]()))  // SAFETY: touched by callbacks on the loop only.
            let threads = try (0..<4).map { thread in
                try UVThread { [orders] in
                    for n in 0..<500 {
                        _ = try? executor.callSoonThreadsafe { _ in orders.value.content[thread, default: []].append(n)
                        }
                    }
                    _ = try? executor.callSoonThreadsafe { loop in
                        orders.value.ended += 1
                        if orders.value.ended == 4 { loop.stop() }
                    }
                }
            }
            try loop.runForever()
            for thread in threads { thread.join() }
            return orders.value.content
        }
        #expect(orders.count == 4)
        #expect(orders.values.allSatisfy { $0 == Array(0..<500) })
    }

    @Test func callFromTheLoopsOwnThreadKeepsItsOrderWithCallSoon() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let transfer = UncheckedTransfer(trace)  // SAFETY: never leaves the thread.
            loop.callSoon { trace("1") }
            try loop.executor.callSoonThreadsafe { _ in transfer.value("2") }
            loop.callSoon { trace("3") }
            try loop.executor.callSoonThreadsafe { _ in transfer.value("4") }
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(entries == ["1", "2", "3", "4"])
    }

    @Test func callsBeforeTheRunKeepTheirOrderWithCallSoon() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            let transfer = UncheckedTransfer(trace)  // SAFETY: never leaves the thread.
            loop.callSoon { trace("1") }
            try loop.executor.callSoonThreadsafe { _ in transfer.value("2") }
            loop.callSoon { trace("3") }
            try loop.executor.callSoonThreadsafe { _ in transfer.value("4") }
            loop.stop()
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["1", "2", "3", "4"])
    }

    @Test func callbackGetsItsLoopOnItsThread() async throws {
        let isRight = try await withServingLoop { executor in
            try await withCheckedThrowingContinuation { (done: CheckedContinuation<Bool, any Error>) in
                do {
                    try executor.callSoonThreadsafe { loop in
                        done.resume(
                            returning: loop.executor === executor && loop.isRunning && executor.isOnLoopThread
                                && (try? EventLoop.running) === loop)
                    }
                } catch { done.resume(throwing: error) }
            }
        }
        #expect(isRight)
    }

    @Test func errorOfAPostedCallbackIsReported() async throws {
        let messages = try await onLoop { loop in
            let reports = Reports(of: loop)
            try loop.executor.callSoonThreadsafe { _ in throw TestError() }
            try await loop.sleep(for: .zero)
            return reports.all.map { "\($0.message): \($0.exception as? TestError == TestError())" }
        }
        #expect(messages == ["Exception in callback: true"])
    }

    @Test func postWaitsForALoopThatDoesNotRunYet() async throws {
        let entries = try await withLoop { loop in
            let executor = loop.executor
            let trace = Trace()
            let transfer = UncheckedTransfer(trace)  // SAFETY: the callback runs on this thread.
            try UVThread { _ = try? executor.callSoonThreadsafe { _ in transfer.value("posted") } }.join()
            #expect(trace.entries == [])
            loop.stop()
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["posted"])
    }

    // MARK: - Closed loops

    @Test func postToAClosedLoopThrowsFromEveryThread() async throws {
        let executor = try await closedExecutor()
        #expect(throws: EventLoopError(.closed, "")) { try executor.callSoonThreadsafe { _ in } }
        try await onThread {
            #expect(throws: EventLoopError(.closed, "")) { try executor.callSoonThreadsafe { _ in } }
            return
        }
    }

    @Test func postThatIsRefusedLetsGoOfItsCallback() async throws {
        let executor = try await closedExecutor()
        let ends = EndCounter()
        do {
            let counted = ends.token()
            _ = try? executor.callSoonThreadsafe { _ in counted.touch() }
        }
        #expect(ends.count == 1)
    }

    @Test func tenThousandPostsFromEightThreadsRaceTimersAndCloseAndNoneIsLost() async throws {
        let (threads, each) = (8, 1250)
        let ends = EndCounter()
        let (ran, refused, dropped) = (Counter(), Counter(), Counter())
        let (timersMade, timersRan) = (Counter(), Counter())
        try await withLoop { loop in
            let executor = loop.executor
            let total = threads * each
            let closed = ThreadGate()
            let posters = try (0..<threads).map { _ in
                try UVThread {
                    var handles: [ThreadsafeHandle] = []
                    for n in 0..<each {
                        let token = ends.token()
                        do {
                            let handle = try executor.callSoonThreadsafe { loop in
                                token.touch()
                                if ran.increment() == total / 2 { loop.stop() }
                                guard n % 5 == 0 else { return }
                                let timerToken = ends.token()
                                timersMade.increment()
                                loop.callLater(after: .microseconds(n % 3 * 50)) {
                                    timerToken.touch()
                                    timersRan.increment()
                                }
                            }
                            handles.append(handle)
                        } catch { refused.increment() }
                    }
                    // Those that are to be dropped are cancelled when the loop has closed.
                    closed.wait()
                    for handle in handles where handle.isCancelled { dropped.increment() }
                }
            }
            try loop.runForever()
            try loop.close()
            closed.open()
            for poster in posters { poster.join() }
        }
        #expect(ran.value + refused.value + dropped.value == threads * each)
        #expect(ran.value >= threads * each / 2)
        #expect(timersRan.value <= timersMade.value)
        // Every closure has been released: those that ran, were refused, were dropped, and the timers'.
        #expect(ends.count == threads * each + timersMade.value)
    }

    @Test func loopsThatCloseWhileAThreadPostsNeverCrash() async throws {
        for _ in 0..<50 {
            let posted = try await onThread {
                let loop = try EventLoop()
                let executor = loop.executor
                let posted = Counter()
                let thread = try UVThread {
                    while (try? executor.callSoonThreadsafe { loop in loop.stop() }) != nil { posted.increment() }
                }
                try loop.runForever()
                try loop.close()
                thread.join()
                return posted.value
            }
            #expect(posted > 0)
        }
    }

    // MARK: - Cancellation

    @Test func cancelFromAnotherThreadKeepsACallbackFromRunning() async throws {
        let entries = try await withLoop { loop in
            let executor = loop.executor
            let trace = Trace()
            let transfer = UncheckedTransfer(trace)  // SAFETY: callbacks run on this thread.
            let handle = try executor.callSoonThreadsafe { _ in transfer.value("cancelled") }
            try executor.callSoonThreadsafe { _ in transfer.value("other") }
            try UVThread { handle.cancel() }.join()
            #expect(handle.isCancelled)
            loop.stop()
            try loop.runForever()
            return trace.entries
        }
        #expect(entries == ["other"])
    }

    @Test func cancelWaitsForACallbackThatIsRunning() async throws {
        let sawTheEnd = try await withServingLoop { executor in
            let (entered, cancelling) = (ThreadGate(), ThreadGate())
            let ended = Atomic<Bool>(false)
            let handle = try executor.callSoonThreadsafe { _ in
                entered.open()
                cancelling.wait()
                // The other thread is about to cancel; whether it waits shows in what it sees afterwards.
                for _ in 0..<2000 { System.yieldThread() }
                ended.store(true, ordering: .releasing)
            }
            return try await onThread {
                entered.wait()
                cancelling.open()
                handle.cancel()
                return ended.load(ordering: .acquiring)
            }
        }
        #expect(sawTheEnd)
    }

    @Test func manyThreadsCanWaitForTheSameCallbackToEnd() async throws {
        let sawTheEnd = try await withServingLoop { executor in
            let entered = ThreadGate()
            let (arrived, saw) = (Counter(), Counter())
            let ended = Atomic<Bool>(false)
            let handle = try executor.callSoonThreadsafe { _ in
                entered.open()
                while arrived.value < 6 { System.yieldThread() }
                for _ in 0..<1000 { System.yieldThread() }
                ended.store(true, ordering: .releasing)
            }
            return try await onThread {
                let threads = try (0..<6).map { _ in
                    try UVThread {
                        entered.wait()
                        arrived.increment()
                        handle.cancel()
                        if ended.load(ordering: .acquiring) { saw.increment() }
                    }
                }
                for thread in threads { thread.join() }
                return saw.value
            }
        }
        #expect(sawTheEnd == 6)
    }

    @Test func cancelWaitsAlsoForACallbackThatFails() async throws {
        let isCancelled = try await withServingLoop(prepare: { $0.exceptionHandler = { _, _ in } }) { executor in
            let entered = ThreadGate()
            let handle = try executor.callSoonThreadsafe { _ in
                entered.open()
                throw TestError()
            }
            return try await onThread {
                entered.wait()
                handle.cancel()
                return handle.isCancelled
            }
        }
        // It ran, and so it was not cancelled.
        #expect(!isCancelled)
    }

    @Test func callbackThatCancelsItselfDoesNotWaitForItself() async throws {
        try await withLoop { loop in
            let box = UncheckedTransfer(Cell<ThreadsafeHandle?>(nil))  // SAFETY: never leaves the thread.
            box.value.content = try loop.executor.callSoonThreadsafe { loop in
                box.value.content?.cancel()
                loop.stop()
            }
            try loop.runForever()
            #expect(box.value.content?.isCancelled == false)
        }
    }

    @Test func cancelAfterTheCallbackRanDoesNothing() async throws {
        try await onLoop { loop in
            let handle = try loop.executor.callSoonThreadsafe { _ in }
            try await loop.sleep(for: .zero)
            handle.cancel()
            #expect(!handle.isCancelled)
        }
    }

    /// A place that a callback has left is the next one's, and each handle is for its own use of it.
    @Test func handlesOfEarlierCallbacksHaveNoPartInLaterOnes() async throws {
        try await onLoop { loop in
            let trace = UncheckedTransfer(Trace())  // SAFETY: never leaves the thread.
            let ran = try loop.executor.callSoonThreadsafe { _ in trace.value("first") }
            let cancelled = try loop.executor.callSoonThreadsafe { _ in trace.value("cancelled") }
            cancelled.cancel()
            try await loop.sleep(for: .zero)
            let later = try (0..<100).map { number in
                try loop.executor.callSoonThreadsafe { _ in trace.value("\(number)") }
            }
            ran.cancel()
            cancelled.cancel()
            try await loop.sleep(for: .zero)
            #expect(trace.value.entries == ["first"] + (0..<100).map { "\($0)" })
            #expect([ran.isCancelled, cancelled.isCancelled] == [false, true])
            #expect(later.allSatisfy { !$0.isCancelled })
        }
    }
}

/// A mutable value that is shared by reference.
private final class Cell<Content> {
    var content: Content
    var ended = 0
    init(_ content: Content) { self.content = content }
}

/// Counts up from any thread.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .acquiring) }
    @discardableResult func increment() -> Int { count.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue }
}

/// Counts how many of its tokens have been released.
final class EndCounter: Sendable {
    private let ended = Counter()
    var count: Int { ended.value }
    func token() -> Token { Token(ended) }

    final class Token: Sendable {
        private let ended: Counter
        fileprivate init(_ ended: Counter) { self.ended = ended }
        func touch() {}
        deinit { ended.increment() }
    }
}
