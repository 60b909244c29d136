// Sending files through transports: what arrives, where the file stands afterwards, and what ends it early.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct SendfileTests {
    private static let content = noise(700_000, seed: 11)

    /// Sends a file through a connection; what arrives, the count, and the file's position.
    private func send(
        _ content: [UInt8], offset: Int = 0, count: Int? = nil, before: String = "", after: String = ""
    ) async throws -> (received: [UInt8], sent: Int, position: Int) {
        try await onLoop { loop in
            let file = NamelessFile(content)
            let pair = try await StreamPair.connected(loop)
            let receiver = loop.createTask { try await pair.far.reader.read() }
            let writer = pair.near.writer
            writer.write(before)
            let sent = try await loop.sendfile(
                writer.transport, fileDescriptor: file.descriptor, offset: offset, count: count)
            writer.write(after)
            writer.writeEOF()
            let received = try await receiver.value
            await pair.close()
            return (received, sent, file.position)
        }
    }

    /// Runs `body` while a file that is too large for the connection is being sent to an end that does not read.
    private func whileSending<Value: Sendable>(
        _ content: [UInt8], sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, StreamPair, LoopTask<Int>) async throws -> Value
    ) async throws -> Value {
        try await onLoop(sourceLocation: sourceLocation) { loop in
            let file = NamelessFile(content)
            let pair = try await StreamPair.connected(loop)
            let transport = try #require(pair.near.writer.transport as? SocketTransport)
            let task = loop.createTask { try await loop.sendfile(transport, fileDescriptor: file.descriptor) }
            // It sends when the other end has got something.
            let first = try await pair.far.reader.readExactly(1)
            #expect(first == [content[0]])
            #expect(transport.isSendingFile)
            let value = try await body(loop, pair, task)
            await pair.close()
            return value
        }
    }

    // MARK: - What arrives

    @Test func wholeFileArrives() async throws {
        let (received, sent, position) = try await send(Self.content)
        #expect(received == Self.content)
        #expect(sent == Self.content.count)
        #expect(position == Self.content.count)
    }

    @Test(arguments: [(0, 5), (1000, 300_000), (1, 699_999), (699_999, 1)])
    func partOfAFileArrives(offset: Int, count: Int) async throws {
        let (received, sent, position) = try await send(Self.content, offset: offset, count: count)
        #expect(received == Array(Self.content[offset..<offset + count]))
        #expect(sent == count)
        #expect(position == offset + count)
    }

    @Test func countBeyondTheEndSendsWhatThereIs() async throws {
        let (received, sent, position) = try await send(octets("abcdef"), offset: 2, count: 100)
        #expect(asText(received) == "cdef")
        #expect(sent == 4)
        #expect(position == 6)
    }

    @Test func emptyFileSendsNothing() async throws {
        let (received, sent, position) = try await send([])
        #expect(received == [])
        #expect(sent == 0)
        #expect(position == 0)
    }

    @Test func offsetAtTheEndSendsNothing() async throws {
        let (received, sent, _) = try await send(octets("abc"), offset: 3)
        #expect(received == [])
        #expect(sent == 0)
    }

    @Test func fileComesBetweenWhatWasWrittenBeforeAndAfter() async throws {
        let before = String(repeating: "before", count: 100_000)
        let (received, _, _) = try await send(Self.content, before: before, after: "after")
        #expect(received == octets(before) + Self.content + octets("after"))
    }

    @Test func twoFilesArriveOneAfterTheOther() async throws {
        let received = try await onLoop { loop in
            let first = NamelessFile(octets("first,"))
            let second = NamelessFile(octets("second"))
            let pair = try await StreamPair.connected(loop)
            try await loop.sendfile(pair.near.writer.transport, fileDescriptor: first.descriptor)
            try await loop.sendfile(pair.near.writer.transport, fileDescriptor: second.descriptor)
            pair.near.writer.close()
            let received = asText(try await pair.far.reader.read())
            await pair.close()
            return received
        }
        #expect(received == "first,second")
    }

    @Test func readingGoesOnAfterwards() async throws {
        let (text, isReading) = try await onLoop { loop in
            let file = NamelessFile(octets("file"))
            let pair = try await StreamPair.connected(loop)
            try await loop.sendfile(pair.near.writer.transport, fileDescriptor: file.descriptor)
            let isReading = pair.near.writer.transport.isReading
            pair.far.writer.write("answer")
            let text = asText(try await pair.near.reader.readExactly(6))
            await pair.close()
            return (text, isReading)
        }
        #expect(isReading)
        #expect(text == "answer")
    }

    @Test func pausedTransportStaysPausedAfterwards() async throws {
        let isReading = try await onLoop { loop in
            let file = NamelessFile(octets("file"))
            let pair = try await StreamPair.connected(loop)
            pair.near.writer.transport.pauseReading()
            try await loop.sendfile(pair.near.writer.transport, fileDescriptor: file.descriptor)
            let isReading = pair.near.writer.transport.isReading
            await pair.close()
            return isReading
        }
        #expect(!isReading)
    }

    @Test func otherEndMayCloseOnceItHasEverything() async throws {
        let (sent, received) = try await onLoop { loop in
            let file = NamelessFile(Self.content)
            let pair = try await StreamPair.connected(loop)
            let receiver = loop.createTask {
                let bytes = try await pair.far.reader.readExactly(Self.content.count)
                pair.far.writer.close()
                return bytes
            }
            let sent = try await loop.sendfile(pair.near.writer.transport, fileDescriptor: file.descriptor)
            let received = try await receiver.value
            await pair.close()
            return (sent, received)
        }
        #expect(sent == Self.content.count)
        #expect(received == Self.content)
    }

    // MARK: - What is refused

    @Test func invalidRangesAreRefused() async throws {
        let codes = try await onLoop { loop in
            let file = NamelessFile(octets("abc"))
            let pair = try await StreamPair.connected(loop)
            let transport = pair.near.writer.transport
            var codes: [EventLoopError.Code?] = []
            for (offset, count) in [(-1, nil), (0, 0), (0, -1)] as [(Int, Int?)] {
                codes.append(
                    loopCode(
                        await caught {
                            try await loop.sendfile(
                                transport, fileDescriptor: file.descriptor, offset: offset, count: count)
                        }))
            }
            await pair.close()
            return codes
        }
        #expect(codes == [.invalidArgument, .invalidArgument, .invalidArgument])
    }

    @Test func closingTransportIsRefused() async throws {
        let code = try await onLoop { loop in
            let file = NamelessFile(octets("abc"))
            let pair = try await StreamPair.connected(loop)
            pair.near.writer.close()
            let error = await caught {
                try await loop.sendfile(pair.near.writer.transport, fileDescriptor: file.descriptor)
            }
            await pair.close()
            return loopCode(error)
        }
        #expect(code == .transportClosing)
    }

    @Test func afterWriteEOFItIsRefused() async throws {
        let code = try await onLoop { loop in
            let file = NamelessFile(octets("abc"))
            let pair = try await StreamPair.connected(loop)
            pair.near.writer.writeEOF()
            let error = await caught {
                try await loop.sendfile(pair.near.writer.transport, fileDescriptor: file.descriptor)
            }
            await pair.close()
            return loopCode(error)
        }
        #expect(code == .writeAfterEOF)
    }

    @Test func writeDuringSendfileIsRefusedAndReported() async throws {
        let (codes, rest) = try await whileSending(Self.content) { loop, pair, task in
            let reports = Reports(of: loop)
            pair.near.writer.write("between")
            let second = await caught {
                try await loop.sendfile(pair.near.writer.transport, fileDescriptor: 0)
            }
            let rest = try await pair.far.reader.readExactly(Self.content.count - 1)
            _ = try await task.value
            pair.near.writer.write("|")
            let end = try await pair.far.reader.readExactly(1)
            return ([loopCode(reports.all.first?.exception), loopCode(second)], rest + end)
        }
        #expect(codes == [.sendfileInProgress, .sendfileInProgress])
        #expect(rest == Array(Self.content[1...]) + octets("|"))
    }

    // MARK: - What ends it early

    @Test func otherEndThatGoesAwayEndsIt() async throws {
        let code = try await whileSending(noise(8_000_000)) { _, pair, task in
            pair.far.writer.transport.abort()
            return systemCode(await caught { try await task.value })
        }
        #expect(code == .brokenPipe || code == .connectionReset)
    }

    @Test(arguments: [false, true])
    func endOfTheTransportEndsIt(aborts: Bool) async throws {
        let code = try await whileSending(noise(8_000_000)) { loop, pair, task in
            // The connection is full, and nobody reads.
            pair.far.writer.transport.pauseReading()
            try await loop.rounds(200)
            if aborts { pair.near.writer.transport.abort() } else { pair.near.writer.close() }
            try await pair.near.writer.waitClosed()
            for _ in 0..<1000 where !task.isDone { try await loop.rounds(1) }
            if !task.isDone {
                Issue.record("sendfile goes on although its transport is closed")
                task.cancel()
            }
            return systemCode(await caught { try await task.value })
        }
        #expect(code == .connectionReset)
    }

    @Test func cancellationEndsItAndTheConnectionGoesOn() async throws {
        let (result, isSending) = try await whileSending(noise(8_000_000)) { loop, pair, task in
            let transport = try #require(pair.near.writer.transport as? SocketTransport)
            task.cancel()
            let result = await settled(task)
            return (result, [transport.isSendingFile, transport.isClosing, !transport.isReading])
        }
        #expect(result == "cancelled")
        #expect(isSending == [false, false, false])
    }

    // MARK: - Not a regular file

    @Test func irregularFileWithoutFallbackIsNotAvailable() async throws {
        let (error, text) = try await onLoop { loop in
            let (first, second) = try socketPair()
            let pair = try await StreamPair.connected(loop)
            let error = await caught {
                try await loop.sendfile(pair.near.writer.transport, fileDescriptor: first, fallback: false)
            }
            pair.near.writer.write("nothing was sent")
            pair.near.writer.close()
            let text = asText(try await pair.far.reader.read())
            await pair.close()
            close(first)
            close(second)
            return (error, text)
        }
        #expect(error is SendfileNotAvailableError)
        #expect(text == "nothing was sent")
    }

    @Test func fallbackReadsAndWritesInPieces() async throws {
        let (received, sent) = try await onLoop { loop in
            let device = open("/dev/zero", O_RDONLY)
            defer { close(device) }
            let pair = try await StreamPair.connected(loop)
            let receiver = loop.createTask { try await pair.far.reader.read() }
            pair.near.writer.write("before")
            let sent = try await loop.sendfile(
                pair.near.writer.transport, fileDescriptor: device, count: 600_000)
            pair.near.writer.write("after")
            pair.near.writer.writeEOF()
            let received = try await receiver.value
            await pair.close()
            return (received, sent)
        }
        #expect(sent == 600_000)
        #expect(received == octets("before") + [UInt8](repeating: 0, count: 600_000) + octets("after"))
    }

    @Test func writeDuringTheFallbackIsRefusedAndReported() async throws {
        let (codes, count) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let device = open("/dev/zero", O_RDONLY)
            defer { close(device) }
            let pair = try await StreamPair.connected(loop)
            let task = loop.createTask {
                try await loop.sendfile(pair.near.writer.transport, fileDescriptor: device, count: 2_000_000)
            }
            _ = try await pair.far.reader.readExactly(1)
            pair.near.writer.write("between")
            let receiver = loop.createTask { try await pair.far.reader.read() }
            _ = try await task.value
            pair.near.writer.writeEOF()
            let count = try await receiver.value.count
            await pair.close()
            return (reports.all.map { loopCode($0.exception) }, count)
        }
        #expect(codes == [.sendfileInProgress])
        #expect(count == 1_999_999)
    }

    @Test func closedDescriptorIsAnError() async throws {
        let code = try await onLoop { loop in
            let pair = try await StreamPair.connected(loop)
            let error = await caught {
                try await loop.sendfile(pair.near.writer.transport, fileDescriptor: -1)
            }
            await pair.close()
            return systemCode(error)
        }
        #expect(code == .badDescriptor)
    }
}
