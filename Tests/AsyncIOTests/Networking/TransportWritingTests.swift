// How bytes get from the program to the other end of a connection, and how the writing side ends.

import Testing

@testable import AsyncIO

@Suite struct TransportWritingTests {
    @Test(arguments: [PairKind.tcp, .unix]) func writeIsOnTheWireBeforeItReturns(_ kind: PairKind) async throws {
        try await withStream(kind) { it in
            it.transport.write("now")
            // The loop has not run since.
            #expect(it.peer.receiveNow() == Array("now".utf8))
            #expect(it.transport.writeBufferSize == 0)
        }
    }

    @Test func writeInDataReceivedIsOnTheWireBeforeThatReturns() async throws {
        try await withStream { it in
            var seen: [UInt8] = []
            it.recorder.actions["data"] = { [unowned transport = it.transport, peer = it.peer] in
                transport.write("answer")
                seen = peer.receiveNow()
            }
            try await it.peer.send("question")
            try await it.recorder.untilReceived(8)
            #expect(seen == Array("answer".utf8))
        }
    }

    @Test func everyKindOfBytesIsTaken() async throws {
        try await withStream { it in
            it.transport.write([1, 2] as [UInt8])
            it.transport.write(ArraySlice<UInt8>([0, 3, 4])[1...])
            it.transport.write((5...6 as ClosedRange<UInt8>))
            it.transport.write("é")
            it.transport.writeLines([[7], [8]] as [[UInt8]])
            it.transport.writeLines(["a", "b"])
            it.transport.write([1, 2, 3].span.bytes)
            it.transport.close()
            let tail = [1, 2, 3].span.bytes.byteCount
            let all = try await it.peer.receiveAll()
            #expect(Array(all.dropLast(tail)) == [1, 2, 3, 4, 5, 6, 0xC3, 0xA9, 7, 8, 97, 98])
        }
    }

    @Test func emptyWritesDoNothing() async throws {
        try await withStream { it in
            it.transport.write([] as [UInt8])
            it.transport.write("")
            it.transport.writeLines([] as [[UInt8]])
            #expect(it.transport.writeBufferSize == 0)
            it.transport.close()
            let everything = try await it.peer.receiveAll()
            #expect(everything == [])
        }
    }

    @Test(arguments: [PairKind.tcp, .unix]) func aBigWriteArrivesByteForByte(_ kind: PairKind) async throws {
        try await withStream(kind) { it in
            let bytes = pattern(5_000_001)
            it.transport.write(bytes)
            #expect(it.transport.writeBufferSize > 0)
            it.transport.close()
            let all = try await it.peer.receiveAll()
            #expect(all.count == bytes.count)
            #expect(checksum(all) == checksum(bytes))
            try await it.recorder.untilLost()
            #expect(it.recorder.lostErrors[0] == nil)
        }
    }

    @Test(arguments: [1, 100, 4096, 70_000])
    func manyWritesToASlowReaderArriveInOrder(_ size: Int) async throws {
        try await withStream(.unix) { it in
            shrinkBuffers(it.transport.fileDescriptor)
            let bytes = pattern(400_000)
            var written = 0
            var received: [UInt8] = []
            while written < bytes.count {
                let end = min(written + size * 16, bytes.count)
                while written < end {
                    let next = min(written + size, end)
                    it.transport.write(bytes[written..<next])
                    written = next
                }
                // The reader takes some of it only.
                received += try await it.peer.receive(min(size * 7, written - received.count))
            }
            it.transport.writeEOF()
            received += try await it.peer.receiveAll()
            #expect(received.count == bytes.count)
            #expect(checksum(received) == checksum(bytes))
        }
    }

    @Test func whatWaitsIsACopy() async throws {
        try await withStream(.unix) { it in
            shrinkBuffers(it.transport.fileDescriptor)
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 200_000, alignment: 1)
            memory.initializeMemory(as: UInt8.self, repeating: 1)
            it.transport.write(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(memory)))
            memory.initializeMemory(as: UInt8.self, repeating: 2)
            memory.deallocate()
            it.transport.close()
            let all = try await it.peer.receiveAll()
            #expect(all.count == 200_000 && all.allSatisfy { $0 == 1 })
        }
    }

    @Test func piecesThatWereQueuedFollowTheOnesBefore() async throws {
        try await withStream(.unix) { it in
            shrinkBuffers(it.transport.fileDescriptor)
            let big = pattern(100_000)
            it.transport.write(big)
            it.transport.writeLines([Array("one".utf8), Array("two".utf8)])
            it.transport.write("three")
            #expect(it.transport.writeBufferSize > 0)
            it.transport.close()
            let everything = try await it.peer.receiveAll()
            #expect(everything == big + Array("onetwothree".utf8))
        }
    }

    @Test func resumeWritingMayWriteToThisTransportInMidFlush() async throws {
        try await withStream(.unix) { it in
            shrinkBuffers(it.transport.fileDescriptor)
            let bytes = pattern(200_000)
            var left = 5
            it.recorder.actions["resume"] = { [unowned transport = it.transport] in
                left -= 1
                if left > 0 { transport.write(bytes) } else { transport.close() }
            }
            it.transport.write(bytes)
            #expect(it.recorder.events.last == "pause")
            let all = try await it.peer.receiveAll()
            #expect(all.count == 5 * bytes.count)
            #expect(checksum(all) == checksum(bytes + bytes + bytes + bytes + bytes))
            try await it.recorder.untilLost()
            #expect(it.recorder.count(of: "pause") == 5 && it.recorder.count(of: "resume") == 5)
        }
    }

    @Test func resumeWritingMayWriteToAnotherTransport() async throws {
        try await withStream(.unix) { it in
            shrinkBuffers(it.transport.fileDescriptor)
            let (own, far) = try socketPair()
            shrinkBuffers(own)
            let other = Peer(far, it.loop)
            let second = StreamRecorder(it.loop)
            let (relay, _) = try await it.loop.createConnection(fileDescriptor: own) { second }
            let bytes = pattern(100_000)
            relay.write(bytes)
            it.recorder.actions["resume"] = {
                relay.write("tail")
                relay.close()
            }
            it.transport.write(bytes)
            #expect(try await it.peer.receive(bytes.count) == bytes)
            try await it.recorder.until { it.recorder.events.contains("resume") }
            #expect(try await other.receiveAll() == bytes + Array("tail".utf8))
            try await second.untilLost()
        }
    }

    // MARK: - The end of writing

    @Test func writeEOFReachesThePeerAtOnceAndReadingGoesOn() async throws {
        try await withStream { it in
            #expect(it.transport.canWriteEOF)
            it.transport.write("bye")
            it.transport.writeEOF()
            let everything = try await it.peer.receiveAll()
            #expect(everything == Array("bye".utf8))
            try await it.peer.send("answer")
            try await it.recorder.untilReceived(6)
            #expect(!it.transport.isClosing)
        }
    }

    @Test func writeEOFComesAfterWhatWaits() async throws {
        try await withStream(.unix) { it in
            let bytes = pattern(1_000_000)
            it.transport.write(bytes)
            it.transport.writeEOF()
            #expect(it.transport.writeBufferSize > 0)
            let everything = try await it.peer.receiveAll()
            #expect(checksum(everything) == checksum(bytes))
            try await it.peer.send("x")
            try await it.recorder.untilReceived(1)
        }
    }

    @Test func writeEOFTwiceDoesNothingTheSecondTime() async throws {
        try await withStream { it in
            it.transport.writeEOF()
            it.transport.writeEOF()
            let everything = try await it.peer.receiveAll()
            #expect(everything == [])
            it.transport.close()
            try await it.recorder.untilLost()
            #expect(it.recorder.lostErrors[0] == nil && it.reports.messages == [])
        }
    }

    @Test func writeEOFAfterCloseDoesNothing() async throws {
        try await withStream { it in
            it.transport.close()
            it.transport.writeEOF()
            try await it.recorder.untilLost()
            it.transport.writeEOF()
            #expect(it.reports.messages == [])
        }
    }

    @Test func writeAfterWriteEOFIsDroppedAndReported() async throws {
        try await withStream { it in
            it.transport.write("kept")
            it.transport.writeEOF()
            it.transport.write("dropped")
            #expect(it.reports.all.count == 1)
            #expect((it.reports.all.first?.exception as? EventLoopError)?.code == .writeAfterEOF)
            let everything = try await it.peer.receiveAll()
            #expect(everything == Array("kept".utf8))
        }
    }

    @Test func writeWhileTheEndWaitsIsDroppedAndReported() async throws {
        try await withStream(.unix) { it in
            let bytes = pattern(1_000_000)
            it.transport.write(bytes)
            it.transport.writeEOF()
            it.transport.write("dropped")
            #expect(it.reports.all.count == 1)
            let everything = try await it.peer.receiveAll()
            #expect(everything.count == bytes.count)
        }
    }

    @Test func bothSidesCanEndBeforeTheTransportIsClosed() async throws {
        try await withStream(prepare: { $0.keepsOpen = true }) { it in
            it.transport.writeEOF()
            it.peer.endSending()
            try await it.recorder.until { it.recorder.events.contains("eof") }
            #expect(!it.transport.isClosing)
            it.transport.close()
            try await it.recorder.untilLost()
            #expect(it.recorder.events == ["made", "eof", "lost"])
        }
    }
}
