// Servers for a load generator: echo over TCP or a Unix socket, and a minimal HTTP, as protocols and as streams.
//   peer echo HOST PORT [MODE] [--loops N]    peer echo-unix PATH [MODE]    peer http HOST PORT [MODE] [--loops N]

import AsyncIO
import Glibc

/// How a server is written.
enum Mode: String {
    /// Callbacks that are lent the bytes.
    case `protocol`
    /// Callbacks, and a buffer of the connection's own.
    case buffered
    /// async/await.
    case stream
}

/// Where a server listens.
enum Place {
    case tcp(host: String, port: Int)
    case unix(path: String)
}

/// Serves until the process is told to end.
func serve(_ what: String, at place: Place, _ mode: Mode) throws {
    try AsyncIO.run { loop in
        let server = try await server(what, on: loop, at: place, mode)
        print("LISTENING")
        fflush(nil)
        try await server.serveForever()
    }
}

/// Serves on several loops, a thread each, until the process is told to end.
func serve(_ what: String, host: String, port: Int, _ mode: Mode, loops: Int) throws {
    try AsyncIO.run { _ in
        try await EventLoopGroup.with(count: loops) { group in
            let servers = try await servers(what, on: group, host: host, port: port, mode)
            print("LISTENING")
            fflush(nil)
            try await servers.waitClosed()
        }
    }
}

/// The servers of a name and mode, one on each loop.
private func servers(
    _ what: String, on group: EventLoopGroup, host: String, port: Int, _ mode: Mode
) async throws -> ServerGroup {
    func listen<P: ConnectionProtocol & SendableMetatype>(
        _ factory: @escaping @Sendable (EventLoop) -> P
    ) async throws -> ServerGroup {
        try await group.createServer(host: host, port: port, backlog: 1024, factory)
    }
    return switch (what, mode) {
    case ("http", .protocol): try await listen { _ in HTTPProtocol() }
    case ("http", .buffered): try await listen { _ in BufferedHTTP() }
    case ("http", .stream): try await group.startServer(host: host, port: port, backlog: 1024, answerRequests)
    case (_, .protocol): try await listen { _ in EchoProtocol() }
    case (_, .buffered): try await listen { _ in BufferedEcho() }
    case (_, .stream): try await group.startServer(host: host, port: port, backlog: 1024, echo)
    }
}

/// The server of a name and mode.
func server(_ what: String, on loop: EventLoop, at place: Place, _ mode: Mode) async throws -> Server {
    switch (what, mode) {
    case ("http", .protocol): try await listen(loop, place) { HTTPProtocol() }
    case ("http", .buffered): try await listen(loop, place) { BufferedHTTP() }
    case ("http", .stream): try await listen(loop, place, handler: answerRequests)
    case (_, .protocol): try await listen(loop, place) { EchoProtocol() }
    case (_, .buffered): try await listen(loop, place) { BufferedEcho() }
    case (_, .stream): try await listen(loop, place, handler: echo)
    }
}

private func listen<P: ConnectionProtocol>(
    _ loop: EventLoop, _ place: Place, _ factory: @escaping () -> P
) async throws -> Server {
    switch place {
    case .tcp(let host, let port): try await loop.createServer(host: host, port: port, backlog: 1024, factory)
    case .unix(let path): try await loop.createUnixServer(path: path, backlog: 1024, factory)
    }
}

private func listen(
    _ loop: EventLoop, _ place: Place,
    handler: nonisolated(nonsending) @escaping (StreamReader, StreamWriter) async throws -> Void
) async throws -> Server {
    switch place {
    case .tcp(let host, let port): try await loop.startServer(host: host, port: port, backlog: 1024, handler)
    case .unix(let path): try await loop.startUnixServer(path: path, backlog: 1024, handler)
    }
}

// MARK: - Echo

/// Reading pauses while too much waits to be written, so a client that does not read costs no memory.
class Connection {
    unowned(unsafe) final var transport: Transport?

    final func connectionMade(_ transport: Transport) { self.transport = transport }
    final func pauseWriting() { transport?.pauseReading() }
    final func resumeWriting() { transport?.resumeReading() }
}

private final class EchoProtocol: Connection, StreamProtocol {
    func dataReceived(_ data: RawSpan) { transport?.write(data) }
}

private final class BufferedEcho: Connection, BufferedProtocol {
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    deinit { buffer.deallocate() }

    func getBuffer(_ sizeHint: Int) -> UnsafeMutableRawBufferPointer { buffer }

    func bufferUpdated(_ count: Int) {
        transport?.write(RawSpan(_unsafeStart: UnsafeRawPointer(buffer.baseAddress!), byteCount: count))
    }
}

private nonisolated(nonsending) func echo(_ reader: StreamReader, _ writer: StreamWriter) async throws {
    do {
        while true {
            let data = try await reader.read(65536)
            if data.isEmpty { return }
            writer.write(data)
            try await writer.drain()
        }
    } catch let error as IOError where error.code == .connectionReset {
        // Load generators end so.
    }
}

// MARK: - HTTP

/// What the server answers to every request.
let httpAnswer = Array(
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!".utf8)
private let endOfRequest: [UInt8] = Array("\r\n\r\n".utf8)

/// Finds the ends of requests without bodies; they may come in any pieces.
private struct RequestCounter {
    private var matched = 0

    mutating func feed(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        for byte in bytes {
            if byte == endOfRequest[matched] {
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

private final class HTTPProtocol: Connection, StreamProtocol {
    private var requests = RequestCounter()

    func dataReceived(_ data: RawSpan) {
        let count = data.withUnsafeBytes { requests.feed($0) }
        for _ in 0..<count { transport?.write(httpAnswer) }
    }
}

private final class BufferedHTTP: Connection, BufferedProtocol {
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    private var requests = RequestCounter()
    deinit { buffer.deallocate() }

    func getBuffer(_ sizeHint: Int) -> UnsafeMutableRawBufferPointer { buffer }

    func bufferUpdated(_ count: Int) {
        let count = requests.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        for _ in 0..<count { transport?.write(httpAnswer) }
    }
}

private nonisolated(nonsending) func answerRequests(_ reader: StreamReader, _ writer: StreamWriter) async throws {
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
