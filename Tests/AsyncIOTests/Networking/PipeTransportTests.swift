// Transports of pipes and terminals.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct PipeTransportTests {
    /// Reads what there is, up to the end, of a descriptor that belongs to the test.
    private func readAll(_ descriptor: Int32, _ loop: EventLoop) async throws -> [UInt8] {
        try SystemSocket(descriptor).setNonBlocking()
        let journal = Journal(loop)
        var all: [UInt8] = []
        try loop.addReader(descriptor) {
            var piece = [UInt8](repeating: 0, count: 65536)
            let count = read(descriptor, &piece, piece.count)
            if count > 0 { all += piece.prefix(count) } else if count == 0 { try journal.note("end") }
        }
        try await journal.until { journal.events == ["end"] }
        loop.removeReader(descriptor)
        SystemSocket(descriptor).close()
        return all
    }

    private func put(_ text: String, _ descriptor: Int32) { _ = text.withCString { write(descriptor, $0, strlen($0)) } }

    @Test func aReadingEndGivesDataThenTheEnd() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let (transport, recorder) = try await loop.connectReadPipe(fileDescriptor: reading) { StreamRecorder(loop) }
            #expect(recorder.events == ["made"] && transport.isReading && !transport.canWriteEOF)
            put("one", writing)
            try await recorder.untilReceived(3)
            put("two", writing)
            try await recorder.untilReceived(6)
            SystemSocket(writing).close()
            try await recorder.untilLost()
            try await loop.rounds(1)
            #expect(recorder.bytes == Array("onetwo".utf8) && recorder.lostErrors[0] == nil)
            #expect(recorder.events.filter { $0 != "data" } == ["made", "eof", "lost"])
            #expect(transport.fileDescriptor == -1)
        }
    }

    @Test func aReadingEndIsClosedAtTheEndWhateverTheProtocolWants() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let (_, recorder) = try await loop.connectReadPipe(fileDescriptor: reading) { StreamRecorder(loop) }
            recorder.keepsOpen = true
            SystemSocket(writing).close()
            try await recorder.untilLost()
            #expect(recorder.events == ["made", "eof", "lost"])
        }
    }

    @Test func aReadingEndCanBePaused() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let (transport, recorder) = try await loop.connectReadPipe(fileDescriptor: reading) { StreamRecorder(loop) }
            transport.pauseReading()
            put("x", writing)
            SystemSocket(writing).close()
            try await loop.rounds(200)
            #expect(recorder.events == ["made"])
            transport.resumeReading()
            try await recorder.untilLost()
            #expect(recorder.events == ["made", "data", "eof", "lost"])
            transport.pauseReading()
            transport.resumeReading()
        }
    }

    @Test func writingToAReadingEndIsDroppedAndReported() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let (reading, writing) = try makePipe()
            let (transport, recorder) = try await loop.connectReadPipe(fileDescriptor: reading) { StreamRecorder(loop) }
            transport.write("x")
            #expect((reports.all.first?.exception as? EventLoopError)?.code == .unsupported)
            transport.close()
            try await recorder.untilLost()
            SystemSocket(writing).close()
        }
    }

    @Test func aWritingEndWritesAtOnceAndFlushesWhenItIsClosed() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let (transport, recorder) = try await loop.connectWritePipe(fileDescriptor: writing) {
                StreamRecorder(loop)
            }
            #expect(!transport.isReading && transport.canWriteEOF)
            transport.write("now")
            var bytes = [UInt8](repeating: 0, count: 10)
            #expect(read(reading, &bytes, 10) == 3)
            let big = pattern(500_000)
            transport.write(big)
            #expect(transport.writeBufferSize > 0)
            transport.close()
            #expect(recorder.lostErrors.isEmpty)
            let all = try await readAll(reading, loop)
            #expect(all.count == big.count && checksum(all) == checksum(big))
            try await recorder.untilLost()
            #expect(recorder.events.filter { $0.hasPrefix("m") || $0 == "lost" } == ["made", "lost"])
            #expect(recorder.lostErrors[0] == nil)
        }
    }

    @Test func writeEOFFlushesAndClosesAWritingEnd() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let (transport, recorder) = try await loop.connectWritePipe(fileDescriptor: writing) {
                StreamRecorder(loop)
            }
            let big = pattern(300_000)
            transport.write(big)
            transport.writeEOF()
            transport.writeEOF()
            #expect(checksum(try await readAll(reading, loop)) == checksum(big))
            try await recorder.untilLost()
            #expect(recorder.lostErrors.count == 1 && recorder.lostErrors[0] == nil)
        }
    }

    @Test func abortDropsWhatWaitsInAWritingEnd() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let (transport, recorder) = try await loop.connectWritePipe(fileDescriptor: writing) {
                StreamRecorder(loop)
            }
            transport.write(pattern(500_000))
            transport.abort()
            try await recorder.untilLost()
            #expect(try await readAll(reading, loop).count < 500_000)
        }
    }

    @Test(arguments: [true, false]) func aWriterIsToldThatTheReaderHasGone(_ isSocket: Bool) async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let (reading, writing) = isSocket ? try socketPair() : try makePipe()
            let (transport, recorder) = try await loop.connectWritePipe(fileDescriptor: writing) {
                StreamRecorder(loop)
            }
            SystemSocket(reading).close()
            try await recorder.untilLost()
            try await loop.rounds(1)
            #expect(recorder.lostErrors.count == 1 && recorder.lostErrors[0] == nil)
            transport.write("nobody reads this")
            #expect(reports.messages == [] && transport.fileDescriptor == -1)
        }
    }

    @Test func aWriterWithUnwrittenBytesIsToldOfABrokenPipe() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let (transport, recorder) = try await loop.connectWritePipe(fileDescriptor: writing) {
                StreamRecorder(loop)
            }
            transport.write(pattern(500_000))
            #expect(transport.writeBufferSize > 0)
            SystemSocket(reading).close()
            try await recorder.untilLost()
            try await loop.rounds(200)
            #expect(recorder.lostErrors.count == 1)
            #expect(recorder.lostCode == .brokenPipe)
        }
    }

    @Test func closingAWritingEndClosesEveryDescriptorOfIt() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            let (transport, recorder) = try await loop.connectWritePipe(fileDescriptor: writing) {
                StreamRecorder(loop)
            }
            transport.close()
            try await recorder.untilLost()
            // The end comes only when nobody has a writing end any more.
            #expect(try await readAll(reading, loop) == [])
        }
    }

    @Test func closingTheLoopUnderOpenPipesClosesThem() async throws {
        let (mine, yours) = try makePipe()
        let (back, forth) = try makePipe()
        try await onLoop { loop in
            _ = try await loop.connectWritePipe(fileDescriptor: yours) { StreamRecorder(loop) }
            _ = try await loop.connectReadPipe(fileDescriptor: back) { StreamRecorder(loop) }
        }
        var byte: UInt8 = 0
        #expect(read(mine, &byte, 1) == 0)
        for descriptor in [mine, forth] { SystemSocket(descriptor).close() }
    }

    @Test func filesAndBadDescriptorsAreRefusedAndStayOpen() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/file"
            let file = open(path, O_RDWR | O_CREAT, 0o600)
            try await onLoop { loop in
                for descriptor in [file, -1] {
                    await #expect(throws: EventLoopError.invalidArgument("")) {
                        _ = try await loop.connectReadPipe(fileDescriptor: descriptor) { StreamRecorder(loop) }
                    }
                    await #expect(throws: EventLoopError.invalidArgument("")) {
                        _ = try await loop.connectWritePipe(fileDescriptor: descriptor) { StreamRecorder(loop) }
                    }
                }
                #expect(isOpen(file))
            }
            SystemSocket(file).close()
            unlink(path)
        }
    }

    @Test func aDeviceThatCannotBeWatchedIsAnErrorAndStaysOpen() async throws {
        let device = open("/dev/null", O_RDWR)
        defer { SystemSocket(device).close() }
        try await onLoop { loop in
            let reports = Reports(of: loop)
            if let (_, recorder) = try? await loop.connectReadPipe(fileDescriptor: device, { StreamRecorder(loop) }) {
                try await recorder.untilLost()
                _ = reports
            } else {
                #expect(isOpen(device))
            }
        }
    }

    @Test func aFactoryThatFailsLeavesTheDescriptorToTheCaller() async throws {
        try await onLoop { loop in
            let (reading, writing) = try makePipe()
            for descriptor in [reading, writing] {
                await #expect(throws: TestError()) {
                    _ = try await loop.connectReadPipe(fileDescriptor: descriptor) { () -> StreamRecorder in
                        throw TestError()
                    }
                }
                #expect(isOpen(descriptor))
                SystemSocket(descriptor).close()
            }
        }
    }

    @Test func aTerminalIsWrittenAndRead() async throws {
        try await onLoop { loop in
            var (master, slave): (Int32, Int32) = (-1, -1)
            try #require(openpty(&master, &slave, nil, nil, nil) == 0)
            // Neither echo nor lines: the bytes as they are.
            let settings = UnsafeMutablePointer<termios>.allocate(capacity: 1)
            defer { settings.deallocate() }
            try #require(tcgetattr(slave, settings) == 0)
            cfmakeraw(settings)
            try #require(tcsetattr(slave, TCSANOW, settings) == 0)
            let copy = dup(master)
            let (writer, written) = try await loop.connectWritePipe(fileDescriptor: master) { StreamRecorder(loop) }
            let (reader, received) = try await loop.connectReadPipe(fileDescriptor: copy) { StreamRecorder(loop) }
            writer.write("to the terminal")
            var bytes = [UInt8](repeating: 0, count: 100)
            #expect(read(slave, &bytes, 100) == 15)
            put("from the terminal", slave)
            try await received.untilReceived(17)
            #expect(received.bytes == Array("from the terminal".utf8))
            SystemSocket(slave).close()
            // Linux says EIO when the other side of a terminal has gone.
            try await received.untilLost()
            #expect(received.lostErrors.count == 1)
            writer.close()
            reader.close()
            try await written.untilLost()
        }
    }
}
