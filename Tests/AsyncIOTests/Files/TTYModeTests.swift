// Opening terminals, their modes, and that they get the normal one back.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct TTYModeTests {
    @Test func modesAreThoseOfTheTerminal() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            #expect(terminal.mode == .normal)
            #expect(pty.settings == .normal)
            for (mode, settings) in [(TTY.Mode.raw, TerminalSettings.raw), (.io, .io), (.io, .io), (.normal, .normal)] {
                try terminal.setMode(mode)
                #expect(terminal.mode == mode)
                #expect(pty.settings == settings)
            }
            terminal.close()
            await terminal.waitClosed()
        }
    }

    @Test func closeGivesTheNormalModeBack() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            try terminal.setMode(.raw)
            terminal.close()
            terminal.close()
            #expect(terminal.isClosing)
            await terminal.waitClosed()
            await terminal.waitClosed()
            #expect(pty.settings == .normal)
            #expect(terminal.mode == .normal)
        }
    }

    @Test func endOfTheStreamsGivesTheNormalModeBack() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            try terminal.setMode(.io)
            terminal.writer.close()
            #expect(terminal.isClosing)
            await terminal.waitClosed()
            #expect(pty.settings == .normal)
        }
    }

    @Test func closingTheLoopGivesTheNormalModeBack() async throws {
        try await onThread {
            let pty = try PseudoTerminal()
            let loop = try EventLoop()
            let terminals = [try loop.openTTY(fileDescriptor: pty.near), try loop.openTTY(fileDescriptor: pty.far)]
            for terminal in terminals { try terminal.setMode(.raw) }
            terminals[1].writer.write("x")
            #expect(pty.settings == .raw)
            try loop.close()
            expectNothingLeft(of: loop)
            #expect(pty.settings == .normal)
            #expect(terminals.map(\.isClosing) == [true, true])
        }
    }

    @Test(arguments: [false, true]) func droppingTheTerminalGivesTheNormalModeBack(withStreams: Bool) async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            do {
                let terminal = try loop.openTTY(fileDescriptor: pty.near)
                try terminal.setMode(.raw)
                if withStreams { withExtendedLifetime((terminal.reader, terminal.writer)) {} }
                #expect(pty.settings == .raw)
            }
            try await loop.untilTrue { pty.settings == .normal }
            #expect(loop.uv.openHandles["tty"] == nil)
        }
    }

    @Test func streamsThatAreHeldKeepTheTerminalOpen() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let writer = try loop.openTTY(fileDescriptor: pty.near).writer
            try await loop.rounds(4)
            writer.write("still here")
            #expect(pty.shown(10) == "still here")
            writer.close()
            try await writer.waitClosed()
        }
    }

    @Test func terminalThatIsOpenTwiceIsNormalWhenBothAre() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let input = try loop.openTTY(fileDescriptor: pty.near)
            let output = try loop.openTTY(fileDescriptor: pty.near)
            try input.setMode(.raw)
            try output.setMode(.raw)
            input.close()
            await input.waitClosed()
            #expect(pty.settings == .raw)
            output.close()
            await output.waitClosed()
            #expect(pty.settings == .normal)
        }
    }

    @Test func terminalsAreResetEachByItself() async throws {
        try await onLoop { loop in
            let (first, second) = (try PseudoTerminal(), try PseudoTerminal())
            let terminals = [first, second].map { pty in Result { try loop.openTTY(fileDescriptor: pty.near) } }
            for terminal in terminals { try terminal.get().setMode(.raw) }
            try terminals[0].get().close()
            await (try terminals[0].get()).waitClosed()
            #expect(first.settings == .normal)
            #expect(second.settings == .raw)
            try terminals[1].get().close()
            await (try terminals[1].get()).waitClosed()
            #expect(second.settings == .normal)
        }
    }

    @Test func usingAClosedTerminalThrows() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            terminal.close()
            for _ in 0..<2 {
                #expect(throws: EventLoopError(.transportClosing, "")) { try terminal.setMode(.raw) }
                #expect(throws: EventLoopError(.transportClosing, "")) { try terminal.windowSize }
                await terminal.waitClosed()
            }
        }
    }
}

@Suite struct TTYDescriptorTests {
    @Test func descriptorOfTheProgramIsLeftAlone() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let before = try FileIdentity(descriptor: pty.near)
            // Another open file would have another offset and other flags; a mark shows whether it is the same.
            #expect(fcntl(pty.near, F_SETFL, O_APPEND) == 0)
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            #expect(terminal.fileDescriptor == pty.near)
            terminal.writer.write("a")
            #expect(pty.shown(1) == "a")
            #expect(isBlocking(pty.near))
            terminal.close()
            await terminal.waitClosed()
            #expect(isOpen(pty.near))
            #expect(isBlocking(pty.near))
            #expect(fcntl(pty.near, F_GETFL) & O_APPEND != 0)
            #expect(try FileIdentity(descriptor: pty.near) == before)
            #expect(write(pty.near, "b", 1) == 1)
            #expect(pty.shown(1) == "b")
        }
    }

    @Test func noDescriptorIsLeftOver() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let before = descriptorsOfTerminal(pty.near)
            let terminal = try loop.openTTY(fileDescriptor: pty.near)
            try terminal.setMode(.raw)
            terminal.close()
            await terminal.waitClosed()
            #expect(descriptorsOfTerminal(pty.near) <= before)
        }
    }

    /// The far end cannot be opened a second time: libuv works on a copy of the descriptor.
    @Test(arguments: [TTY.Mode.normal, .raw]) func farEndOfAPtyIsATerminalToo(mode: TTY.Mode) async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            let terminal = try loop.openTTY(fileDescriptor: pty.far)
            try terminal.setMode(mode)
            #expect(write(pty.near, "hello", 5) == 5)
            #expect(try await terminal.reader.read(5) == octets("hello"))
            #expect(isBlocking(pty.far))
            terminal.close()
            await terminal.waitClosed()
            #expect(isOpen(pty.far))
            #expect(isBlocking(pty.far))
        }
    }

    @Test func whatIsNoTerminalIsRefused() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let file = NamelessFile([])
            for descriptor in [reading, file.descriptor, -1] {
                let error = await caught { try loop.openTTY(fileDescriptor: descriptor) }
                #expect(loopCode(error) == .invalidArgument)
                #expect("\(error as Any)".contains("fileDescriptor"))
            }
            #expect(isBlocking(reading))
            close(reading)
            close(writing)
            let high = Int32(1_000_000)
            #expect(systemCode(await caught { try loop.openTTY(fileDescriptor: high) }) == .badDescriptor)
        }
    }

    @Test func closedLoopOpensNothing() async throws {
        try await onThread {
            let pty = try PseudoTerminal()
            let loop = try EventLoop()
            try loop.close()
            #expect(throws: EventLoopError.closed) { try loop.openTTY(fileDescriptor: pty.near) }
        }
    }

    @Test func kindsOfDescriptorsAreTold() async throws {
        try await onLoop { loop in
            let pty = try PseudoTerminal()
            #expect(loop.descriptorKind(pty.near) == .terminal)
            let file = NamelessFile([])
            #expect(loop.descriptorKind(file.descriptor) == .file)
            let (reading, writing) = try makePipe()
            #expect(loop.descriptorKind(reading) == .pipe)
            let (first, second) = try socketPair()
            #expect(loop.descriptorKind(first) == .pipe)
            let tcp = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            #expect(loop.descriptorKind(tcp.descriptor) == .tcp)
            let udp = try SystemSocket(family: SystemConstant.ipv6, type: SystemConstant.datagram)
            #expect(loop.descriptorKind(udp.descriptor) == .udp)
            #expect(loop.descriptorKind(1_000_000) == .unknown)
            #expect(loop.descriptorKind(-1) == .unknown)
            for descriptor in [reading, writing, first, second, tcp.descriptor, udp.descriptor] { close(descriptor) }
        }
    }
}

/// How many descriptors of the process belong to the terminal of one of them.
private func descriptorsOfTerminal(_ descriptor: Int32) -> Int {
    var wanted = stat()
    guard fstat(descriptor, &wanted) == 0 else { return -1 }
    return (Int32(0)..<1024).count { number in
        var found = stat()
        return fstat(number, &found) == 0 && found.st_rdev == wanted.st_rdev && found.st_mode == wanted.st_mode
    }
}
