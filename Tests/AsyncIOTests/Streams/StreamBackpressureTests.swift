// Backpressure from one end of a connection to the other: what is not read is not written either.

import Testing

@testable import AsyncIO

@Suite struct StreamBackpressureTests {
    @Test func serverWaitsForAClientThatDoesNotRead() async throws {
        let folder = ScratchFolder()
        let path = folder.path + "/server"
        // Far more than the system buffers for a Unix socket.
        let total = 256 * 65536
        let (buffered, high, written, received) = try await onLoop { loop in
            let sent = Variable(0)
            let writers = Variable<StreamWriter>()
            let server = try await loop.startUnixServer(path: path) { _, writer in
                writers.value = writer
                while sent.value! < total {
                    writer.write([UInt8](repeating: 9, count: 65536))
                    sent.value! += 65536
                    try await writer.drain()
                }
                writers.value = nil
            }
            return try await server.withClosing {
                let (reader, writer) = try await loop.openUnixConnection(path: path, limit: 1000)
                // When the client has stopped reading and the system's buffers are full nothing moves any more.
                var before = -1
                var same = 0
                while same < 300, sent.value! < total {
                    same = sent.value == before && !writer.transport.isReading ? same + 1 : 0
                    before = sent.value!
                    try await loop.rounds(1)
                }
                let written = sent.value!
                let buffered = writers.value?.transport.writeBufferSize ?? 0
                let high = writers.value?.transport.writeBufferLimits.high ?? 0
                let received = try await reader.read().count
                writer.close()
                return (buffered, high, written, received)
            }
        }
        withExtendedLifetime(folder) {}
        #expect(written < total)
        #expect(buffered > high)
        #expect(buffered <= high + 65536)
        #expect(received == total)
    }

    @Test func readingPausesAtTwiceTheLimit() async throws {
        let (buffered, isReading, received) = try await onLoop { loop in
            let pair = try await StreamPair.connected(loop, farLimit: 1000)
            let transport = pair.far.writer.transport
            pair.near.writer.write([UInt8](repeating: 3, count: 2000))
            try await loop.untilTrue { pair.far.reader.core.buffer.count == 2000 }
            #expect(transport.isReading)
            pair.near.writer.write([UInt8](repeating: 3, count: 500_000))
            try await loop.untilTrue { !transport.isReading }
            try await loop.rounds(10)
            let buffered = pair.far.reader.core.buffer.count
            let isReading = transport.isReading
            pair.near.writer.writeEOF()
            let received = try await pair.far.reader.read().count
            await pair.close()
            return (buffered, isReading, received)
        }
        #expect(buffered <= 2000 + 65536)
        #expect(!isReading)
        #expect(received == 502_000)
    }

    @Test func readingGoesOnAtTheLimit() async throws {
        let (paused, stillPaused, resumed) = try await onLoop { loop in
            let pair = try await StreamPair.connected(loop, farLimit: 1000)
            let transport = pair.far.writer.transport
            pair.near.writer.write([UInt8](repeating: 3, count: 2001))
            try await loop.untilTrue { !transport.isReading }
            let paused = !transport.isReading
            _ = try await pair.far.reader.readExactly(1000)
            let stillPaused = !transport.isReading
            _ = try await pair.far.reader.readExactly(1)
            let resumed = transport.isReading
            await pair.close()
            return (paused, stillPaused, resumed)
        }
        #expect(paused)
        #expect(stillPaused)
        #expect(resumed)
    }

    @Test func theEndOfTheStreamWaitsBehindWhatIsNotRead() async throws {
        let (early, count, atEnd) = try await onLoop { loop in
            let pair = try await StreamPair.connected(loop, farLimit: 10)
            pair.near.writer.write([UInt8](repeating: 3, count: 300_000))
            pair.near.writer.close()
            try await loop.untilTrue { !pair.far.writer.transport.isReading }
            try await loop.rounds(10)
            let early = pair.far.reader.core.isAtEnd
            let count = try await pair.far.reader.read().count
            let atEnd = pair.far.reader.isAtEOF
            await pair.close()
            return (early, count, atEnd)
        }
        #expect(!early)
        #expect(count == 300_000)
        #expect(atEnd)
    }

    @Test func overrunDoesNotLeaveAConnectionStuck() async throws {
        let (error, line) = try await onLoop { loop in
            let pair = try await StreamPair.connected(loop, farLimit: 100)
            pair.near.writer.write([UInt8](repeating: 65, count: 50_000) + octets("\nshort\n"))
            let error = await caught { while true { _ = try await pair.far.reader.readLine() } }
            // Whatever of the long line comes later is too long again, or its rest.
            var line: [UInt8] = []
            while line != octets("short\n") {
                do { line = try await pair.far.reader.readLine() } catch is LimitOverrunError {}
            }
            await pair.close()
            return (error, asText(line))
        }
        #expect(error is LimitOverrunError)
        #expect(line == "short\n")
    }

    @Test func twoEndsThatWriteFirstAndReadLaterDoNotBlockEachOther() async throws {
        let counts = try await onLoop { loop in
            let pair = try await StreamPair.connected(loop, nearLimit: 1000, farLimit: 1000)
            let content = [UInt8](repeating: 1, count: 2_000_000)
            let ends = [pair.near, pair.far].map { end in
                loop.createTask {
                    end.writer.write(content)
                    let reading = loop.createTask { try await end.reader.readExactly(content.count).count }
                    try await end.writer.drain()
                    return try await reading.value
                }
            }
            var counts: [Int] = []
            for end in ends { counts.append(try await end.value) }
            await pair.close()
            return counts
        }
        #expect(counts == [2_000_000, 2_000_000])
    }
}
