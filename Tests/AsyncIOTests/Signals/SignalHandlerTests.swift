// Handlers of signals: when they are called, replaced, removed, and what is refused. Each test has a signal of its own, since
// a signal is everybody's in the process.

import Glibc
import Testing

@testable import AsyncIO

extension Signal {
    /// A signal for programs that has no name; 0 to 20.
    static func realTime(_ number: Int32) -> Signal { Signal(rawValue: 40 + number) }
}

/// Sends the calling thread a signal, which has arrived when this returns. Threads of libdispatch, and those that they start,
/// block most signals.
func deliver(_ number: Int32) {
    unblock(number)
    raise(number)
}

/// Lets the calling thread take a signal.
func unblock(_ number: Int32) {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, number)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
}

@Suite struct SignalHandlerTests {
    @Test func handlerIsCalledInARoundOfTheLoop() async throws {
        try await onLoop { loop in
            let trace = Trace()
            try loop.addSignalHandler(.realTime(0)) { trace(loop.isRunning ? "on the loop" : "elsewhere") }
            deliver(Signal.realTime(0).rawValue)
            #expect(trace.entries == [])
            try await loop.untilTrue { !trace.entries.isEmpty }
            #expect(trace.entries == ["on the loop"])
        }
    }

    @Test func signalWakesALoopThatWaitsForTheSystem() async throws {
        try await onLoop { loop in
            let arrived = loop.createFuture(of: Void.self)
            try loop.addSignalHandler(.realTime(1)) { arrived.finish(()) }
            try UVThread { kill(getpid(), Signal.realTime(1).rawValue) }.detach()
            try await arrived.value
        }
    }

    @Test func handlerReplacesTheOneThatThereWas() async throws {
        try await onLoop { loop in
            let trace = Trace()
            try loop.addSignalHandler(.realTime(2)) { trace("first") }
            try loop.addSignalHandler(.realTime(2)) { trace("second") }
            deliver(Signal.realTime(2).rawValue)
            try await loop.untilTrue { !trace.entries.isEmpty }
            #expect(trace.entries == ["second"])
            #expect(loop.removeSignalHandler(.realTime(2)))
            #expect(!loop.removeSignalHandler(.realTime(2)))
        }
    }

    @Test func removalTellsWhetherThereWasAHandler() async throws {
        try await withLoop { loop in
            #expect(!loop.removeSignalHandler(.realTime(3)))
            try loop.addSignalHandler(.realTime(3)) {}
            #expect(loop.removeSignalHandler(.realTime(3)))
            #expect(!loop.removeSignalHandler(.realTime(3)))
            #expect(!loop.removeSignalHandler(.kill))
            #expect(!loop.removeSignalHandler(Signal(rawValue: 4711)))
        }
    }

    @Test(arguments: [0, -1, 65, 4711, Int32.max, Int32.min])
    func numberThatIsNoSignalIsRefused(number: Int32) async throws {
        try await withLoop { loop in
            #expect(throws: EventLoopError(.invalidArgument, "")) {
                try loop.addSignalHandler(Signal(rawValue: number)) {}
            }
            #expect(!loop.removeSignalHandler(Signal(rawValue: number)))
            #expect(loop.uv.openHandles["signal"] == nil)
        }
    }

    @Test(arguments: [Signal.kill, .stop])
    func signalThatCannotBeCaughtIsRefusedByName(signal: Signal) async throws {
        try await withLoop { loop in
            let error = #expect(throws: EventLoopError.self) { try loop.addSignalHandler(signal) {} }
            #expect(error?.code == .invalidArgument)
            #expect(text(of: error).contains("sig \(signal.rawValue)"))
            #expect(text(of: error).contains("cannot be caught"))
        }
    }

    @Test func signalOfChildrenIsReserved() async throws {
        try await withLoop { loop in
            let error = #expect(throws: EventLoopError.self) { try loop.addSignalHandler(.child) {} }
            #expect(error?.code == .invalidArgument)
            #expect(text(of: error).contains("reserved"))
        }
    }

    @Test func signalThatTheSystemKeepsForItselfIsAnErrorAndLeavesNothing() async throws {
        try await withLoop { loop in
            // The C library's own.
            let error = #expect(throws: IOError.self) { try loop.addSignalHandler(Signal(rawValue: 32)) {} }
            #expect(error?.code == .invalidArgument)
            #expect(error?.operation == "uv_signal_start")
            #expect(!loop.removeSignalHandler(Signal(rawValue: 32)))
        }
    }

    @Test func refusalLeavesTheOtherHandlersAlone() async throws {
        try await onLoop { loop in
            let trace = Trace()
            try loop.addSignalHandler(.realTime(4)) { trace("still here") }
            _ = try? loop.addSignalHandler(.kill) {}
            _ = try? loop.addSignalHandler(Signal(rawValue: 32)) {}
            deliver(Signal.realTime(4).rawValue)
            try await loop.untilTrue { !trace.entries.isEmpty }
        }
    }

    @Test func callThatWasDueDoesNotHappenAfterRemoval() async throws {
        try await onLoop { loop in
            let trace = Trace()
            // This one's default action is to do nothing. Other suites send it as well, which changes nothing here.
            try loop.addSignalHandler(.windowChange) { trace("removed") }
            try loop.addSignalHandler(.realTime(5)) { trace("kept") }
            deliver(Signal.windowChange.rawValue)
            deliver(Signal.realTime(5).rawValue)
            loop.removeSignalHandler(.windowChange)
            try await loop.untilTrue { !trace.entries.isEmpty }
            try await loop.polls()
            #expect(trace.entries == ["kept"])
        }
    }

    @Test func callInTheSameRoundDoesNotHappenAfterRemovalByAnotherHandler() async throws {
        try await onLoop { loop in
            let trace = Trace()
            // Whichever comes first removes the other.
            try loop.addSignalHandler(.realTime(6)) {
                trace("one")
                loop.removeSignalHandler(.realTime(7))
            }
            try loop.addSignalHandler(.realTime(7)) {
                trace("one")
                loop.removeSignalHandler(.realTime(6))
            }
            deliver(Signal.realTime(6).rawValue)
            deliver(Signal.realTime(7).rawValue)
            try await loop.untilTrue { !trace.entries.isEmpty }
            try await loop.polls()
            #expect(trace.entries == ["one"])
        }
    }

    @Test func handlerThatWasReplacedIsNotCalledForAnEarlierSignal() async throws {
        try await onLoop { loop in
            let trace = Trace()
            try loop.addSignalHandler(.realTime(8)) { trace("old") }
            deliver(Signal.realTime(8).rawValue)
            loop.removeSignalHandler(.realTime(8))
            try loop.addSignalHandler(.realTime(8)) { trace("new") }
            try await loop.polls()
            #expect(!trace.entries.contains("old"))
            deliver(Signal.realTime(8).rawValue)
            try await loop.untilTrue { trace.entries.contains("new") }
        }
    }

    @Test func handlerMayRemoveItself() async throws {
        try await onLoop { loop in
            let trace = Trace()
            try loop.addSignalHandler(.windowChange) { trace("\(loop.removeSignalHandler(.windowChange))") }
            deliver(Signal.windowChange.rawValue)
            try await loop.untilTrue { !trace.entries.isEmpty }
            #expect(trace.entries == ["true"])
        }
    }

    @Test func errorOfAHandlerIsReportedAndTheHandlerStays() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            try loop.addSignalHandler(.realTime(9)) { throw TestError(name: "handler") }
            for expected in 1...2 {
                deliver(Signal.realTime(9).rawValue)
                try await loop.untilTrue { reports.all.count == expected }
            }
            #expect(reports.all.allSatisfy { $0.exception as? TestError == TestError(name: "handler") })
        }
    }

    @Test func everyLoopWithAHandlerIsCalled() async throws {
        let arrivals = SharedCounter()
        let (ready, done) = (Gate(), Gate())
        let loops = 4
        async let all: Void = withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<loops {
                group.addTask {
                    try await onLoop { loop in
                        let arrived = loop.createFuture(of: Void.self)
                        try loop.addSignalHandler(.realTime(10)) {
                            arrivals.increment()
                            arrived.finish(())
                        }
                        async let passed: Void = onThread { ready.pass() }
                        try await arrived.value
                        try await passed
                        // Nobody removes a handler before everybody was called.
                        async let called: Void = onThread { done.pass() }
                        try await called
                    }
                }
            }
            try await group.waitForAll()
        }
        try await onThread {
            ready.waitForArrivals(loops)
            kill(getpid(), Signal.realTime(10).rawValue)
            ready.open()
            done.waitForArrivals(loops)
            done.open()
        }
        try await all
        #expect(arrivals.value == loops)
    }

    @Test func signalsFromManyThreadsAtOnceAreAllSeenAtLeastOnce() async throws {
        try await onLoop { loop in
            let signals: [Signal] = [.realTime(11), .realTime(12), .realTime(13)]
            var last: [Signal: Int] = [:]
            let finished = SharedCounter()
            for signal in signals { try loop.addSignalHandler(signal) { last[signal, default: 0] += 1 } }
            for _ in 0..<8 {
                try UVThread {
                    for _ in 0..<500 { for signal in signals { deliver(signal.rawValue) } }
                    finished.increment()
                }.detach()
            }
            try await loop.untilTrue { finished.value == 8 }
            // A signal after the last call is seen.
            try await loop.polls()
            last = [:]
            for signal in signals { deliver(signal.rawValue) }
            try await loop.untilTrue { last.count == 3 }
        }
    }

    @Test func handlersOfDifferentSignalsAreCalledInTheOrderOfArrival() async throws {
        try await onLoop { loop in
            let trace = Trace()
            for number in [14, 15, 16] as [Int32] {
                try loop.addSignalHandler(.realTime(number)) { trace("\(number)") }
            }
            for number in [16, 14, 15] as [Int32] { deliver(Signal.realTime(number).rawValue) }
            try await loop.untilTrue { trace.entries.count == 3 }
            #expect(trace.entries == ["16", "14", "15"])
        }
    }

    @Test func closeOfTheLoopRemovesHandlersWithASignalOnItsWay() async throws {
        try await withLoop { loop in
            try loop.addSignalHandler(.realTime(17)) { Issue.record("called after the end") }
            try loop.addSignalHandler(.windowChange) { Issue.record("called after the end") }
            deliver(Signal.realTime(17).rawValue)
            deliver(Signal.windowChange.rawValue)
            loop.removeSignalHandler(.windowChange)
        }
        #expect(UVSignal.hasDefaultAction(Signal.realTime(17).rawValue))
    }

    @Test func closedLoopRefuses() async throws {
        try await withLoop { loop in
            try loop.close()
            #expect(throws: EventLoopError(.closed, "")) { try loop.addSignalHandler(.realTime(18)) {} }
            #expect(!loop.removeSignalHandler(.realTime(18)))
        }
        #expect(UVSignal.hasDefaultAction(Signal.realTime(18).rawValue))
    }

    @Test func defaultActionComesBackWithTheLastHandler() async throws {
        try await withLoop { first in
            let second = try EventLoop()
            let number = Signal.realTime(19).rawValue
            #expect(UVSignal.hasDefaultAction(number))
            try first.addSignalHandler(.realTime(19)) {}
            try second.addSignalHandler(.realTime(19)) {}
            #expect(!UVSignal.hasDefaultAction(number))
            first.removeSignalHandler(.realTime(19))
            #expect(!UVSignal.hasDefaultAction(number))
            try second.close()
            #expect(UVSignal.hasDefaultAction(number))
        }
    }

    @Test func systemCallsAreRestartedAfterASignal() async throws {
        try await onLoop { loop in
            let trace = Trace()
            let (reading, writing) = try makePipe()
            try loop.addSignalHandler(.realTime(20)) { trace("called") }
            let entered = ThreadGate()
            let thread = UncheckedTransfer(Variable<pthread_t>())  // SAFETY: read after the gate has been opened.
            let byte = loop.runInExecutor {
                unblock(Signal.realTime(20).rawValue)
                thread.value.value = pthread_self()
                entered.open()
                var byte: UInt8 = 0
                let count = read(reading, &byte, 1)
                return count == 1 ? byte : 255
            }
            try await loop.untilTrue { entered.isOpen }
            for expected in 1...50 {
                pthread_kill(try #require(thread.value.value), Signal.realTime(20).rawValue)
                try await loop.untilTrue { trace.entries.count >= expected }
            }
            _ = write(writing, [7], 1)
            let received = try await byte.value
            #expect(received == 7)
            for descriptor in [reading, writing] { close(descriptor) }
        }
    }

    @Test func namesOfSignals() {
        #expect("\(Signal.terminate)" == "SIGTERM")
        #expect("\(Signal.realTime(0))" == "signal 40")
        #expect(Signal.interrupt.rawValue == SIGINT)
        #expect(15 as Signal == .terminate)
    }
}
