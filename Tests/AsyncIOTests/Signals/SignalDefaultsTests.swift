// What a signal does to a process before, while and after a loop watches for it. Each test has a process of its own.

import Glibc
import Testing

@testable import AsyncIO

/// Whether the process ignores a signal.
private func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    sigaction(number, nil, &action)
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
}

@Suite struct SignalDefaultsTests {
    @Test func signalEndsTheProcessAgainAfterRemoval() async {
        await #expect(processExitsWith: .signal(SIGUSR1)) {
            try await onLoop { loop in
                let trace = Trace()
                try loop.addSignalHandler(.user1) { trace("called") }
                deliver(SIGUSR1)
                try await loop.untilTrue { !trace.entries.isEmpty }
                loop.removeSignalHandler(.user1)
                deliver(SIGUSR1)
            }
        }
    }

    @Test func signalEndsTheProcessAgainAfterTheLoopIsClosed() async {
        await #expect(processExitsWith: .signal(SIGTERM)) {
            try await onLoop { loop in try loop.addSignalHandler(.terminate) {} }
            deliver(SIGTERM)
        }
    }

    @Test func signalEndsTheProcessAgainAfterASequenceIsDropped() async {
        await #expect(processExitsWith: .signal(SIGHUP)) {
            try await onLoop { loop in
                do {
                    let signals = loop.signals(.hangUp)
                    deliver(SIGHUP)
                    var iterator = signals.makeAsyncIterator()
                    let first = await iterator.next()
                    #expect(first == .hangUp)
                }
                deliver(SIGHUP)
            }
        }
    }

    @Test func brokenPipesStayIgnoredAfterAHandlerForThem() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try loop.addSignalHandler(.pipe) {}
                #expect(!isIgnored(SIGPIPE))
                loop.removeSignalHandler(.pipe)
                #expect(isIgnored(SIGPIPE))
                // By a sequence, and by graceful shutdown.
                do {
                    let signals = loop.signals(.pipe)
                    #expect(!isIgnored(SIGPIPE))
                    withExtendedLifetime(signals) {}
                }
                #expect(isIgnored(SIGPIPE))
                try await loop.withGracefulShutdown(on: [.pipe]) {}
                #expect(isIgnored(SIGPIPE))
                try loop.addSignalHandler(.pipe) {}
            }
            #expect(isIgnored(SIGPIPE))
        }
    }

    @Test func handlerOfAnotherLoopForBrokenPipesSurvivesRemoval() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let trace = Trace()
                try loop.addSignalHandler(.pipe) { trace("called") }
                let other = try await onThread {
                    let other = try EventLoop()
                    try other.addSignalHandler(.pipe) {}
                    other.removeSignalHandler(.pipe)
                    try other.close()
                    return true
                }
                #expect(other)
                deliver(SIGPIPE)
                try await loop.untilTrue { !trace.entries.isEmpty }
            }
        }
    }

    @Test func loopThatIsLeftWithHandlersAtTheEndOfTheProcessDoesNoHarm() async {
        await #expect(processExitsWith: .success) {
            try await onThread {
                let loop = try EventLoop()
                try loop.addSignalHandler(.user2) {}
                deliver(SIGUSR2)
                try loop.runUntilComplete { try await loop.sleep(for: .zero) }
                exit(EXIT_SUCCESS)
            }
        }
    }

    @Test func forkAndExecOfAnotherThreadDoNotDisturbHandlers() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let trace = Trace()
                try loop.addSignalHandler(.user1) { trace("called") }
                let statuses = try await loop.toThread {
                    unblock(SIGUSR1)
                    return (0..<20).map { _ in system("kill -USR1 $$; exit 3") }
                }
                // The shells were ended by it: the handler is this process's only.
                #expect(statuses.allSatisfy { $0 & 0x7f == SIGUSR1 })
                try await loop.polls()
                #expect(trace.entries == [])
                deliver(SIGUSR1)
                try await loop.untilTrue { !trace.entries.isEmpty }
            }
        }
    }
}
