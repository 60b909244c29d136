// Many transfers of random sizes with random pauses, limits and ways of reading; each with a seed to repeat it.

import Testing

@testable import AsyncIO

/// One transfer: how much, in which pieces, and how it is read.
private struct Transfer: Sendable {
    let content: [UInt8]
    let limit: Int
    let high: Int
    let seed: UInt64

    init(seed: UInt64, most: Int) {
        var random = SplitMix(seed: seed)
        content = noise(Int.random(in: 0...most, using: &random), seed: random.next())
        limit = Int.random(in: 1...5000, using: &random)
        high = Int.random(in: 0...20_000, using: &random)
        self.seed = random.next()
    }

    /// The sum that both ends compare.
    static func checksum(_ bytes: [UInt8]) -> UInt64 {
        bytes.withUnsafeBytes { bytes in
            var sum: UInt64 = 0xcbf2_9ce4_8422_2325
            var place = 0
            while place + 8 <= bytes.count {
                sum = (sum ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) &* 0x0000_0100_0000_01b3
                sum ^= sum >> 29
                place += 8
            }
            while place < bytes.count {
                sum = (sum ^ UInt64(bytes[place])) &* 0x0000_0100_0000_01b3
                place += 1
            }
            return sum
        }
    }

    /// Writes everything in pieces, ends the writing side and returns the answer.
    func send(_ loop: EventLoop, _ reader: StreamReader, _ writer: StreamWriter) async throws -> String {
        var random = SplitMix(seed: seed)
        try writer.transport.setWriteBufferLimits(high: high)
        var place = 0
        while place < content.count {
            let end = min(content.count, place + Int.random(in: 1...8000, using: &random))
            writer.write(content[place..<end])
            place = end
            if Bool.random(using: &random) { try await writer.drain() }
            if Int.random(in: 0..<4, using: &random) == 0 {
                try await loop.rounds(Int.random(in: 1...3, using: &random))
            }
        }
        writer.writeEOF()
        let answer = try await reader.read()
        writer.close()
        try await writer.waitClosed()
        return asText(answer)
    }

    /// Reads up to the end in some way, and answers with the sum.
    static func receive(
        _ loop: EventLoop, _ reader: StreamReader, _ writer: StreamWriter, seed: UInt64
    ) async throws {
        var random = SplitMix(seed: seed)
        var got: [UInt8] = []
        var memory = [UInt8](repeating: 0, count: 3000)
        while !reader.isAtEOF {
            switch Int.random(in: 0..<5, using: &random) {
            case 0: got += try await reader.read(Int.random(in: 1...9000, using: &random))
            case 1:
                do {
                    got += try await reader.readExactly(Int.random(in: 1...9000, using: &random))
                } catch let error as IncompleteReadError { got += error.partial }
            case 2:
                let count = try await reader.read(into: &memory)
                got += memory[..<count]
            case 3:
                do {
                    got += try await reader.readUntil([[0, 7], [200]])
                } catch let error as IncompleteReadError {
                    got += error.partial
                } catch let error as LimitOverrunError { got += try await reader.readExactly(error.consumed) }
            default: try await loop.rounds(Int.random(in: 1...3, using: &random))
            }
            if Int.random(in: 0..<30, using: &random) == 0 { got += try await reader.read() }
        }
        writer.write("\(checksum(got)) \(got.count)")
    }

    var expectedAnswer: String { "\(Self.checksum(content)) \(content.count)" }
}

@Suite struct StreamTransferTests {
    /// Runs transfers, a few at a time, and returns the seeds of those that went wrong.
    private func run(
        _ count: Int, atOnce: Int, most: Int, firstSeed: UInt64,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) async throws -> [UInt64] {
        let folder = ScratchFolder()
        let path = folder.path + "/transfers"
        let wrong = try await onLoop(sourceLocation: sourceLocation) { loop in
            let accepted = Variable(firstSeed)
            let server = try await loop.startUnixServer(path: path, limit: 2000) { reader, writer in
                accepted.value! += 1
                try await Transfer.receive(loop, reader, writer, seed: accepted.value!)
            }
            return try await server.withClosing {
                let wrong = Variable<[UInt64]>([])
                let next = Variable(firstSeed)
                let workers = (0..<atOnce).map { _ in
                    loop.createTask {
                        while let seed = next.value, seed < firstSeed + UInt64(count) {
                            next.value = seed + 1
                            let transfer = Transfer(seed: seed, most: most)
                            let (reader, writer) = try await loop.openUnixConnection(path: path, limit: transfer.limit)
                            let answer = try await transfer.send(loop, reader, writer)
                            if answer != transfer.expectedAnswer { wrong.value!.append(seed) }
                        }
                    }
                }
                for worker in workers { try await worker.value }
                return wrong.value!
            }
        }
        withExtendedLifetime(folder) {}
        return wrong
    }

    @Test func threeHundredLargeTransfersArriveAsTheyWereSent() async throws {
        #expect(try await run(300, atOnce: 20, most: 60_000, firstSeed: 1) == [])
    }

    @Test func tenThousandSmallTransfersArriveAsTheyWereSent() async throws {
        #expect(try await run(10_000, atOnce: 50, most: 400, firstSeed: 1_000_000) == [])
    }

    @Test func transfersOverTCPArriveAsTheyWereSent() async throws {
        let wrong = try await onLoop { loop in
            let accepted = Variable<UInt64>(0)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0, limit: 3000) { reader, writer in
                accepted.value! += 1
                try await Transfer.receive(loop, reader, writer, seed: accepted.value!)
            }
            return try await server.withClosing {
                let port = try #require(server.addresses.first?.port)
                let tasks = (0..<60).map { n in
                    loop.createTask {
                        let transfer = Transfer(seed: UInt64(n) + 77, most: 100_000)
                        let (reader, writer) = try await loop.openConnection(
                            host: "127.0.0.1", port: port, limit: transfer.limit)
                        return try await transfer.send(loop, reader, writer) == transfer.expectedAnswer
                    }
                }
                var wrong: [Int] = []
                for (n, task) in tasks.enumerated() where try await !task.value { wrong.append(n) }
                return wrong
            }
        }
        #expect(wrong == [])
    }
}
