// Terminals get their normal mode back when the process ends: each in a process of its own, seen from this one.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct TTYExitTests {
    @Test func exitGivesTheNormalModeBack() async throws {
        let pty = try PseudoTerminal()
        let path = pty.path
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
            try await inRawMode(path) { _ in exit(7) }
        }
        #expect(pty.settings == .normal)
    }

    /// Signals from outside, and those of mistakes.
    @Test(arguments: [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV])
    func signalThatEndsTheProcessGivesTheNormalModeBack(number: Int32) async throws {
        let pty = try PseudoTerminal()
        let path = pty.path
        await #expect(processExitsWith: .signal(number)) { [path = path as String, number] in
            // The process that started this one may ignore it.
            signal(number, SIG_DFL)
            try await inRawMode(path) { _ in kill(getpid(), number) }
        }
        #expect(pty.settings == .normal)
    }

    @Test func trapGivesTheNormalModeBack() async throws {
        let pty = try PseudoTerminal()
        let path = pty.path
        await #expect(processExitsWith: .failure) { [path = path as String] in
            for number in [SIGILL, SIGTRAP] { signal(number, SIG_DFL) }
            try await inRawMode(path) { _ in fatalError("a mistake, for the test") }
        }
        #expect(pty.settings == .normal)
    }

    @Test func signalThatOnlyLibuvHandledStillGivesTheNormalModeBack() async throws {
        let pty = try PseudoTerminal()
        let path = pty.path
        await #expect(processExitsWith: .signal(SIGTERM)) { [path = path as String] in
            signal(SIGTERM, SIG_DFL)
            try await inRawMode(path) { loop in
                try loop.addSignalHandler(.terminate) {}
                loop.removeSignalHandler(.terminate)
                // The handle is closed in the next iteration.
                try await loop.untilTrue { loop.uv.openHandles["signal"] == nil }
                kill(getpid(), SIGTERM)
            }
        }
        #expect(pty.settings == .normal)
    }

    @Test func handlersOfTheProgramStay() async {
        await #expect(processExitsWith: .success) {
            let pty = try PseudoTerminal()
            let near = pty.near
            for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] { signal(number, SIG_DFL) }
            signal(SIGHUP, SIG_IGN)
            signal(SIGINT, handlerOfTheTest)
            try await onLoop { loop in
                let terminal = try loop.openTTY(fileDescriptor: near)
                try terminal.setMode(.raw)
                #expect(handler(of: SIGHUP) == .ignore)
                #expect(handler(of: SIGINT) == .test)
                #expect(handler(of: SIGTERM) == .other)
                // The library does not mistake its own for one of the program's.
                #expect(UVSignal.hasDefaultAction(SIGTERM))
                #expect(!UVSignal.hasDefaultAction(SIGINT))
                signal(SIGQUIT, handlerOfTheTest)
                terminal.close()
                await terminal.waitClosed()
                #expect(handler(of: SIGHUP) == .ignore)
                #expect(handler(of: SIGINT) == .test)
                #expect(handler(of: SIGQUIT) == .test)
                #expect(handler(of: SIGTERM) == .standard)
            }
            withExtendedLifetime(pty) {}
        }
    }

    @Test func handlersGoWithTheLastTerminal() async {
        await #expect(processExitsWith: .success) {
            let (first, second) = (try PseudoTerminal(), try PseudoTerminal())
            let (one, two) = (first.near, second.near)
            signal(SIGTERM, SIG_DFL)
            try await onLoop { loop in
                let terminals = (try loop.openTTY(fileDescriptor: one), try loop.openTTY(fileDescriptor: two))
                #expect(handler(of: SIGTERM) == .standard)
                try terminals.0.setMode(.raw)
                try terminals.1.setMode(.io)
                try terminals.0.setMode(.normal)
                #expect(handler(of: SIGTERM) == .other)
                try terminals.1.setMode(.normal)
                #expect(handler(of: SIGTERM) == .standard)
                terminals.0.close()
                terminals.1.close()
                await terminals.0.waitClosed()
                await terminals.1.waitClosed()
            }
            withExtendedLifetime((first, second)) {}
        }
    }

    @Test func resetAllMakesEveryTerminalNormal() async {
        // It resets the terminals of all tests, so it has a process of its own.
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let (first, second) = (try PseudoTerminal(), try PseudoTerminal())
                let one = try loop.openTTY(fileDescriptor: first.near)
                let two = try loop.openTTY(fileDescriptor: second.near)
                try one.setMode(.raw)
                try two.setMode(.io)
                TTY.resetAll()
                #expect([first.settings, second.settings] == [.normal, .normal])
                #expect([one.mode, two.mode] == [.normal, .normal])
                try one.setMode(.raw)
                #expect(first.settings == .raw)
                #expect(one.mode == .raw)
                for terminal in [one, two] {
                    terminal.close()
                    await terminal.waitClosed()
                }
                #expect([first.settings, second.settings] == [.normal, .normal])
            }
        }
    }
}

/// Opens the terminal at `path` in a child process, makes it raw, and runs `body`, which is to end the process.
private func inRawMode(
    _ path: String, _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop) async throws -> Void
) async throws {
    try await onLoop { loop in
        let descriptor = open(path, O_RDWR | O_NOCTTY)
        let terminal = try loop.openTTY(fileDescriptor: descriptor)
        try terminal.setMode(.raw)
        // Where the mode was not set there is nothing to see.
        guard TerminalSettings(descriptor) == .raw else { _exit(99) }
        try await body(loop)
        // A signal to the process may be delivered on another thread.
        while true { pause() }
    }
}

private enum Handler { case standard, ignore, test, other }

private func handlerOfTheTest(_: Int32) {}

private func handler(of number: Int32) -> Handler {
    var action = sigaction()
    sigaction(number, nil, &action)
    let address = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    if address == 0 { return .standard }
    if address == 1 { return .ignore }
    let own: @convention(c) (Int32) -> Void = handlerOfTheTest
    return address == unsafeBitCast(own, to: Int.self) ? .test : .other
}
