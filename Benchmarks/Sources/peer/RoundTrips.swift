// A server on a loop, and a blocking client on a thread of its own that checks every answer. So this is a test of the
// servers, and the way to count what a request costs: next to nothing of it is the client's.

import AsyncIO
import Glibc

/// `echo_protocol`, `http_stream`, `churn_buffered` and so on: the server of that name and mode, asked `count` times; a
/// number behind it, as in `echo_stream_65536`, is the size of a message. Churn makes a connection for each request.
func roundTrips(_ bench: String) -> (nonisolated(nonsending) @Sendable (EventLoop, Int) async throws -> Void)? {
    let parts = bench.split(separator: "_").map(String.init)
    guard parts.count == 2 || parts.count == 3, ["echo", "http", "churn"].contains(parts[0]),
        let mode = Mode(rawValue: parts[1]), let size = parts.count == 3 ? Int(parts[2]) : 1024, size > 0
    else { return nil }
    let message = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let (request, answer) = parts[0] == "http" ? (get, httpAnswer) : (message, message)
    let reconnects = parts[0] == "churn"
    return { loop, count in
        let server = try await server(parts[0], on: loop, at: .tcp(host: "127.0.0.1", port: 0), mode)
        guard case .ip(_, let port) = server.addresses.first else { throw CallFailed(call: "listen", code: 0) }
        let client = Client(port: port, request: request, answer: answer)
        let ended = loop.createFuture(of: Void.self)
        let outcome = Outcome(ended)
        let executor = loop.executor
        try await server.withClosing {
            let measure = Measure(bench, count)
            let thread = Thread {
                let result = Result { try client.ask(count, reconnects: reconnects) }
                _ = try? executor.callSoonThreadsafe { _ in try outcome.set(result) }
            }
            try await ended.value
            measure.report()
            thread.join()
        }
    }
}

private let get = Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)

/// Takes the client's outcome to the loop.
// SAFETY: made on the loop's thread, and touched there only.
private final class Outcome: @unchecked Sendable {
    private let future: Future<Void>
    init(_ future: Future<Void>) { self.future = future }

    func set(_ result: Result<Void, any Error>) throws {
        switch result {
        case .success: try future.setResult(())
        case .failure(let error): try future.setException(error)
        }
    }
}

private struct CallFailed: Error {
    let call: String
    var code = errno
}

/// Asks one thing at a time, over a socket that blocks.
private struct Client {
    let port: Int
    let request: [UInt8]
    let answer: [UInt8]

    func ask(_ count: Int, reconnects: Bool) throws {
        let room = UnsafeMutableRawPointer.allocate(byteCount: answer.count, alignment: 16)
        defer { room.deallocate() }
        var socket = try connected()
        for number in 1...count {
            try exchange(socket, room)
            guard reconnects, number < count else { continue }
            close(socket)
            socket = try connected()
        }
        close(socket)
    }

    private func connected() throws -> Int32 {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw CallFailed(call: "socket") }
        var (on, address) = (Int32(1), sockaddr_in())
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        let status = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw CallFailed(call: "connect") }
        return socket
    }

    private func exchange(_ socket: Int32, _ room: UnsafeMutableRawPointer) throws {
        guard send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw CallFailed(call: "send")
        }
        guard recv(socket, room, answer.count, Int32(MSG_WAITALL)) == answer.count else {
            throw CallFailed(call: "recv")
        }
        guard memcmp(room, answer, answer.count) == 0 else { throw CallFailed(call: "a wrong answer", code: 0) }
    }
}
