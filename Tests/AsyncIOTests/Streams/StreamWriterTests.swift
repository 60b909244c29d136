// StreamWriter: writing, draining, half closes, and the end of the connection.

import Testing

@testable import AsyncIO

@Suite struct StreamWriterTests {
    /// Runs `body` with both ends of a connection, and closes them.
    private func withPair<Value: Sendable>(
        sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, StreamPair) async throws -> Value
    ) async throws -> Value {
        try await onLoop(sourceLocation: sourceLocation) { loop in
            let pair = try await StreamPair.connected(loop)
            let value = try await body(loop, pair)
            await pair.close()
            return value
        }
    }

    /// Fills the connection until the writer is told to wait.
    private static func fill(_ writer: StreamWriter) -> Int {
        var count = 0
        while writer.transport.writeBufferSize <= writer.transport.writeBufferLimits.high {
            writer.write([UInt8](repeating: 1, count: 65536))
            count += 65536
        }
        return count
    }

    // MARK: - Writing

    @Test func everyKindOfBytesArrivesInOrder() async throws {
        let text = try await withPair { _, pair in
            let writer = pair.near.writer
            writer.write("text,")
            writer.write(octets("array,"))
            writer.write(octets("0slice,")[1...])
            writer.write(octets("span,").span.bytes)
            writer.write(ContiguousArray(octets("collection,")))
            writer.writeLines([octets("a,"), octets("b,")])
            writer.writeLines(["c,", "d", ""])
            writer.writeLines([String]())
            writer.write("")
            writer.writeEOF()
            return asText(try await pair.far.reader.read())
        }
        #expect(text == "text,array,slice,span,collection,a,b,c,d")
    }

    @Test func writeEOFEndsOneSideOnly() async throws {
        let (request, answer) = try await withPair { _, pair in
            #expect(pair.near.writer.canWriteEOF)
            pair.near.writer.write("request")
            pair.near.writer.writeEOF()
            pair.near.writer.writeEOF()
            let request = try await pair.far.reader.read()
            pair.far.writer.write("answer")
            pair.far.writer.close()
            return (asText(request), asText(try await pair.near.reader.read()))
        }
        #expect(request == "request")
        #expect(answer == "answer")
    }

    @Test func writeAfterWriteEOFIsReported() async throws {
        let (messages, code) = try await withPair { loop, pair in
            let reports = Reports(of: loop)
            pair.near.writer.writeEOF()
            pair.near.writer.write("late")
            return (reports.messages, loopCode(reports.all.first?.exception))
        }
        #expect(messages.count == 1)
        #expect(code == .writeAfterEOF)
    }

    // MARK: - Draining

    @Test func drainReturnsAtOnceIfNothingWaits() async throws {
        let rounds = try await withPair { loop, pair in
            let counter = RoundCounter(loop)
            try await loop.rounds(1)
            counter.restart()
            pair.near.writer.write("a")
            try await pair.near.writer.drain()
            let rounds = counter.now
            counter.stop()
            return rounds
        }
        #expect(rounds == 0)
    }

    @Test func allThatWaitInDrainAreReleased() async throws {
        let (early, results, same) = try await withPair { loop, pair in
            let count = Self.fill(pair.near.writer)
            let waiters = (0..<5).map { _ in loop.createTask { try await pair.near.writer.drain() } }
            try await loop.rounds(5)
            let early = waiters.filter(\.isDone).count
            let bytes = try await pair.far.reader.readExactly(count)
            var results: [String] = []
            for waiter in waiters { results.append(await settled(waiter)) }
            return (early, results, bytes.count == count)
        }
        #expect(early == 0)
        #expect(results == Array(repeating: "value ()", count: 5))
        #expect(same)
    }

    @Test func cancelledDrainLeavesTheOthersWaitingAndTheBytesOnTheirWay() async throws {
        let (results, arrived) = try await withPair { loop, pair in
            let count = Self.fill(pair.near.writer)
            let first = loop.createTask { try await pair.near.writer.drain() }
            let second = loop.createTask { try await pair.near.writer.drain() }
            try await loop.rounds(2)
            first.cancel()
            let cancelled = await settled(first)
            let bytes = try await pair.far.reader.readExactly(count)
            return ([cancelled, await settled(second)], bytes.count == count)
        }
        #expect(results == ["cancelled", "value ()"])
        #expect(arrived)
    }

    @Test func drainAfterCloseSaysThatTheConnectionIsLost() async throws {
        let codes = try await withPair { _, pair in
            pair.near.writer.close()
            let first = systemCode(await caught { try await pair.near.writer.drain() })
            try await pair.near.writer.waitClosed()
            return [first, systemCode(await caught { try await pair.near.writer.drain() })]
        }
        #expect(codes == [.connectionReset, .connectionReset])
    }

    @Test func drainThatWaitsEndsWhenTheConnectionIsAborted() async throws {
        let results = try await withPair { loop, pair in
            _ = Self.fill(pair.near.writer)
            let waiters = (0..<2).map { _ in loop.createTask { try await pair.near.writer.drain() } }
            try await loop.rounds(3)
            pair.near.writer.transport.abort()
            var results: [String] = []
            for waiter in waiters { results.append(await settled(waiter)) }
            return results
        }
        #expect(results == ["value ()", "value ()"])
    }

    @Test func drainThatWaitsThrowsTheErrorOfTheConnection() async throws {
        let codes = try await withPair { loop, pair in
            _ = Self.fill(pair.near.writer)
            let waiters = (0..<2).map { _ in loop.createTask { try await pair.near.writer.drain() } }
            try await loop.rounds(3)
            pair.far.writer.transport.abort()
            var codes: [IOError.Code?] = []
            for waiter in waiters { codes.append(systemCode(await caught { try await waiter.value })) }
            codes.append(systemCode(await caught { try await pair.near.writer.drain() }))
            codes.append(systemCode(await caught { try await pair.near.writer.waitClosed() }))
            codes.append(systemCode(await caught { try await pair.near.reader.read(1) }))
            return codes
        }
        #expect(codes.count == 5)
        #expect(codes.allSatisfy { $0 == .brokenPipe || $0 == .connectionReset })
    }

    @Test func drainThrowsTheErrorOfTheReader() async throws {
        let error = try await withPair { _, pair in
            pair.near.reader.setException(TestError())
            return await caught { try await pair.near.writer.drain() }
        }
        #expect(error as? TestError == TestError())
    }

    // MARK: - The end

    @Test func closeSendsWhatWaits() async throws {
        let (sent, received) = try await withPair { loop, pair in
            let sent = Self.fill(pair.near.writer)
            pair.near.writer.close()
            pair.near.writer.close()
            #expect(pair.near.writer.isClosing)
            let received = try await pair.far.reader.read().count
            try await pair.near.writer.waitClosed()
            return (sent, received)
        }
        #expect(sent == received)
    }

    @Test func closeEndsTheReaderOfItsOwnSide() async throws {
        let (bytes, isAtEOF) = try await withPair { loop, pair in
            let task = loop.createTask { try await pair.near.reader.read() }
            try await loop.rounds(2)
            pair.near.writer.close()
            return (try await task.value, pair.near.reader.isAtEOF)
        }
        #expect(bytes == [])
        #expect(isAtEOF)
    }

    @Test func waitClosedReturnsWithUnreadBytesWhichCanStillBeRead() async throws {
        let text = try await withPair { loop, pair in
            pair.far.writer.write("unread")
            _ = try await pair.near.reader.read(1)
            pair.near.writer.close()
            try await pair.near.writer.waitClosed()
            try await pair.near.writer.waitClosed()
            return asText(try await pair.near.reader.read())
        }
        #expect(text == "nread")
    }

    @Test func manyMayWaitForTheEnd() async throws {
        let results = try await withPair { loop, pair in
            let waiters = (0..<3).map { _ in loop.createTask { try await pair.near.writer.waitClosed() } }
            try await loop.rounds(2)
            waiters[0].cancel()
            let early = waiters[1].isDone
            pair.near.writer.close()
            var results = ["\(early)"]
            for waiter in waiters { results.append(await settled(waiter)) }
            return results
        }
        #expect(results == ["false", "cancelled", "value ()", "value ()"])
    }

    @Test func writesAfterTheEndAreDropped() async throws {
        let messages = try await withPair { loop, pair in
            let reports = Reports(of: loop)
            pair.near.writer.close()
            pair.near.writer.write("late")
            try await pair.near.writer.waitClosed()
            pair.near.writer.write("later")
            pair.near.writer.writeEOF()
            #expect(try await pair.far.reader.read() == [])
            return reports.messages
        }
        #expect(messages == [])
    }

    @Test func startTLSWithoutAContextIsRefusedAndTheConnectionGoesOn() async throws {
        let (code, text) = try await withPair { _, pair in
            let error = await caught { try await pair.near.writer.startTLS(context: nil) }
            pair.near.writer.write("plain")
            return (loopCode(error), asText(try await pair.far.reader.readExactly(5)))
        }
        #expect(code == .unsupported)
        #expect(text == "plain")
    }
}
