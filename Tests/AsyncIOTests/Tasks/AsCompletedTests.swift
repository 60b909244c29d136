// Futures in the order in which they are done.

import Testing

@testable import AsyncIO

@Suite struct AsCompletedTests {
    @Test func futuresComeInOrderOfCompletion() async throws {
        let order = try await onLoop { loop in
            let tasks = [5, 1, 3].map { n in
                loop.createTask {
                    try await loop.rounds(n)
                    return n
                }
            }
            var order: [Int] = []
            for try await future in loop.asCompleted(tasks) { order.append(try future.result()) }
            return order
        }
        #expect(order == [1, 3, 5])
    }

    @Test func elementsAreTheFuturesThatWereGiven() async throws {
        let isSame = try await onLoop { loop in
            let task = loop.createTask { 1 }
            for try await future in loop.asCompleted([task]) { return future === task }
            return false
        }
        #expect(isSame)
    }

    @Test func nothingGivesNothing() async throws {
        let count = try await onLoop { loop in
            let none: [Future<Int>] = []
            var count = 0
            for try await _ in loop.asCompleted(none, timeout: .milliseconds(1)) { count += 1 }
            return count
        }
        #expect(count == 0)
    }

    @Test func futureThatIsGivenTwiceComesOnce() async throws {
        let count = try await onLoop { loop in
            let task = loop.createTask { 1 }
            var count = 0
            for try await _ in loop.asCompleted([task, task]) { count += 1 }
            return count
        }
        #expect(count == 1)
    }

    @Test func failedAndCancelledFuturesCome() async throws {
        let results = try await onLoop { loop in
            let failing = loop.createTask { () -> Int in throw TestError(name: "failed") }
            let cancelled = loop.createTask { () -> Int in 1 }
            cancelled.cancel()
            var results: [String] = []
            for try await future in loop.asCompleted([failing, cancelled]) { results.append(await ending(future)) }
            return results
        }
        #expect(results == ["failed", "cancelled"])
    }

    @Test func timeoutIsThrownAfterWhatWasDone() async throws {
        let (results, isDone) = try await onLoop { loop in
            let never = loop.createFuture(of: Int.self)
            var results: [String] = []
            do {
                for try await future in loop.asCompleted([never, loop.createTask { 1 }], timeout: .milliseconds(1)) {
                    results.append(await ending(future))
                }
            } catch {
                results.append("\(error)")
            }
            return (results, never.isDone)
        }
        #expect(results == ["value 1", "timed out"])
        #expect(!isDone)
    }

    @Test func sequenceEndsAfterOneTimeoutForEachFutureThatIsLeft() async throws {
        let results = try await onLoop { loop in
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            let sequence = loop.asCompleted(futures, timeout: .zero)
            var results: [String] = []
            for _ in 0..<4 {
                var iterator = sequence.makeAsyncIterator()
                do { results.append(try await iterator.next() == nil ? "end" : "future") } catch {
                    results.append("\(error)")
                }
            }
            return results
        }
        #expect(results == ["timed out", "timed out", "end", "end"])
    }

    @Test func timerIsGoneWhenAllHaveCome() async throws {
        let count = try await onLoop { loop in
            for try await _ in loop.asCompleted([loop.createTask { 1 }], timeout: .seconds(3600)) {}
            return loop.liveTimers
        }
        #expect(count == 0)
    }

    @Test func timerAndCallbacksAreGoneWithTheSequence() async throws {
        let count = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            do { _ = loop.asCompleted([future], timeout: .seconds(3600)) }
            try future.setResult(1)
            try await loop.rounds(1)
            return loop.liveTimers
        }
        #expect(count == 0)
    }

    @Test func iterationMayBeLeftAndGoneOnWith() async throws {
        let results = try await onLoop { loop in
            let tasks = (1...3).map { n in
                loop.createTask {
                    try await loop.rounds(n)
                    return n
                }
            }
            let sequence = loop.asCompleted(tasks)
            var results: [Int] = []
            for try await future in sequence {
                results.append(try future.result())
                break
            }
            try await loop.rounds(8)
            for try await future in sequence { results.append(try future.result()) }
            return results
        }
        #expect(results == [1, 2, 3])
    }

    @Test func consumersShareTheFutures() async throws {
        let results = try await onLoop { loop in
            let futures = (0..<4).map { _ in loop.createFuture(of: Int.self) }
            let sequence = loop.asCompleted(futures)
            let consumers = (0..<2).map { _ in
                loop.createTask {
                    var own: [Int] = []
                    for try await future in sequence { own.append(try future.result()) }
                    return own
                }
            }
            try await loop.rounds(2)
            for (n, future) in futures.enumerated() {
                try future.setResult(n)
                try await loop.rounds(3)
            }
            try await loop.rounds(3)
            let areDone = consumers.map(\.isDone)
            #expect(areDone == [true, true])
            for consumer in consumers { consumer.cancel() }
            return consumers.filter(\.isDone).flatMap { (try? $0.result()) ?? [] }.sorted()
        }
        #expect(results == [0, 1, 2, 3])
    }

    @Test func consumerThatFindsNothingLeftEnds() async throws {
        let results = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let sequence = loop.asCompleted([future])
            let consumers = (0..<2).map { _ in
                loop.createTask { () -> String in
                    var iterator = sequence.makeAsyncIterator()
                    return try await iterator.next() == nil ? "end" : "future"
                }
            }
            try await loop.rounds(2)
            try future.setResult(1)
            try await loop.rounds(5)
            let results = consumers.map { outcome(of: $0) }
            for consumer in consumers { consumer.cancel() }
            return results.sorted()
        }
        #expect(results == ["value end", "value future"])
    }

    @Test func cancelledConsumerLosesNothing() async throws {
        let results = try await onLoop { loop in
            let futures = (0..<2).map { _ in loop.createFuture(of: Int.self) }
            let sequence = loop.asCompleted(futures)
            let first = loop.createTask {
                var iterator = sequence.makeAsyncIterator()
                return try await iterator.next() != nil
            }
            try await loop.rounds(2)
            try futures[0].setResult(0)
            try await loop.rounds(1)
            // It has been woken, but does not go on.
            first.cancel()
            _ = await ending(first)
            try futures[1].setResult(1)
            var results: [Int] = []
            for try await future in sequence { results.append(try future.result()) }
            return [first.isCancelled ? -1 : -2] + results
        }
        #expect(results == [-1, 0, 1])
    }

    @Test func cancelEndsTheWaitAndLeavesTheFutures() async throws {
        let (isCancelled, isDone) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { for try await _ in loop.asCompleted([future]) {} }
            try await loop.rounds(2)
            task.cancel()
            _ = await ending(task)
            return (task.isCancelled, future.isDone)
        }
        #expect(isCancelled)
        #expect(!isDone)
    }
}
