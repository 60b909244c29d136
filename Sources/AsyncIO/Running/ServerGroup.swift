// Servers that share an address: one on each loop of a group.

/// The servers that a group's loops run on one address. Any thread may use it.
///
/// The system hands each connection to one of them, and it stays with that loop. The servers live while they listen,
/// whether or not anybody holds this; the group's shutdown closes them.
///
/// asyncio: Server, with reuse_port=True in several processes
public final class ServerGroup: Sendable {
    /// The addresses that all of the servers listen on, or did.
    ///
    /// asyncio: Server.sockets
    public let addresses: [SocketAddress]

    private let shards: [Shard]

    init(_ shards: [Shard], addresses: [SocketAddress]) {
        self.shards = shards
        self.addresses = addresses
    }

    deinit {
        for shard in shards { shard.release() }
    }

    /// Stops listening on every loop, and returns when that is done. Connections that are open stay open. Doing it twice
    /// does nothing the second time.
    ///
    /// **Cancellation:** ends the wait, and is thrown by the next one; the servers stop listening all the same.
    ///
    /// asyncio: Server.close
    public func close() async {
        for shard in shards { shard.post { $0.close() } }
        for shard in shards { await shard.waitForPosts() }
    }

    /// Waits until the servers have been closed and the last of their connections is gone. The end of the group is the
    /// end of its servers too.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: `CancellationError`, and nothing else.
    ///
    /// asyncio: Server.wait_closed
    public func waitClosed() async throws {
        for shard in shards { try await shard.waitClosed() }
    }

    /// Closes every connection once what waits has been written, and returns when that has begun. Listening goes on.
    ///
    /// **Cancellation:** ends the wait, and is thrown by the next one; the connections are closed all the same.
    ///
    /// asyncio: Server.close_clients
    public func closeClients() async {
        for shard in shards { shard.post { $0.closeClients() } }
        for shard in shards { await shard.waitForPosts() }
    }

    /// Closes every connection without writing what waits. Listening goes on.
    ///
    /// **Cancellation:** ends the wait, and is thrown by the next one; the connections are closed all the same.
    ///
    /// asyncio: Server.abort_clients
    public func abortClients() async {
        for shard in shards { shard.post { $0.abortClients() } }
        for shard in shards { await shard.waitForPosts() }
    }

    /// How many connections are open on each loop, in the order of the loops.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``EventLoopError`` `.closed` after the end of the group.
    public func clientCounts() async throws -> [Int] {
        var counts: [Int] = []
        for shard in shards { counts.append(try await shard.clientCount()) }
        return counts
    }
}

/// The server of one loop, for those who are elsewhere.
final class Shard: Sendable {
    private let executor: LoopExecutor
    // SAFETY: made and touched on the loop's thread only; after the end of the loop nobody touches it.
    private nonisolated(unsafe) var server: Server?

    /// On the loop.
    init(_ server: Server) {
        executor = server.loop.executor
        self.server = server
    }

    /// Does something with the server, on its loop, in the order of the calls. The server of a loop that has ended is
    /// closed, and so are its connections.
    func post(_ body: @escaping @Sendable (Server) -> Void) {
        _ = try? executor.callSoonThreadsafe { _ in if let server = self.server { body(server) } }
    }

    /// A cancellation that ends the wait is thrown by the next one.
    func waitForPosts() async {
        let answer = try? await executor.call(Self.origin) { _ in }
        // No answer at all: the caller had been cancelled before, or its loop closes.
        if answer?.callerWasCancelled == false { return }
        (try? EventLoop.running)?.currentScheduledTask?.redeliverCancellation()
    }

    func waitClosed() async throws {
        let answer = try await executor.call(Self.origin) { _ in try await self.server?.waitClosed() }
        do {
            try answer.result.value.get()
        } catch is CancellationError where !answer.callerWasCancelled {
            // The group ends: its loops cancel all tasks, and close the servers.
        } catch let error as EventLoopError where error.code == .closed {
        }
    }

    private static let origin = SourceLocation(fileID: #fileID, line: #line)

    func clientCount() async throws -> Int {
        try await executor.run { _ in self.server?.clientCount ?? 0 }
    }

    /// Lets go of the server where it belongs.
    func release() { executor.onLoopThread { self.server = nil } }
}
