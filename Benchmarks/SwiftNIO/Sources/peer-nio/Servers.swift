// Servers for a load generator: echo over TCP or a Unix socket, and a minimal HTTP, as handlers and as async channels.

import Glibc
import NIOCore
import NIOPosix
import NativeWorkloads

/// How a server is written.
enum Mode: String, CaseIterable {
    /// Channel handlers.
    case `protocol`
    /// async/await, on Swift's default executor.
    case stream
    /// async/await, with the tasks on the event loop.
    case streamLoop = "stream-loop"
}

/// Serves until a signal ends the process.
func serve(http: Bool, at place: Place, _ mode: Mode) throws {
    let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    switch mode {
    case .protocol: try serveHandlers(loop, http: http, at: place)
    case .stream: runTask(on: nil) { try await serveChannels(loop, http: http, at: place) }
    case .streamLoop: runTask(on: LoopExecutor(loop)) { try await serveChannels(loop, http: http, at: place) }
    }
}

private func bootstrap(_ loop: any EventLoop) -> ServerBootstrap {
    ServerBootstrap(group: loop)
        .serverChannelOption(.backlog, value: 1024)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
}

private func announce() {
    print("LISTENING")
    fflush(nil)
}

/// A Unix socket refuses, and needs none.
private func setNoDelay(_ channel: any Channel, at place: Place) throws {
    guard case .tcp = place else { return }
    try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
}

private func serveHandlers(_ loop: any EventLoop, http: Bool, at place: Place) throws {
    let server = bootstrap(loop).childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            try setNoDelay(channel, at: place)
            try channel.pipeline.syncOperations.addHandler(http ? HTTPHandler() : EchoHandler())
        }
    }
    let listener =
        switch place {
        case .tcp(let host, let port): try server.bind(host: host, port: port).wait()
        case .unix(let path): try server.bind(unixDomainSocketPath: path, cleanupExistingSocketFile: true).wait()
        }
    announce()
    try listener.closeFuture.wait()
}

private typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

private func serveChannels(_ loop: any EventLoop, http: Bool, at place: Place) async throws {
    @Sendable func connection(_ channel: any Channel) -> EventLoopFuture<Connection> {
        channel.eventLoop.makeCompletedFuture {
            try setNoDelay(channel, at: place)
            return try Connection(wrappingChannelSynchronously: channel)
        }
    }
    let listener =
        switch place {
        case .tcp(let host, let port):
            try await bootstrap(loop).bind(host: host, port: port, childChannelInitializer: connection)
        case .unix(let path):
            try await bootstrap(loop).bind(
                unixDomainSocketPath: path, cleanupExistingSocketFile: true, childChannelInitializer: connection)
        }
    announce()
    try await listener.executeThenClose { connections in
        // A child of the group prefers the executor that this task prefers.
        await withDiscardingTaskGroup { group in
            do {
                for try await connection in connections {
                    group.addTask { await converse(connection, http: http) }
                }
            } catch {
                complain("peer-nio: \(error)")
            }
        }
    }
}

private func converse(_ connection: Connection, http: Bool) async {
    do {
        try await connection.executeThenClose { inbound, outbound in
            if http {
                var requests = RequestCounter()
                let answer = ByteBuffer(bytes: httpAnswer)
                for try await bytes in inbound {
                    let count = requests.feed(bytes.readableBytesView)
                    if count > 0 {
                        try await outbound.write(count == 1 ? answer : ByteBuffer(bytes: httpAnswers(count)))
                    }
                }
            } else {
                for try await bytes in inbound { try await outbound.write(bytes) }
            }
        }
    } catch {
        // Load generators end so.
    }
}
