// Reading and writing terminals, and the sizes of their windows.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct TTYStreamTests {
    @Test func linesAreReadWhenTheyAreComplete() async throws {
        try await withTerminal { pty, terminal in
            pty.type("hel")
            pty.type("lo\nworld\n")
            let lines = [try await terminal.reader.readLine(), try await terminal.reader.readLine()]
            #expect(lines == [octets("hello\n"), octets("world\n")])
        }
    }

    @Test func keysAreReadOneByOneInRawMode() async throws {
        try await withTerminal { pty, terminal in
            try terminal.setMode(.raw)
            pty.type("k")
            #expect(try await terminal.reader.read(16) == octets("k"))
            // Ctrl-C is a byte and no signal.
            pty.type("\u{3}\r")
            #expect(try await terminal.reader.readExactly(2) == [3, 13])
        }
    }

    @Test(arguments: [(TTY.Mode.normal, "a\r\nb"), (.raw, "a\r\nb"), (.io, "a\nb")])
    func lineEndsAreMadeForTheTerminalButNotInIOMode(mode: TTY.Mode, shown: String) async throws {
        try await withTerminal { pty, terminal in
            try terminal.setMode(mode)
            terminal.writer.write("a\nb")
            try await terminal.writer.drain()
            #expect(pty.shown(shown.utf8.count) == shown)
        }
    }

    @Test func nothingIsReadBeforeTheReaderIsAskedFor() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            terminal.writer.write("prompt")
            #expect(pty.shown(6) == "prompt")
            pty.type("mine\n")
            try await loop.rounds(200)
            terminal.close()
            await terminal.waitClosed()
            var bytes = [UInt8](repeating: 0, count: 16)
            #expect(read(pty.near, &bytes, bytes.count) == 5)
            #expect(asText(bytes).hasPrefix("mine\n"))
        }
    }

    @Test func readerAndWriterAreMadeOnceAndHaveNoEndOfWriting() async throws {
        try await withTerminal { _, terminal in
            #expect(terminal.reader === terminal.reader)
            #expect(terminal.writer === terminal.writer)
            #expect(!terminal.writer.canWriteEOF)
        }
    }

    @Test func closeWritesWhatWaits() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            try terminal.setMode(.io)
            let writer = terminal.writer
            // More than a pty holds.
            let text = String(repeating: "0123456789", count: 20_000)
            writer.write(text)
            #expect(writer.transport.writeBufferSize > 0)
            terminal.close()
            #expect(pty.settings == .io)
            let far = pty.far
            let shown = try await loop.toThread { readAll(far, text.utf8.count) }
            #expect(shown == octets(text))
            await terminal.waitClosed()
            #expect(pty.settings == .normal)
        }
    }

    @Test func terminalEndsWhenItsFarEndIsClosed() async throws {
        try await withTerminal { pty, terminal in
            try terminal.setMode(.raw)
            pty.type("last")
            #expect(try await terminal.reader.readExactly(4) == octets("last"))
            pty.closeFar()
            #expect(try await terminal.reader.read() == [])
            #expect(terminal.reader.isAtEOF)
        }
    }

    @Test func farEndEndsWhenTheNearEndIsClosed() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.far)
            #expect(write(pty.near, "bye", 3) == 3)
            pty.closeNear()
            // The system says EIO here.
            #expect(try await terminal.reader.read() == octets("bye"))
            terminal.close()
            await terminal.waitClosed()
        }
    }

    @Test func terminalForWritingOnlyHasNothingToRead() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let descriptor = try pty.openNear(O_WRONLY)
            let terminal = try loop.openTTY(fileDescriptor: descriptor)
            #expect(try await terminal.reader.read() == [])
            terminal.writer.write("shown")
            #expect(pty.shown(5) == "shown")
            terminal.close()
            await terminal.waitClosed()
            #expect(isBlocking(descriptor))
            close(descriptor)
        }
    }

    @Test func terminalForReadingOnlyReportsWhatIsWritten() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let pty = try PseudoTerminal()
            let descriptor = try pty.openNear(O_RDONLY)
            let terminal = try loop.openTTY(fileDescriptor: descriptor)
            terminal.writer.write("dropped")
            #expect(reports.all.map { loopCode($0.exception) } == [.unsupported])
            pty.type("read\n")
            #expect(try await terminal.reader.readLine() == octets("read\n"))
            terminal.close()
            await terminal.waitClosed()
            #expect(isBlocking(descriptor))
            close(descriptor)
        }
    }

    @Test(arguments: [false, true]) func streamsOfAClosedTerminalHaveEnded(afterTheEnd: Bool) async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            terminal.close()
            if afterTheEnd { await terminal.waitClosed() }
            #expect(try await terminal.reader.read() == [])
            terminal.writer.write("dropped")
            #expect(terminal.writer.isClosing)
            #expect(terminal.isClosing)
            await terminal.waitClosed()
        }
    }

    @Test func cancelledReaderLosesNothing() async throws {
        try await withTerminal { pty, terminal in
            let reader = terminal.reader
            let task = terminal.loop.createTask { try await reader.readLine() }
            try await terminal.loop.rounds(3)
            task.cancel()
            #expect(await settled(task) == "cancelled")
            pty.type("kept\n")
            #expect(try await reader.readLine() == octets("kept\n"))
        }
    }

    /// Lends both ends of a terminal, and closes it.
    private func withTerminal(
        _ body: nonisolated(nonsending) @escaping @Sendable (PseudoTerminal, TTY) async throws -> Void
    ) async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            let error = await caught { try await body(pty, terminal) }
            terminal.close()
            await terminal.waitClosed()
            if let error { throw error }
        }
    }
}

/// Reads so many bytes from a terminal; waits for them.
private func readAll(_ descriptor: Int32, _ count: Int) -> [UInt8] {
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while result.count < count {
        let size = read(descriptor, &buffer, buffer.count)
        guard size > 0 else { break }
        result += buffer.prefix(size)
    }
    return result
}

@Suite struct TTYWindowTests {
    @Test func sizeIsThatOfTheWindow() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            #expect(try terminal.windowSize == TTY.WindowSize(columns: 0, rows: 0))
            pty.resize(columns: 132, rows: 43)
            #expect(try terminal.windowSize == TTY.WindowSize(columns: 132, rows: 43))
            terminal.close()
            await terminal.waitClosed()
        }
    }

    @Test func changesOfTheSizeAreASequence() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            pty.resize(columns: 80, rows: 24)
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            var sizes = terminal.windowSizes.makeAsyncIterator()
            for width in [100, 120] {
                pty.resize(columns: width, rows: 24)
                kill(getpid(), SIGWINCH)
                #expect(await sizes.next() == TTY.WindowSize(columns: width, rows: 24))
            }
            terminal.close()
            #expect(await sizes.next() == nil)
            await terminal.waitClosed()
        }
    }

    @Test func signalWithoutAChangeIsNoEvent() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            pty.resize(columns: 80, rows: 24)
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            let sizes = terminal.windowSizes
            let next = loop.createTask { () -> TTY.WindowSize? in
                var iterator = sizes.makeAsyncIterator()
                return await iterator.next()
            }
            var signals = loop.signals(.windowChange).makeAsyncIterator()
            kill(getpid(), SIGWINCH)
            #expect(await signals.next() == .windowChange)
            try await loop.rounds(4)
            #expect(!next.isDone)
            pty.resize(columns: 81, rows: 25)
            kill(getpid(), SIGWINCH)
            #expect(try await next.value == TTY.WindowSize(columns: 81, rows: 25))
            terminal.close()
            await terminal.waitClosed()
        }
    }

    @Test func changesThatNobodyHasReadAreOne() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            var sizes = terminal.windowSizes.makeAsyncIterator()
            var signals = loop.signals(.windowChange).makeAsyncIterator()
            for width in [90, 91, 92] {
                pty.resize(columns: width, rows: 30)
                kill(getpid(), SIGWINCH)
                #expect(await signals.next() == .windowChange)
            }
            try await loop.rounds(4)
            #expect(await sizes.next() == TTY.WindowSize(columns: 92, rows: 30))
            let rest = sizes
            let next = loop.createTask { () -> TTY.WindowSize? in
                var rest = rest
                return await rest.next()
            }
            try await loop.rounds(4)
            #expect(!next.isDone)
            terminal.close()
            #expect(try await next.value == nil)
            await terminal.waitClosed()
        }
    }

    @Test func cancelledReaderOfSizesSeesTheEnd() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            let sizes = terminal.windowSizes
            let task = loop.createTask {
                for await _ in sizes {}
                return true
            }
            try await loop.rounds(3)
            task.cancel()
            #expect(await settled(task) == "value true")
            terminal.close()
            await terminal.waitClosed()
        }
    }

    @Test func watchEndsWithTheSequence() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            withExtendedLifetime(terminal.windowSizes) { #expect(loop.uv.openHandles["signal"] != nil) }
            try await loop.untilTrue { loop.uv.openHandles["signal"] == nil }
            terminal.close()
            await terminal.waitClosed()
        }
    }

    @Test func sizesOfAClosedTerminalAreReportedAndEndAtOnce() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            terminal.close()
            for await _ in terminal.windowSizes { Issue.record("a size of nothing") }
            #expect(reports.messages == ["The size of a window cannot be watched"])
            await terminal.waitClosed()
        }
    }
}
