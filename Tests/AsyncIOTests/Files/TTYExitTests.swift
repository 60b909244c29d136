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

    /// All whose default action ends the process: from outside, and those of mistakes. The last two are real-time signals.
    @Test(arguments: [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU,
        SIGXFSZ,
        SIGSYS, SIGIO, SIGPWR, SIGSTKFLT, 34, 64,
    ])
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

    /// As everywhere in this library; or the terminal would stay raw when nobody reads the output any more.
    @Test func pipeThatNobodyReadsDoesNotEndTheProcess() async throws {
        let pty = try PseudoTerminal()
        let path = pty.path
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String] in
            signal(SIGPIPE, SIG_DFL)
            try await inRawMode(path) { _ in
                let (reading, writing) = try makePipe()
                close(reading)
                #expect(write(writing, "x", 1) == -1)
                exit(7)
            }
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
                #expect(action(of: SIGHUP) == .ignore)
                #expect(action(of: SIGINT) == .test)
                #expect(action(of: SIGTERM) == .other)
                // The library does not mistake its own for one of the program's.
                #expect(UVSignal.hasDefaultAction(SIGTERM))
                #expect(!UVSignal.hasDefaultAction(SIGINT))
                signal(SIGQUIT, handlerOfTheTest)
                terminal.close()
                await terminal.waitClosed()
                #expect(action(of: SIGHUP) == .ignore)
                #expect(action(of: SIGINT) == .test)
                #expect(action(of: SIGQUIT) == .test)
                #expect(action(of: SIGTERM) == .standard)
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
                _ = System.ignoreBrokenPipes
                let before = (1...64).map(handler)
                #expect(action(of: SIGTERM) == .standard)
                try terminals.0.setMode(.raw)
                try terminals.1.setMode(.io)
                try terminals.0.setMode(.normal)
                #expect(action(of: SIGTERM) == .other)
                try terminals.1.setMode(.normal)
                #expect(action(of: SIGTERM) == .standard)
                #expect((1...64).map(handler) == before)
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

/// Opens the terminal at `path` in a child process of a test, makes it raw, and runs `body`, which is to end the process.
func inRawMode(
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
