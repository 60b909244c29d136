// Sending files through sockets of the program's own.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct SockSendfileTests {
    private static let content = noise(500_000, seed: 21)

    /// Reads a socket up to its end.
    private static func readAll(_ loop: EventLoop, _ socket: Int32) async throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let bytes = try await loop.sockRecv(socket, 65536)
            if bytes.isEmpty { return all }
            all += bytes
        }
    }

    /// Sends a file between two texts; what arrives, the count, and the file's position.
    private func send(
        _ content: [UInt8], offset: Int = 0, count: Int? = nil, before: String = "", after: String = ""
    ) async throws -> (received: [UInt8], sent: Int, position: Int) {
        try await onLoop { loop in
            let file = NamelessFile(content)
            let (near, far) = try socketPair()
            let receiver = loop.createTask { try await Self.readAll(loop, far) }
            try await loop.sockSendAll(near, octets(before))
            let sent = try await loop.sockSendfile(near, file: file.descriptor, offset: offset, count: count)
            try await loop.sockSendAll(near, octets(after))
            close(near)
            let received = try await receiver.value
            close(far)
            return (received, sent, file.position)
        }
    }

    @Test func wholeFileArrives() async throws {
        let (received, sent, position) = try await send(Self.content)
        #expect(received == Self.content)
        #expect(sent == Self.content.count)
        #expect(position == Self.content.count)
    }

    @Test func partOfAFileArrives() async throws {
        let (received, sent, position) = try await send(Self.content, offset: 1000, count: 2000)
        #expect(received == Array(Self.content[1000..<3000]))
        #expect(sent == 2000)
        #expect(position == 3000)
    }

    @Test func emptyFileSendsNothing() async throws {
        let (received, sent, position) = try await send([])
        #expect(received == [])
        #expect(sent == 0)
        #expect(position == 0)
    }

    @Test func fileComesBetweenWhatIsSentBeforeAndAfter() async throws {
        let (received, _, _) = try await send(Self.content, before: "before", after: "after")
        #expect(received == octets("before") + Self.content + octets("after"))
    }

    @Test func invalidArgumentsAreRefused() async throws {
        let codes = try await onLoop { loop in
            let file = NamelessFile(octets("abc"))
            let (near, far) = try socketPair()
            let (datagrams, others) = try socketPair(SystemConstant.datagram)
            let descriptor = file.descriptor
            let errors = [
                await caught { try await loop.sockSendfile(near, file: descriptor, offset: -1) },
                await caught { try await loop.sockSendfile(near, file: descriptor, count: 0) },
                await caught { try await loop.sockSendfile(near, file: descriptor, count: -5) },
                await caught { try await loop.sockSendfile(-1, file: descriptor) },
                await caught { try await loop.sockSendfile(datagrams, file: descriptor) },
            ]
            for socket in [near, far, datagrams, others] { close(socket) }
            return errors.map(loopCode)
        }
        #expect(codes == Array(repeating: .invalidArgument, count: 5))
    }

    @Test func irregularFileWithoutFallbackIsNotAvailable() async throws {
        let error = try await onLoop { loop in
            let (near, far) = try socketPair()
            let (first, second) = try socketPair()
            let error = await caught { try await loop.sockSendfile(near, file: first, fallback: false) }
            for socket in [near, far, first, second] { close(socket) }
            return error
        }
        #expect(error is SendfileNotAvailableError)
    }

    @Test func fallbackReadsAndSendsInPieces() async throws {
        let (received, sent) = try await onLoop { loop in
            let device = open("/dev/zero", O_RDONLY)
            let (near, far) = try socketPair()
            let receiver = loop.createTask { try await Self.readAll(loop, far) }
            let sent = try await loop.sockSendfile(near, file: device, offset: 5, count: 300_000)
            for descriptor in [near, device] { close(descriptor) }
            let received = try await receiver.value
            close(far)
            return (received, sent)
        }
        #expect(sent == 300_000)
        #expect(received == [UInt8](repeating: 0, count: 300_000))
    }

    @Test func cancellationEndsItAndLeavesTheSocketUsable() async throws {
        let (result, isPrefix, position) = try await onLoop { loop in
            let content = noise(4_000_000, seed: 22)
            let file = NamelessFile(content)
            let (near, far) = try socketPair()
            let task = loop.createTask { try await loop.sockSendfile(near, file: file.descriptor) }
            var received = try await loop.sockRecv(far, 10)
            task.cancel()
            let result = await settled(task)
            let position = file.position
            try await loop.sockSendAll(near, [UInt8]())
            close(near)
            received += try await Self.readAll(loop, far)
            close(far)
            return (result, received.elementsEqual(content.prefix(received.count)), position == received.count)
        }
        #expect(result == "cancelled")
        #expect(isPrefix)
        #expect(position)
    }

    @Test func otherEndThatGoesAwayEndsIt() async throws {
        let code = try await onLoop { loop in
            let file = NamelessFile(noise(4_000_000, seed: 23))
            let (near, far) = try socketPair()
            let task = loop.createTask { try await loop.sockSendfile(near, file: file.descriptor) }
            _ = try await loop.sockRecv(far, 10)
            close(far)
            let error = await caught { try await task.value }
            close(near)
            return systemCode(error)
        }
        #expect(code == .brokenPipe || code == .connectionReset)
    }
}
