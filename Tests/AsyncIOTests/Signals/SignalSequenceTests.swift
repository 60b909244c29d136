// Signals as a sequence: what is kept, who reads, and how it ends.

import Glibc
import Testing

@testable import AsyncIO

@Suite(.serialized) struct SignalSequenceTests {
    /// Sent by no other suite, as is SIGUSR2 in this process.
    private static let other = Signal(rawValue: 62)

    @Test func signalsBeforeTheFirstReadAreKeptInOrder() async throws {
        try await onLoop { loop in
            let signals = loop.signals(.user2, Self.other)
            for signal in [Self.other, .user2, Self.other] { deliver(signal.rawValue) }
            try await loop.polls()
            var iterator = signals.makeAsyncIterator()
            var seen: [Signal] = []
            for _ in 0..<3 { if let signal = await iterator.next() { seen.append(signal) } }
            #expect(seen == [Self.other, .user2, Self.other])
        }
    }

    @Test func readIsWokenByASignal() async throws {
        try await onLoop { loop in
            let signals = loop.signals([.user2])
            try UVThread { kill(getpid(), SIGUSR2) }.detach()
            for await signal in signals {
                #expect(signal == .user2)
                break
            }
        }
    }

    @Test func twoSequencesBothGetIt() async throws {
        try await onLoop { loop in
            var one = loop.signals(.user2).makeAsyncIterator()
            var two = loop.signals(.user2).makeAsyncIterator()
            deliver(SIGUSR2)
            let both = [await one.next(), await two.next()]
            #expect(both == [.user2, .user2])
        }
    }

    @Test func handlerAndSequenceBothGetIt() async throws {
        try await onLoop { loop in
            let trace = Trace()
            try loop.addSignalHandler(.user2) { trace("handler") }
            var signals = loop.signals(.user2).makeAsyncIterator()
            deliver(SIGUSR2)
            let signal = await signals.next()
            #expect(signal == .user2)
            try await loop.untilTrue { trace.entries == ["handler"] }
            // The end of one leaves the other.
            loop.removeSignalHandler(.user2)
            deliver(SIGUSR2)
            let second = await signals.next()
            #expect(second == .user2)
        }
    }

    @Test func cancelledReadIsTheEndForItsTaskAndLosesNothing() async throws {
        try await onLoop { loop in
            let signals = loop.signals(.user2)
            let reading = loop.createTask {
                var iterator = signals.makeAsyncIterator()
                return await iterator.next()
            }
            try await loop.rounds(2)
            reading.cancel()
            deliver(SIGUSR2)
            let read = try await reading.value
            #expect(read == nil)
            try await loop.polls()
            var iterator = signals.makeAsyncIterator()
            let next = await iterator.next()
            #expect(next == .user2)
        }
    }

    @Test func cancelledTaskLeavesItsLoopOverSignals() async throws {
        try await onLoop { loop in
            let reading = loop.createTask {
                var count = 0
                for await _ in loop.signals(.user2) { count += 1 }
                return count
            }
            try await loop.rounds(2)
            deliver(SIGUSR2)
            try await loop.polls()
            reading.cancel()
            let count = try await reading.value
            #expect(count == 1)
            #expect(UVSignal.hasDefaultAction(SIGUSR2))
        }
    }

    @Test func droppingTheSequenceRestoresTheDefault() async throws {
        try await onLoop { loop in
            do {
                let signals = loop.signals(.user2)
                #expect(!UVSignal.hasDefaultAction(SIGUSR2))
                withExtendedLifetime(signals) {}
            }
            #expect(UVSignal.hasDefaultAction(SIGUSR2))
        }
    }

    @Test func iteratorKeepsTheSignalsWatched() async throws {
        try await onLoop { loop in
            do {
                var iterator = loop.signals(.user2).makeAsyncIterator()
                #expect(!UVSignal.hasDefaultAction(SIGUSR2))
                deliver(SIGUSR2)
                let signal = await iterator.next()
                #expect(signal == .user2)
            }
            #expect(UVSignal.hasDefaultAction(SIGUSR2))
        }
    }

    @Test func closeOfTheLoopEndsAReadAndRestoresTheDefault() async throws {
        let ended = SharedCounter()
        try await onLoop { loop in
            loop.exceptionHandler = { _, _ in }
            loop.createTask {
                for await _ in loop.signals(.user2) {}
                ended.increment()
            }
            try await loop.rounds(2)
        }
        #expect(ended.value == 1)
        #expect(UVSignal.hasDefaultAction(SIGUSR2))
    }

    @Test func sequenceThatOutlivesItsLoopEnds() async throws {
        try await onThread {
            let loop = try EventLoop()
            let signals = loop.signals(.user2)
            try loop.close()
            #expect(UVSignal.hasDefaultAction(SIGUSR2))
            withExtendedLifetime(signals) {}
        }
    }

    @Test(arguments: [Signal.kill, .stop, .child, 0, 4711])
    func signalThatCannotBeWatchedIsReportedAndEndsTheSequence(signal: Signal) async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            var iterator = loop.signals(.user2, signal).makeAsyncIterator()
            let next = await iterator.next()
            #expect(next == nil)
            #expect(reports.all.count == 1)
            #expect(loopCode(reports.all.first?.exception) == .invalidArgument)
            #expect(UVSignal.hasDefaultAction(SIGUSR2))
        }
    }

    @Test func repeatedArgumentIsWatchedOnce() async throws {
        try await onLoop { loop in
            var iterator = loop.signals(.user2, .user2).makeAsyncIterator()
            deliver(SIGUSR2)
            let first = await iterator.next()
            #expect(first == .user2)
            try await loop.polls()
            let rest = loop.createTask { await iterator.next() }
            try await loop.rounds(3)
            #expect(!rest.isDone)
            rest.cancel()
            _ = try? await rest.value
        }
    }

    @Test func memoryIsBoundedWithoutAReader() async throws {
        try await onLoop { loop in
            let signals = loop.signals(.user2)
            for _ in 0..<20 {
                for _ in 0..<500 { deliver(SIGUSR2) }
                try await loop.polls()
            }
            let reading = loop.createTask {
                var count = 0
                for await _ in signals { count += 1 }
                return count
            }
            try await loop.rounds(2)
            reading.cancel()
            let count = try await reading.value
            #expect(count > 0)
            #expect(count <= 4096)
        }
    }

    @Test func noSignalsAtAllNeverEndsAndCanBeCancelled() async throws {
        try await onLoop { loop in
            let reading = loop.createTask {
                for await _ in loop.signals([]) { Issue.record("there is none") }
                return true
            }
            try await loop.rounds(3)
            #expect(!reading.isDone)
            reading.cancel()
            let ended = try await reading.value
            #expect(ended)
        }
    }
}
