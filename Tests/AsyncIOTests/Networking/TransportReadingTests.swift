// How bytes, the end of the stream and errors get from a connection to its protocol.

import Testing

@testable import AsyncIO

@Suite struct TransportReadingTests {
    @Test func connectionMadeComesBeforeCreateConnectionReturns() async throws {
        try await withStream { it in #expect(it.recorder.events == ["made"]) }
    }

    @Test func nothingIsReadBeforeConnectionMadeReturns() async throws {
        try await onLoop { loop in
            let (own, other) = try socketPair()
            let peer = Peer(other, loop)
            try await peer.send("early")
            let recorder = StreamRecorder(loop)
            recorder.actions["made"] = { #expect(recorder.bytes.isEmpty) }
            let (transport, _) = try await loop.createConnection(fileDescriptor: own) { recorder }
            try await recorder.untilReceived(5)
            #expect(recorder.events == ["made", "data"])
            transport.close()
            try await recorder.untilLost()
        }
    }

    @Test func dataIsDeliveredOnceReadingHasBegun() async throws {
        try await withStream { it in
            try await it.peer.send("hello")
            try await it.recorder.untilReceived(5)
            #expect(it.recorder.bytes == Array("hello".utf8))
        }
    }

    @Test func pauseInConnectionMadeHoldsDataBack() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["made"] = { recorder.transport?.pauseReading() }
        }) { it in
            #expect(!it.transport.isReading)
            try await it.peer.send("later")
            it.peer.endSending()
            try await it.loop.rounds(200)
            #expect(it.recorder.events == ["made"])
            it.transport.resumeReading()
            #expect(it.transport.isReading)
            try await it.recorder.untilLost()
            #expect(it.recorder.events == ["made", "data", "eof", "lost"])
            #expect(it.recorder.bytes == Array("later".utf8))
        }
    }

    @Test func pauseAndResumeInConnectionMadeLeaveTheConnectionReading() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["made"] = {
                recorder.transport?.pauseReading()
                recorder.transport?.resumeReading()
            }
        }) { it in
            #expect(it.transport.isReading && !it.transport.isClosing)
            try await it.peer.send("hello")
            try await it.recorder.until { it.recorder.bytes.count == 5 || it.recorder.isLost }
            #expect(it.recorder.bytes == Array("hello".utf8))
            #expect(it.recorder.lostErrors.isEmpty)
        }
    }

    @Test func pauseAndResumeAreIdempotent() async throws {
        try await withStream { it in
            it.transport.resumeReading()
            it.transport.pauseReading()
            it.transport.pauseReading()
            #expect(!it.transport.isReading)
            it.transport.resumeReading()
            it.transport.resumeReading()
            #expect(it.transport.isReading)
            try await it.peer.send("x")
            try await it.recorder.untilReceived(1)
        }
    }

    @Test func endOfStreamWaitsWhilePaused() async throws {
        try await withStream { it in
            it.transport.pauseReading()
            it.peer.endSending()
            try await it.loop.rounds(200)
            #expect(it.recorder.events == ["made"])
            it.transport.resumeReading()
            try await it.recorder.untilLost()
            #expect(it.recorder.events == ["made", "eof", "lost"])
        }
    }

    @Test func pauseInDataReceivedStopsAtOnce() async throws {
        try await withStream(.unix) { it in
            it.transport.pauseReading()
            // More than one read takes.
            let bytes = pattern(150_000)
            let (loop, peer) = (it.loop, it.peer)
            let sending = loop.createTask { try await peer.send(bytes) }
            var pauses = 0
            it.recorder.actions["data"] = { [unowned transport = it.transport] in
                pauses += 1
                transport.pauseReading()
            }
            while it.recorder.bytes.count < bytes.count {
                let before = pauses
                it.transport.resumeReading()
                try await it.recorder.until { pauses > before }
                #expect(pauses == before + 1)
                try await it.loop.rounds(200)
                #expect(pauses == before + 1)
            }
            try await sending.value
            #expect(it.recorder.bytes == bytes)
        }
    }

    @Test func endOfStreamClosesTheTransportByDefault() async throws {
        try await withStream { it in
            try await it.peer.send("last words")
            it.peer.endSending()
            try await it.recorder.untilLost()
            #expect(it.recorder.events == ["made", "data", "eof", "lost"])
            #expect(it.recorder.lostErrors.count == 1 && it.recorder.lostErrors[0] == nil)
            #expect(it.transport.isClosing && !it.transport.isReading)
            #expect(try await it.peer.receiveAll() == [])
        }
    }

    @Test func endOfStreamKeepsAHalfOpenConnectionForWriting() async throws {
        try await withStream(prepare: { $0.keepsOpen = true }) { it in
            it.peer.endSending()
            try await it.recorder.until { it.recorder.events.contains("eof") }
            #expect(!it.transport.isClosing && !it.transport.isReading)
            it.transport.write("still here")
            it.transport.close()
            #expect(try await it.peer.receiveAll() == Array("still here".utf8))
            try await it.recorder.untilLost()
            #expect(it.recorder.events == ["made", "eof", "lost"])
        }
    }

    @Test func resumeAfterTheEndOfTheStreamDoesNothing() async throws {
        try await withStream(prepare: { $0.keepsOpen = true }) { it in
            it.peer.endSending()
            try await it.recorder.until { it.recorder.events.contains("eof") }
            it.transport.pauseReading()
            it.transport.resumeReading()
            try await it.loop.rounds(200)
            #expect(it.recorder.events == ["made", "eof"])
            #expect(!it.transport.isReading)
        }
    }

    @Test(arguments: [PairKind.tcp, .unix])
    func dataComesBeforeTheEndWhenThePeerHangsUp(_ kind: PairKind) async throws {
        try await withStream(kind) { it in
            let bytes = pattern(30_000)
            it.transport.pauseReading()
            try await it.peer.send(bytes)
            it.peer.close()
            it.transport.resumeReading()
            try await it.recorder.untilLost()
            #expect(it.recorder.bytes == bytes)
            #expect(it.recorder.events == ["made", "data", "eof", "lost"])
        }
    }

    @Test func resetByThePeerLosesTheConnectionAndIsNotReported() async throws {
        try await withStream { it in
            it.peer.reset()
            try await it.recorder.untilLost()
            #expect(it.recorder.events == ["made", "lost"])
            #expect(it.recorder.lostCode == .connectionReset)
            #expect(it.reports.messages == [])
        }
    }

    // MARK: - Errors of the protocol

    @Test func errorOfDataReceivedIsReportedAndLosesTheConnection() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["data"] = { throw TestError(name: "data") }
        }) { it in
            try await it.peer.send("x")
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.lostErrors.count == 1)
            #expect(it.recorder.lostTestError == TestError(name: "data"))
            #expect(it.reports.all.count == 1)
            #expect(it.reports.all.first?.exception as? TestError == TestError(name: "data"))
            #expect(it.reports.all.first?.transport === it.transport)
            #expect(it.recorder.events == ["made", "data", "lost"])
        }
    }

    @Test func errorOfEOFReceivedIsReportedAndLosesTheConnection() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["eof"] = { throw TestError(name: "eof") }
        }) { it in
            it.peer.endSending()
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.lostErrors.count == 1)
            #expect(it.recorder.lostTestError == TestError(name: "eof"))
            #expect(it.reports.all.count == 1)
        }
    }

    @Test func errorOfConnectionMadeIsReportedAndTheConnectionStays() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["made"] = { throw TestError(name: "made") }
        }) { it in
            #expect(it.reports.all.count == 1)
            #expect(!it.transport.isClosing)
            try await it.peer.send("x")
            try await it.recorder.untilReceived(1)
        }
    }

    @Test func errorOfConnectionLostIsReported() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["lost"] = { throw TestError(name: "lost") }
        }) { it in
            it.transport.close()
            try await it.recorder.untilLost()
            try await it.loop.rounds(1)
            #expect(it.reports.all.count == 1)
            #expect(it.transport.fileDescriptor == -1)
        }
    }

    @Test func nothingIsReadAfterAnErrorOfDataReceived() async throws {
        try await withStream(
            .unix,
            prepare: { recorder in
                recorder.actions["data"] = { throw TestError() }
            }
        ) { it in
            it.transport.pauseReading()
            let (loop, peer) = (it.loop, it.peer)
            let sending = loop.createTask { try await peer.send(pattern(150_000)) }
            it.transport.resumeReading()
            try await it.recorder.untilLost()
            #expect(it.reports.all.count == 1)
            #expect(it.recorder.bytes.count <= 65536)
            _ = await settled(sending)
        }
    }
}
