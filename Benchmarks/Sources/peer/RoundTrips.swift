// A server and a client on one loop: every answer is checked, so this is a test of the servers as well as the way to
// count what a round trip costs.

import AsyncIO

/// `echo_protocol`, `http_stream` and so on: the server of that name and mode, asked `count` times.
func roundTrips(_ bench: String) -> (nonisolated(nonsending) @Sendable (EventLoop, Int) async throws -> Void)? {
    let parts = bench.split(separator: "_").map(String.init)
    guard parts.count == 2, ["echo", "http"].contains(parts[0]), let mode = Mode(rawValue: parts[1]) else { return nil }
    return { loop, count in
        let server = try await server(parts[0], on: loop, at: .tcp(host: "127.0.0.1", port: 0), mode)
        guard case .ip(_, let port) = server.addresses.first else { throw WrongAnswer(got: []) }
        let (request, expected) = parts[0] == "http" ? (get, httpAnswer) : (kilobyte, kilobyte)
        try await server.withClosing {
            let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
            let measure = Measure(bench, count)
            for _ in 0..<count {
                writer.write(request)
                let answer = try await reader.readExactly(expected.count)
                guard answer == expected else { throw WrongAnswer(got: answer) }
            }
            measure.report()
            writer.close()
            try await writer.waitClosed()
        }
    }
}

private let get = Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
private let kilobyte = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 31) }

private struct WrongAnswer: Error {
    let got: [UInt8]
}
