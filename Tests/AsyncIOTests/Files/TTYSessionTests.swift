// Terminals that control a process, and what reaches it from the keyboard; each in a process of its own.

import CLibuv
import Glibc
import Testing

@testable import AsyncIO

@Suite struct TTYSessionTests {
    @Test func endOfInputIsTypedInNormalModeOnly() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            let reader = terminal.reader
            pty.type("abc\u{4}")
            #expect(try await reader.read(10) == octets("abc"))
            try terminal.setMode(.raw)
            pty.type("\u{4}\u{3}")
            #expect(try await reader.readExactly(2) == [4, 3])
            try terminal.setMode(.normal)
            pty.type("\u{4}")
            #expect(try await reader.read(10) == [])
            #expect(reader.isAtEOF)
            terminal.close()
            await terminal.waitClosed()
        }
    }

    @Test func keysAreSignalsInNormalModeOnly() async {
        await #expect(processExitsWith: .success) {
            try await withControllingTerminal { loop, pty in
                let terminal = try loop.openTTY(fileDescriptor: pty.near)
                let reader = terminal.reader
                let interrupts = Trace()
                try loop.addSignalHandler(.interrupt) { interrupts("Ctrl-C") }
                pty.type("\u{3}")
                try await loop.untilTrue { interrupts.entries.count == 1 }
                try terminal.setMode(.raw)
                pty.type("\u{3}x")
                #expect(try await reader.readExactly(2) == [3, 120])
                #expect(interrupts.entries.count == 1)
                loop.removeSignalHandler(.interrupt)
                terminal.close()
                await terminal.waitClosed()
            }
        }
    }

    @Test func sizeThatThePersonChangesIsToldOf() async {
        await #expect(processExitsWith: .success) {
            try await withControllingTerminal { loop, pty in
                pty.resize(columns: 80, rows: 24)
                let terminal = try loop.openTTY(fileDescriptor: pty.near)
                var sizes = terminal.windowSizes.makeAsyncIterator()
                for columns in [100, 132, 7] {
                    pty.resize(columns: columns, rows: 24)
                    #expect(await sizes.next() == TTY.WindowSize(columns: columns, rows: 24))
                }
                terminal.close()
                await terminal.waitClosed()
            }
        }
    }

    @Test func hangUpIsASignalAndTheEnd() async {
        await #expect(processExitsWith: .success) {
            try await withControllingTerminal { loop, pty in
                let terminal = try loop.openTTY(fileDescriptor: pty.near)
                try terminal.setMode(.raw)
                let hangUps = Trace()
                try loop.addSignalHandler(.hangUp) { hangUps("hang-up") }
                let reading = loop.createTask { try await terminal.reader.read() }
                try await loop.rounds(2)
                pty.closeFar()
                #expect(try await reading.value == [])
                try await loop.untilTrue { hangUps.entries.count == 1 }
                #expect(systemCode(await caught { try terminal.setMode(.io) }) != nil || terminal.isClosing)
                loop.removeSignalHandler(.hangUp)
                terminal.close()
                await terminal.waitClosed()
            }
        }
    }

    /// The terminal that controls a process has a second name, and a second number of a device with it.
    @Test(arguments: [true, false]) func terminalWithTwoNamesIsNormalWhenBothAre(firstIsClosedFirst: Bool) async {
        await #expect(processExitsWith: .success) { [firstIsClosedFirst] in
            try await withControllingTerminal { loop, pty in
                let other = open("/dev/tty", O_RDWR | O_CLOEXEC)
                try #require(other >= 0)
                let terminals = [
                    try loop.openTTY(fileDescriptor: pty.near), try loop.openTTY(fileDescriptor: other),
                ]
                for terminal in terminals { try terminal.setMode(.raw) }
                let order = firstIsClosedFirst ? terminals : terminals.reversed()
                order[0].close()
                await order[0].waitClosed()
                #expect(pty.settings == .raw)
                order[1].close()
                await order[1].waitClosed()
                #expect(pty.settings == .normal)
                close(other)
            }
        }
    }

    /// However children end, the mode is this process's affair.
    @Test(arguments: ["exit 0", "kill -TERM $$", "kill -SEGV $$"])
    func childrenLeaveTheModeAlone(end: String) async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            try terminal.setMode(.raw)
            let child = try await loop.createSubprocess(
                shell: end, stdin: .fileDescriptor(pty.near), stdout: .fileDescriptor(pty.near))
            _ = try await child.wait()
            let missing = await caught { try await loop.createSubprocess("/nowhere/program") }
            #expect(missing != nil)
            #expect(pty.settings == .raw)
            terminal.close()
            await terminal.waitClosed()
            #expect(pty.settings == .normal)
        }
    }
}

/// Makes this process, which has to be a child of a test, the leader of a session with a terminal.
private func withControllingTerminal(
    _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, PseudoTerminal) async throws -> Void
) async throws {
    // The leader of a group cannot make a session, so it joins another group before.
    if getpgrp() == getpid() { #expect(setpgid(0, getpgid(getppid())) == 0) }
    try #require(setsid() != -1)
    // What a leader gets when its terminal goes, as it does at the end.
    signal(SIGHUP, SIG_IGN)
    try await onLoop { loop in
        let pty = try PseudoTerminal()
        #expect(ioctl(pty.near, UInt(TIOCSCTTY), 0) == 0)
        try await body(loop, pty)
    }
}
