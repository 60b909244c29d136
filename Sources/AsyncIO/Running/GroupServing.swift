// Starting servers on all loops of a group.

extension EventLoopGroup {
    /// Creates a server on each loop, all on the same address, that runs a task for each connection.
    ///
    /// The sockets share the port (`SO_REUSEPORT`): on Linux the system spreads new connections over them. With port 0 the
    /// first loop gets a port from the system, and the others listen on the same one.
    ///
    /// ```swift
    /// let servers = try await group.startServer(host: "127.0.0.1", port: 8888) { reader, writer in
    ///     for try await line in reader.lines {
    ///         writer.write(line)
    ///         try await writer.drain()
    ///     }
    /// }
    /// ```
    ///
    /// **Cancellation:** closes what was opened.
    ///
    /// - Parameters:
    ///   - host: where to listen; nil or an empty text is everywhere.
    ///   - port: 0 to 65535; 0 lets the system choose.
    ///   - limit: how many bytes a reader buffers; reading pauses at twice as many.
    ///   - family: which addresses to use.
    ///   - backlog: how many connections may wait to be accepted, on each loop.
    ///   - keepAlive: have the system look after idle connections; nil leaves that to it.
    ///   - tls: makes the connections secure.
    ///   - handler: gets each connection, on one of the loops.
    /// - Throws: as ``EventLoop/createServer(host:port:family:backlog:reuseAddress:reusePort:keepAlive:tls:startServing:_:)``; if
    ///   one loop fails, the servers of the others are closed.
    ///
    /// asyncio: start_server(reuse_port=True) in several processes · libuv: uv_poll_t on the listening sockets
    public func startServer(
        host: String? = nil, port: Int, limit: Int = StreamReader.defaultLimit,
        family: AddressFamily = .unspecified, backlog: Int = 100, keepAlive: Bool? = nil,
        tls: (any TransportSecurity & Sendable)? = nil, fileID: StaticString = #fileID, line: UInt = #line,
        _ handler: nonisolated(nonsending) @Sendable @escaping (StreamReader, StreamWriter) async throws -> Void
    ) async throws -> ServerGroup {
        try StreamCore.check(limit: limit)
        let origin = SourceLocation(fileID: fileID, line: line)
        return try await shard(keepAlive: keepAlive) { loop, options, addresses in
            let factory = loop.coreFactory(limit, handler, origin)
            guard let addresses else {
                return try await loop.createServer(
                    host: host, port: port, family: family, backlog: backlog, reusePort: true, keepAlive: keepAlive,
                    tls: tls, factory)
            }
            return try await loop.createServer(
                addresses: addresses, backlog: backlog, options: options, tls: tls, factory)
        }
    }

    /// Creates a server on each loop, all on the same address, for connections that have a protocol each.
    ///
    /// **Cancellation:** closes what was opened.
    ///
    /// - Parameters:
    ///   - factory: makes the protocol of each connection, on the loop that it is given. The other parameters are explained
    ///     at ``startServer(host:port:limit:family:backlog:keepAlive:tls:fileID:line:_:)``.
    /// - Throws: as there.
    ///
    /// asyncio: loop.create_server(reuse_port=True) in several processes · libuv: uv_poll_t on the listening sockets
    public func createServer<P: ConnectionProtocol & SendableMetatype>(
        host: String? = nil, port: Int, family: AddressFamily = .unspecified, backlog: Int = 100,
        keepAlive: Bool? = nil, tls: (any TransportSecurity & Sendable)? = nil,
        _ factory: @escaping @Sendable (EventLoop) throws -> P
    ) async throws -> ServerGroup {
        try await shard(keepAlive: keepAlive) { loop, options, addresses in
            let factory = { [unowned loop] in try factory(loop) }
            guard let addresses else {
                return try await loop.createServer(
                    host: host, port: port, family: family, backlog: backlog, reusePort: true, keepAlive: keepAlive,
                    tls: tls, factory)
            }
            return try await loop.createServer(
                addresses: addresses, backlog: backlog, options: options, tls: tls, factory)
        }
    }

    /// Makes a server on each loop: the first one finds the addresses, which the others are told.
    private func shard(
        keepAlive: Bool?,
        _ start:
            nonisolated(nonsending) @Sendable @escaping (EventLoop, ListeningOptions, [SocketAddress]?) async throws
            -> Server
    ) async throws -> ServerGroup {
        var shards: [Shard] = []
        var addresses: [SocketAddress]?
        do {
            for executor in executors {
                let known = addresses
                let (shard, found) = try await executor.run { loop in
                    let options = ListeningOptions(reuseAddress: true, reusePort: true, keepAlive: keepAlive)
                    let server = try await start(loop, options, known)
                    return (Shard(server), server.addresses)
                }
                shards.append(shard)
                addresses = addresses ?? found
            }
        } catch {
            for shard in shards {
                shard.post {
                    $0.close()
                    $0.abortClients()
                }
                shard.release()
            }
            throw error
        }
        return ServerGroup(shards, addresses: addresses ?? [])
    }
}
