// A minimal HTTP: requests without bodies, and one answer to all of them. What came together is answered together.

import AsyncIO

/// What the server answers to every request.
let httpAnswer = Array(
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!".utf8)

private let endOfRequest = Array("\r\n\r\n".utf8)

/// Several answers in a row, for one write.
private func answers(_ count: Int) -> [UInt8] {
    var joined: [UInt8] = []
    joined.reserveCapacity(count * httpAnswer.count)
    for _ in 0..<count { joined += httpAnswer }
    return joined
}

/// Finds the ends of requests without bodies; they may come in any pieces.
private struct RequestCounter {
    private var matched = 0

    mutating func feed(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in bytes {
            // The blank line is \r\n\r\n: even places take one, odd ones the other.
            if byte == (matched & 1 == 0 ? 13 : 10) {
                matched += 1
                if matched == 4 {
                    count += 1
                    matched = 0
                }
            } else {
                matched = byte == 13 ? 1 : 0
            }
        }
        return count
    }
}

final class HTTPProtocol: StreamProtocol {
    private var transport: Transport?
    private var requests = RequestCounter()

    func connectionMade(_ transport: Transport) { self.transport = transport }

    func dataReceived(_ data: RawSpan) {
        let count = data.withUnsafeBytes { requests.feed($0) }
        if count > 0 { transport?.write(count == 1 ? httpAnswer : answers(count)) }
    }

    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
}

final class BufferedHTTP: BufferedProtocol {
    private var transport: Transport?
    private var requests = RequestCounter()
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    deinit { buffer.deallocate() }

    func connectionMade(_ transport: Transport) { self.transport = transport }
    func getBuffer(_ sizeHint: Int) -> UnsafeMutableRawBufferPointer { buffer }

    func bufferUpdated(_ count: Int) {
        let count = requests.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        if count > 0 { transport?.write(count == 1 ? httpAnswer : answers(count)) }
    }

    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
}

nonisolated(nonsending) func answerRequests(_ reader: StreamReader, _ writer: StreamWriter) async throws {
    do {
        while true {
            _ = try await reader.readUntil(endOfRequest)
            writer.write(httpAnswer)
            try await writer.drain()
        }
    } catch is IncompleteReadError {
        // The client is done.
    } catch let error as IOError where error.code == .connectionReset {
        // Load generators end so.
    }
}
