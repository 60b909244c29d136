// withGracefulShutdown: what it returns and throws, and what becomes of the body.

import Glibc
import Testing

@testable import AsyncIO

@Suite(.serialized) struct GracefulShutdownTests {
    /// Used by no other suite.
    private static let first = Signal.urgent
    private static let second = Signal(rawValue: 61)

    @Test func valueOfTheBodyIsReturned() async throws {
        let value = try await onLoop { loop in
            try await loop.withGracefulShutdown(on: [Self.second]) {
                try await loop.sleep(for: .zero)
                return 42
            }
        }
        #expect(value == 42)
        #expect(UVSignal.hasDefaultAction(Self.second.rawValue))
    }

    @Test func errorOfTheBodyIsThrown() async throws {
        await #expect(throws: TestError(name: "body")) {
            try await onLoop { loop in
                try await loop.withGracefulShutdown(on: [Self.second]) { throw TestError(name: "body") }
            }
        }
        #expect(UVSignal.hasDefaultAction(Self.second.rawValue))
    }

    @Test func signalCancelsTheBodyAndTheResultIsNil() async throws {
        let trace = try await onLoop { loop in
            let trace = Trace()
            let value: Int? = try await loop.withGracefulShutdown(on: [Self.second]) {
                deliver(Self.second.rawValue)
                do { try await loop.sleep(for: .seconds(3600)) } catch {
                    trace("\(error is CancellationError)")
                    // Cleaning up may wait.
                    try await loop.sleep(for: .milliseconds(1))
                    trace("clean")
                    throw error
                }
                return 1
            }
            #expect(value == nil)
            #expect(loop.liveTimers == 0)
            return trace.entries
        }
        #expect(trace == ["true", "clean"])
    }

    @Test func bodyThatCatchesTheCancellationReturnsItsValue() async throws {
        let value = try await onLoop { loop in
            try await loop.withGracefulShutdown(on: [Self.second]) {
                deliver(Self.second.rawValue)
                try? await loop.sleep(for: .seconds(3600))
                return "orderly"
            }
        }
        #expect(value == "orderly")
    }

    @Test func errorOfCleaningUpIsThrown() async throws {
        await #expect(throws: TestError(name: "cleaning up")) {
            try await onLoop { loop in
                try await loop.withGracefulShutdown(on: [Self.second]) {
                    deliver(Self.second.rawValue)
                    do { try await loop.sleep(for: .seconds(3600)) } catch { throw TestError(name: "cleaning up") }
                }
            }
        }
    }

    @Test func cancellationByTheBodyItselfIsThrown() async throws {
        await #expect(throws: CancellationError.self) {
            try await onLoop { loop in
                try await loop.withGracefulShutdown(on: [Self.second]) { throw CancellationError() }
            }
        }
    }

    @Test func deadlineEndsTheWaitForABodyThatTakesNoNotice() async throws {
        try await onLoop { loop in
            let trace = Trace()
            let error = await caught {
                try await loop.withGracefulShutdown(on: [Self.second], deadline: .milliseconds(20)) {
                    deliver(Self.second.rawValue)
                    while true {
                        do { try await loop.sleep(for: .seconds(3600)) } catch {
                            trace("cancelled")
                            if trace.entries.count == 2 { throw error }
                        }
                    }
                }
            }
            #expect(error is TimeoutError)
            try await loop.untilTrue { trace.entries.count == 2 }
            try await loop.rounds(5)
            #expect(loop.liveTimers == 0)
        }
    }

    @Test func withoutADeadlineOnlyASecondSignalEndsTheWait() async throws {
        try await onLoop { loop in
            let trace = Trace()
            let error = await caught {
                try await loop.withGracefulShutdown(on: [Self.second], deadline: nil) {
                    deliver(Self.second.rawValue)
                    try? await loop.sleep(for: .seconds(3600))
                    trace("first")
                    #expect(loop.liveTimers == 0)
                    deliver(Self.second.rawValue)
                    try? await loop.sleep(for: .seconds(3600))
                    trace("second")
                }
            }
            #expect(error is TimeoutError)
            try await loop.untilTrue { trace.entries.count == 2 }
        }
    }

    @Test func twoSignalsAtOnceAreNilForABodyThatEndsAtTheFirst() async throws {
        try await onLoop { loop in
            do {
                let value: Void? = try await loop.withGracefulShutdown(on: [Self.second, Self.first]) {
                    deliver(Self.second.rawValue)
                    deliver(Self.first.rawValue)
                    try await loop.sleep(for: .seconds(3600))
                }
                #expect(value == nil)
            } catch {
                // It had not ended when the second one came.
                #expect(error is TimeoutError)
            }
        }
    }

    @Test func outerCancellationCancelsTheBodyAndWaitsForIt() async throws {
        try await onLoop { loop in
            let trace = Trace()
            let outer = loop.createTask {
                try await loop.withGracefulShutdown(on: [Self.second], deadline: .zero) {
                    do { try await loop.sleep(for: .seconds(3600)) } catch {
                        try await loop.sleep(for: .milliseconds(5))
                        trace("clean")
                        throw error
                    }
                }
            }
            try await loop.rounds(3)
            outer.cancel()
            #expect(await settled(outer) == "cancelled")
            #expect(trace.entries == ["clean"])
            #expect(UVSignal.hasDefaultAction(Self.second.rawValue))
        }
    }

    @Test func outerCancellationDuringCleaningUpIsThrown() async throws {
        try await onLoop { loop in
            let cleaning = loop.createFuture(of: Void.self)
            let outer = loop.createTask {
                try await loop.withGracefulShutdown(on: [Self.second]) {
                    deliver(Self.second.rawValue)
                    do { try await loop.sleep(for: .seconds(3600)) } catch {
                        cleaning.finish(())
                        try await loop.sleep(for: .seconds(3600))
                    }
                }
            }
            try await cleaning.value
            outer.cancel()
            #expect(await settled(outer) == "cancelled")
        }
    }

    @Test func nestedShutdownsBothEnd() async throws {
        let result = try await onLoop { loop in
            let outer: String?? = try await loop.withGracefulShutdown(on: [Self.second]) {
                try await loop.withGracefulShutdown(on: [Self.second]) {
                    deliver(Self.second.rawValue)
                    try await loop.sleep(for: .seconds(3600))
                    return "no"
                }
            }
            return outer == .some(nil) || outer == nil
        }
        #expect(result)
    }

    @Test(arguments: [Signal.kill, .stop, .child, 0, 4711])
    func signalThatCannotBeWatchedIsThrownBeforeTheBodyRuns(signal: Signal) async throws {
        try await onLoop { loop in
            let error = await caught {
                try await loop.withGracefulShutdown(on: [Self.second, signal]) { Issue.record("it ran") }
            }
            #expect(loopCode(error) == .invalidArgument)
            #expect(UVSignal.hasDefaultAction(Self.second.rawValue))
        }
    }

    @Test func systemThatRefusesASignalIsThrownBeforeTheBodyRuns() async throws {
        try await onLoop { loop in
            let error = await caught {
                try await loop.withGracefulShutdown(on: [Self.second, 32]) { Issue.record("it ran") }
            }
            #expect(systemCode(error) == .invalidArgument)
            #expect(UVSignal.hasDefaultAction(Self.second.rawValue))
        }
    }

    @Test func swiftTaskThatIsNoneOfTheLoopsIsRefused() async throws {
        try await onLoop { loop in
            let executor = loop.executor
            let foreign = Task(executorPreference: executor) {
                let loop = try EventLoop.running
                try await loop.withGracefulShutdown(on: []) { Issue.record("it ran") }
            }
            let error = await caught { try await executor.run { _ in try await foreign.value } }
            #expect(loopCode(error) == .invalidState)
        }
    }

    @Test func noSignalsRunTheBody() async throws {
        let value = try await onLoop { loop in try await loop.withGracefulShutdown(on: []) { 1 } }
        #expect(value == 1)
    }

    @Test func bodyThatNeverEndsDoesNotKeepTheLoopFromClosing() async {
        await #expect(processExitsWith: .success) {
            try await onThread {
                #expect(throws: TimeoutError.self) {
                    try AsyncIO.run { loop in
                        try await loop.withGracefulShutdown(on: [.user1], deadline: .milliseconds(5)) {
                            deliver(SIGUSR1)
                            while true { try? await loop.sleep(for: .milliseconds(1)) }
                        }
                    }
                }
            }
            leaveWithoutLookingForLeaks()
        }
    }

    @Test func interruptEndsTheBodyAndIsNotThrown() async {
        await #expect(processExitsWith: .success) {
            try await MainActor.run {
                let value: Int? = try AsyncIO.run { loop in
                    try await loop.withGracefulShutdown {
                        deliver(SIGINT)
                        try await loop.sleep(for: .seconds(3600))
                        return 1
                    }
                }
                #expect(value == nil)
            }
        }
    }
}

extension Signal {
    /// Its default action is to do nothing.
    fileprivate static let urgent = Signal(rawValue: SIGURG)
}
