// Large pieces are read straight into the arrays that readers get; nobody can tell.

import Testing

@testable import AsyncIO

@Suite struct LargePieceTests {
    /// Reads piece by piece, so that large and small pieces alternate, and compares everything.
    @Test(arguments: [65536, 40000, 32768, 32767])
    func largeAndSmallPiecesArriveInOrder(most: Int) async throws {
        let (sent, received) = try await onLoop { loop in
            var sent: [UInt8] = []
            let received = Variable<[UInt8]>([])
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, _ in
                while true {
                    let piece = try await reader.read(most)
                    if piece.isEmpty { return }
                    #expect(piece.count <= most)
                    received.value! += piece
                }
            }
            try await server.withClosing {
                guard case .ip(_, let port) = server.addresses[0] else { return }
                let (_, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
                for (number, size) in [100_000, 10, 300_000, 1, 65536, 65536, 20000, 131_072, 7].enumerated() {
                    let piece = noise(size, seed: UInt64(number))
                    sent += piece
                    writer.write(piece)
                    try await writer.drain()
                    // Every other time the reader has taken everything before the next piece comes.
                    if number % 2 == 1 { try await loop.untilTrue { received.value!.count == sent.count } }
                }
                writer.close()
                try await writer.waitClosed()
            }
            return (sent, received.value!)
        }
        #expect(received == sent)
    }

    @Test func cancelledReaderOfLargePiecesLosesNothing() async throws {
        let (sent, received) = try await onLoop { loop in
            let pair = try await StreamPair.connected(loop)
            var received: [UInt8] = []
            let first = noise(200_000, seed: 1)
            pair.near.writer.write(first)
            while received.count < first.count { received += try await pair.far.reader.read(65536) }
            // The next read expects a large piece; it is cancelled while nothing comes, and then when something has come.
            let waiting = loop.createTask { try await pair.far.reader.read(65536) }
            try await loop.rounds(2)
            waiting.cancel()
            _ = await caught { _ = try await waiting.value }
            let second = noise(100_000, seed: 2)
            pair.near.writer.write(second)
            while received.count < first.count + second.count { received += try await pair.far.reader.read(65536) }
            await pair.close()
            return (first + second, received)
        }
        #expect(received == sent)
    }
}
