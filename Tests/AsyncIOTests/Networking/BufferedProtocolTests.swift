// Protocols with a buffer of their own, and protocols that take a connection over from each other.

import Testing

@testable import AsyncIO

@Suite struct BufferedProtocolTests {
    private func withBuffered<Value: Sendable>(
        size: Int = 1000, sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ body: nonisolated(nonsending) @escaping @Sendable (Connected<BufferedRecorder>) async throws -> Value
    ) async throws -> Value {
        try await withConnection(
            sourceLocation: sourceLocation, make: { BufferedRecorder($0, size: size) }, body)
    }

    @Test(arguments: [1, 7, 1000, 200_000]) func bytesGoThroughTheProtocolsBuffer(_ size: Int) async throws {
        try await withBuffered(size: size) { it in
            let bytes = pattern(size == 1 ? 100 : 20_000)
            try await it.peer.send(bytes)
            it.peer.endSending()
            try await it.recorder.untilLost()
            #expect(it.recorder.bytes == bytes)
            #expect(it.recorder.events == ["made", "data", "eof", "lost"])
            #expect(it.recorder.lostErrors[0] == nil)
        }
    }

    @Test func theSizeHintIsUnknown() async throws {
        try await withBuffered { it in
            try await it.peer.send("x")
            try await it.recorder.untilReceived(1)
            #expect(it.recorder.hints.allSatisfy { $0 == -1 } && !it.recorder.hints.isEmpty)
        }
    }

    @Test func aHalfOpenConnectionStays() async throws {
        try await withBuffered { it in
            it.recorder.keepsOpen = true
            it.peer.endSending()
            try await it.recorder.until { it.recorder.events.contains("eof") }
            try await it.loop.rounds(200)
            #expect(!it.transport.isClosing)
        }
    }

    @Test func anEmptyBufferLosesTheConnection() async throws {
        try await withBuffered { it in
            it.recorder.actions["buffer"] = { [unowned recorder = it.recorder] in
                recorder.buffer.deallocate()
                recorder.buffer = .allocate(byteCount: 0, alignment: 1)
            }
            try await it.peer.send("x")
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.lostErrors.count == 1)
            #expect((it.recorder.lostErrors[0] as? EventLoopError)?.code == .emptyBuffer)
            #expect(it.reports.all.count == 1)
        }
    }

    @Test func errorOfGetBufferIsReportedAndLosesTheConnection() async throws {
        try await withBuffered { it in
            it.recorder.actions["buffer"] = { throw TestError(name: "buffer") }
            try await it.peer.send("x")
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.lostErrors.count == 1)
            #expect(it.recorder.lostTestError == TestError(name: "buffer"))
            #expect(it.reports.all.count == 1)
        }
    }

    @Test func errorOfBufferUpdatedIsReportedAndLosesTheConnection() async throws {
        try await withBuffered { it in
            it.recorder.actions["data"] = { throw TestError(name: "updated") }
            try await it.peer.send("x")
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.lostErrors.count == 1)
            #expect(it.recorder.lostTestError == TestError(name: "updated"))
            #expect(it.reports.all.count == 1)
        }
    }

    @Test func resetByThePeerIsNotReported() async throws {
        try await withBuffered { it in
            it.peer.reset()
            try await it.recorder.untilLost()
            #expect(it.recorder.lostCode == .connectionReset)
            #expect(it.reports.messages == [])
        }
    }

    @Test func abortInGetBufferLosesTheConnectionOnce() async throws {
        try await withBuffered { it in
            it.recorder.actions["buffer"] = { [unowned transport = it.transport] in transport.abort() }
            try await it.peer.send("x")
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.lostErrors.count == 1 && it.recorder.lostErrors[0] == nil)
        }
    }

    // MARK: - Taking over

    @Test func aNewProtocolGetsTheNextBytesAndNoConnectionMade() async throws {
        try await withStream { it in
            try await it.peer.send("old")
            try await it.recorder.untilReceived(3)
            let next = StreamRecorder(it.loop)
            it.transport.transportProtocol = next
            #expect(it.transport.transportProtocol === next)
            try await it.peer.send("new")
            try await next.untilReceived(3)
            it.transport.close()
            try await next.untilLost()
            #expect(next.events == ["data", "lost"])
            #expect(it.recorder.events == ["made", "data"])
        }
    }

    @Test func aBufferedProtocolTakesOverInsideOfDataReceived() async throws {
        try await withStream { it in
            let next = BufferedRecorder(it.loop, size: 10)
            it.recorder.actions["data"] = { [unowned transport = it.transport] in transport.transportProtocol = next }
            try await it.peer.send("old")
            try await it.recorder.untilReceived(3)
            try await it.peer.send("a longer text")
            try await next.untilReceived(13)
            #expect(it.recorder.bytes == Array("old".utf8))
            #expect(next.bytes == Array("a longer text".utf8))
        }
    }

    @Test func aStreamProtocolTakesOverInsideOfBufferUpdated() async throws {
        try await withBuffered(size: 4) { it in
            let next = StreamRecorder(it.loop)
            it.recorder.actions["data"] = { [unowned transport = it.transport] in transport.transportProtocol = next }
            try await it.peer.send("old+a longer text")
            try await next.untilReceived(13)
            #expect(it.recorder.bytes == Array("old+".utf8))
            #expect(next.bytes == Array("a longer text".utf8))
        }
    }

    @Test func aStreamProtocolTakesOverBetweenTwoReads() async throws {
        // The first read fills the buffer, so libuv asks for another one, and finds nothing to put there.
        try await withBuffered(size: 4) { it in
            try await it.peer.send("full")
            try await it.recorder.until { it.recorder.bytes.count == 4 && it.recorder.hints.count > 1 }
            try await it.loop.rounds(200)
            let next = StreamRecorder(it.loop)
            it.transport.transportProtocol = next
            try await it.peer.send("new")
            try await it.loop.rounds(1)
            it.peer.endSending()
            try await next.untilLost()
            #expect(next.bytes == Array("new".utf8))
            #expect(it.recorder.bytes == Array("full".utf8))
        }
    }

    @Test func aBufferedProtocolTakesOverFromAnotherBetweenTwoReads() async throws {
        try await withBuffered(size: 4) { it in
            try await it.peer.send("full")
            try await it.recorder.untilReceived(4)
            try await it.loop.rounds(200)
            let next = BufferedRecorder(it.loop, size: 8)
            it.transport.transportProtocol = next
            try await it.peer.send("new bytes")
            try await next.untilReceived(9)
            #expect(next.bytes == Array("new bytes".utf8))
            #expect(it.recorder.bytes == Array("full".utf8))
        }
    }

    @Test func protocolsTakeTurnsWithEachPiece() async throws {
        try await withStream(.unix) { it in
            let (stream, buffered) = (it.recorder, BufferedRecorder(it.loop, size: 3))
            let either = Journal(it.loop)
            for journal in [stream, buffered] as [Journal] { journal.actions["data"] = { try either.note("data") } }
            for turn in 0..<20 {
                it.transport.transportProtocol = turn % 2 == 0 ? stream : buffered
                try await it.peer.send("abc")
                try await either.until { stream.bytes.count + buffered.bytes.count == 3 * (turn + 1) }
                try await it.loop.rounds(1)
            }
            #expect(stream.bytes.count == 30 && buffered.bytes.count == 30)
        }
    }

    @Test func theLastProtocolIsToldOfTheEnd() async throws {
        try await withStream { it in
            let next = BufferedRecorder(it.loop, size: 3)
            it.transport.transportProtocol = next
            it.peer.endSending()
            try await next.untilLost()
            #expect(next.events == ["eof", "lost"])
            #expect(it.recorder.events == ["made"])
        }
    }
}
