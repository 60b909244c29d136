// Servers for a load generator, over TCP or a Unix socket, on one loop or on several.
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
