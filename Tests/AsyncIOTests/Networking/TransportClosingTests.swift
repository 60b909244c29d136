// How connections end: once, whatever combines to end them.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct TransportClosingTests {
    @Test func closeCallsConnectionLostInALaterRound() async throws {
        try await withStream { it in
            it.transport.close()
            #expect(it.transport.isClosing && !it.transport.isReading)
            #expect(it.recorder.lostErrors.isEmpty)
            try await it.loop.rounds(1)
            #expect(it.recorder.lostErrors.count == 1 && it.recorder.lostErrors[0] == nil)
        }
    }

    @Test func closeFlushesBeforeConnectionLost() async throws {
        try await withStream(.unix) { it in
            let bytes = pattern(2_000_000)
            it.transport.write(bytes)
            it.transport.close()
            #expect(it.transport.isClosing)
            try await it.loop.rounds(200)
            #expect(it.recorder.lostErrors.isEmpty)
            let everything = try await it.peer.receiveAll()
            #expect(checksum(everything) == checksum(bytes))
            try await it.recorder.untilLost()
            #expect(it.recorder.lostErrors[0] == nil)
        }
    }

    @Test func closeStopsReadingWhileItFlushes() async throws {
        try await withStream(.unix) { it in
            it.transport.write(pattern(2_000_000))
            it.transport.close()
            try await it.peer.send("too late")
            it.transport.resumeReading()
            // What was never read makes the system reset the connection in the end.
            _ = try? await it.peer.receiveAll()
            try await it.recorder.untilLost()
            #expect(it.recorder.bytes == [])
        }
    }

    @Test func nothingIsWrittenAfterClose() async throws {
        try await withStream(.unix) { it in
            let bytes = pattern(500_000)
            it.transport.write(bytes)
            it.transport.close()
            it.transport.write("dropped")
            let all = try await it.peer.receiveAll()
            #expect(all == bytes)
            #expect(it.reports.messages == [])
        }
    }

    @Test func abortDropsWhatWaits() async throws {
        try await withStream(.unix) { it in
            let bytes = pattern(5_000_000)
            it.transport.write(bytes)
            it.transport.abort()
            #expect(it.transport.isClosing && it.recorder.lostErrors.isEmpty)
            try await it.recorder.untilLost()
            #expect(it.recorder.lostErrors[0] == nil)
            let everything = try await it.peer.receiveAll()
            #expect(everything.count < bytes.count)
        }
    }

    @Test func abortEndsACloseThatStillFlushes() async throws {
        try await withStream(.unix) { it in
            it.transport.write(pattern(5_000_000))
            it.transport.close()
            try await it.loop.rounds(200)
            it.transport.abort()
            try await it.loop.rounds(1)
            #expect(it.recorder.lostErrors.count == 1 && it.recorder.lostErrors[0] == nil)
        }
    }

    @Test func abortLeavesNothingInTheBuffer() async throws {
        try await withStream(.unix) { it in
            it.transport.write(pattern(5_000_000))
            it.transport.abort()
            #expect(it.transport.writeBufferSize == 0)
        }
    }

    @Test func closeAndAbortAreIdempotent() async throws {
        try await withStream { it in
            for _ in 0..<3 {
                it.transport.close()
                it.transport.abort()
            }
            try await it.recorder.untilLost()
            it.transport.close()
            it.transport.abort()
            try await it.loop.rounds(200)
            #expect(it.recorder.events == ["made", "lost"])
        }
    }

    @Test func closeInConnectionMadeReadsNothing() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["made"] = { recorder.transport?.close() }
        }) { it in
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.events == ["made", "lost"])
        }
    }

    @Test func writeAndCloseInConnectionMadeSendEverything() async throws {
        try await withStream(
            .unix,
            prepare: { recorder in
                recorder.actions["made"] = {
                    recorder.transport?.write(pattern(1_000_000))
                    recorder.transport?.close()
                }
            }
        ) { it in
            let everything = try await it.peer.receiveAll()
            #expect(checksum(everything) == checksum(pattern(1_000_000)))
            try await it.recorder.untilLost()
        }
    }

    @Test func connectionLostComesOnceWhenCloseMeetsTheEndOfTheStream() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["eof"] = { recorder.transport?.close() }
        }) { it in
            it.peer.endSending()
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.events == ["made", "eof", "lost"])
        }
    }

    @Test func connectionLostComesOnceWhenAbortMeetsAnError() async throws {
        try await withStream(prepare: { recorder in
            recorder.actions["data"] = {
                recorder.transport?.abort()
                throw TestError()
            }
        }) { it in
            try await it.peer.send("x")
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            // The first reason counts.
            #expect(it.recorder.lostErrors.count == 1 && it.recorder.lostErrors[0] == nil)
            #expect(it.reports.all.count == 1)
        }
    }

    @Test func connectionLostComesOnceWhenThePeerLeavesDuringAFlush() async throws {
        try await withStream(.unix) { it in
            it.transport.write(pattern(5_000_000))
            it.transport.close()
            it.peer.close()
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.lostErrors.count == 1)
            #expect([.brokenPipe, .connectionReset].contains(it.recorder.lostCode))
            #expect(it.reports.messages == [])
        }
    }

    @Test func connectionLostComesOnceWhenAWriteFailsAndTheStreamEnds() async throws {
        try await withStream(.unix) { it in
            // A child that another test starts may hold the descriptor for a moment: closing it alone ends nothing then.
            shutdown(it.peer.descriptor, Int32(SHUT_RDWR))
            it.peer.close()
            it.transport.write("x")
            #expect(it.transport.isClosing)
            #expect(it.recorder.lostErrors.isEmpty)
            try await it.recorder.untilLost()
            try await it.loop.rounds(200)
            #expect(it.recorder.events == ["made", "lost"])
            #expect(it.recorder.lostCode == .brokenPipe)
            #expect(it.reports.messages == [])
        }
    }

    @Test func writesAfterTheConnectionWasLostAreSilent() async throws {
        try await withStream { it in
            it.peer.reset()
            try await it.recorder.untilLost()
            try await it.loop.rounds(1)
            for _ in 0..<3 { it.transport.write("nobody hears this") }
            it.transport.writeEOF()
            it.transport.close()
            it.transport.pauseReading()
            it.transport.resumeReading()
            #expect(it.reports.messages == [] && it.recorder.events == ["made", "lost"])
            #expect(it.transport.writeBufferSize == 0)
        }
    }

    @Test func addressesStayKnownAfterTheEnd() async throws {
        try await withStream { it in
            let (local, remote) = (it.transport.localAddress, it.transport.remoteAddress)
            #expect(local?.ipAddress == IPAddress("127.0.0.1") && remote?.ipAddress == IPAddress("127.0.0.1"))
            #expect(local != remote)
            it.transport.close()
            try await it.recorder.untilLost()
            try await it.loop.rounds(1)
            #expect(it.transport.localAddress == local && it.transport.remoteAddress == remote)
            #expect(it.transport.fileDescriptor == -1)
            #expect(it.transport.transportProtocol === it.recorder)
        }
    }

    @Test func theDescriptorIsOpenInConnectionLostAndClosedAfterIt() async throws {
        try await withStream { it in
            let descriptor = it.transport.fileDescriptor
            var wasOpen = false
            it.recorder.actions["lost"] = { wasOpen = isOpen(descriptor) }
            it.transport.close()
            try await it.recorder.untilLost()
            try await it.loop.rounds(1)
            #expect(wasOpen)
            let everything = try await it.peer.receiveAll()
            #expect(everything == [])
        }
    }

    @Test func aTransportLivesWithoutAnyReference() async throws {
        try await onLoop { loop in
            let (own, other) = try socketPair()
            let peer = Peer(other, loop)
            weak var lost: StreamRecorder?
            do {
                let recorder = StreamRecorder(loop)
                recorder.actions["data"] = { [unowned recorder] in recorder.transport?.write(recorder.bytes) }
                _ = try await loop.createConnection(fileDescriptor: own) { recorder }
                lost = recorder
            }
            try await peer.send("echo")
            #expect(try await peer.receive(4) == Array("echo".utf8))
            peer.close()
            try await lost?.untilLost()
            try await loop.rounds(200)
        }
    }

    @Test func aLostTransportLetsGoOfItsProtocol() async throws {
        try await onLoop { loop in
            let (own, other) = try socketPair()
            let peer = Peer(other, loop)
            weak var transport: Transport?
            func live() async throws {
                let pair = try await loop.createConnection(fileDescriptor: own) { BufferedRecorder(loop, size: 8) }
                transport = pair.transport
                pair.transport.close()
                try await pair.protocol.untilLost()
            }
            try await live()
            // Beyond the end of an iteration, where libuv lets go of what is closed.
            try await loop.rounds(200)
            #expect(transport == nil)
            peer.close()
        }
    }

    @Test func closingTheLoopUnderAnOpenTransportFreesIt() async throws {
        let descriptor = try await onLoop { loop in
            let (own, other) = try socketPair()
            SystemSocket(other).close()
            let recorder = StreamRecorder(loop)
            recorder.actions["made"] = { recorder.transport?.pauseReading() }
            _ = try await loop.createConnection(fileDescriptor: own) { recorder }
            recorder.actions = [:]
            return Int(recorder.transport?.fileDescriptor ?? -1)
        }
        #expect(descriptor >= 0)
    }
}
