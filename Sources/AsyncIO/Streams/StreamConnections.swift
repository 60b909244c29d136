// Connections and servers with readers and writers.

extension EventLoop {
    /// Connects to a host and port.
    ///
    /// **Cancellation:** breaks off every attempt and closes what was opened.
    ///
    /// - Parameters:
    ///   - host: a name or an address.
    ///   - port: 0 to 65535.
    ///   - limit: how many bytes the reader buffers; reading pauses at twice as many.
    ///   - family: which addresses to use.
    ///   - localAddress: where to connect from; nil leaves it to the system.
    ///   - happyEyeballsDelay: when a further address is tried while an earlier one is silent; nil tries one after the other.
    ///   - tls: makes the connection secure.
    ///   - serverHostname: the name in the server's certificate; nil is `host`.
    /// - Throws: as ``createConnection(host:port:family:localAddress:happyEyeballsDelay:interleave:allErrors:tls:serverHostname:_:)``.
    ///
    /// asyncio: open_connection · libuv: uv_tcp_connect
    public func openConnection(
        host: String, port: Int, limit: Int = StreamReader.defaultLimit, family: AddressFamily = .unspecified,
        localAddress: SocketAddress? = nil, happyEyeballsDelay: Duration? = .milliseconds(250),
        interleave: Int? = nil, allErrors: Bool = false, tls: (any TransportSecurity)? = nil,
        serverHostname: String? = nil
    ) async throws -> (reader: StreamReader, writer: StreamWriter) {
        try StreamCore.check(limit: limit)
        let (_, core) = try await createConnection(
            host: host, port: port, family: family, localAddress: localAddress,
            happyEyeballsDelay: happyEyeballsDelay, interleave: interleave, allErrors: allErrors, tls: tls,
            serverHostname: serverHostname
        ) { [self] in StreamCore(loop: self, limit: limit) }
        return try faces(of: core)
    }

    /// Uses a socket that is connected already; it is the transport's when this returns, and the caller's when this throws.
    ///
    /// **Cancellation:** leaves the descriptor alone.
    ///
    /// asyncio: open_connection(sock=) · libuv: uv_tcp_open, uv_pipe_open
    public func openConnection(
        fileDescriptor: Int32, limit: Int = StreamReader.defaultLimit
    ) async throws -> (reader: StreamReader, writer: StreamWriter) {
        try StreamCore.check(limit: limit)
        let (_, core) = try await createConnection(fileDescriptor: fileDescriptor) { [self] in
            StreamCore(loop: self, limit: limit)
        }
        return try faces(of: core)
    }

    /// Connects to a Unix socket.
    ///
    /// **Cancellation:** closes the socket.
    ///
    /// asyncio: open_unix_connection · libuv: uv_pipe_open
    public func openUnixConnection(
        path: String, limit: Int = StreamReader.defaultLimit, tls: (any TransportSecurity)? = nil,
        serverHostname: String? = nil
    ) async throws -> (reader: StreamReader, writer: StreamWriter) {
        try StreamCore.check(limit: limit)
        let (_, core) = try await createUnixConnection(path: path, tls: tls, serverHostname: serverHostname) {
            [self] in StreamCore(loop: self, limit: limit)
        }
        return try faces(of: core)
    }

    private func faces(of core: StreamCore) throws -> (reader: StreamReader, writer: StreamWriter) {
        // The connection may have been lost between `connectionMade` and this.
        guard core.transport != nil else { throw core.failure ?? StreamCore.lost }
        return (core.makeReader(), core.makeWriter())
    }

    /// Creates a server that runs a task for each connection.
    ///
    /// ```swift
    /// let server = try await loop.startServer(host: "127.0.0.1", port: 8888) { reader, writer in
    ///     for try await line in reader.lines {
    ///         writer.write(line)
    ///         try await writer.drain()
    ///     }
    /// }
    /// try await server.serveForever()
    /// ```
    ///
    /// An error of the handler goes to the exception handler and closes its connection; a cancellation closes it
    /// silently. When the handler returns, the connection is closed unless somebody else holds its reader or writer.
    ///
    /// **Cancellation:** closes what was opened.
    ///
    /// - Parameters:
    ///   - host: where to listen; nil or an empty text is everywhere.
    ///   - port: 0 to 65535; 0 lets the system choose.
    ///   - limit: how many bytes a reader buffers; reading pauses at twice as many.
    ///   - handler: gets each connection.
    /// - Throws: as ``createServer(host:port:family:backlog:reuseAddress:reusePort:keepAlive:tls:startServing:_:)``, where the other
    ///   parameters are explained.
    ///
    /// asyncio: start_server · libuv: uv_poll_t on the listening sockets
    public func startServer(
        host: String? = nil, port: Int, limit: Int = StreamReader.defaultLimit,
        family: AddressFamily = .unspecified, backlog: Int = 100, reuseAddress: Bool? = nil, reusePort: Bool = false,
        keepAlive: Bool? = nil, tls: (any TransportSecurity)? = nil, startServing: Bool = true,
        fileID: StaticString = #fileID, line: UInt = #line,
        _ handler: nonisolated(nonsending) @escaping (StreamReader, StreamWriter) async throws -> Void
    ) async throws -> Server {
        try StreamCore.check(limit: limit)
        return try await createServer(
            host: host, port: port, family: family, backlog: backlog, reuseAddress: reuseAddress,
            reusePort: reusePort, keepAlive: keepAlive, tls: tls, startServing: startServing,
            coreFactory(limit, handler, SourceLocation(fileID: fileID, line: line)))
    }

    /// Creates a server that runs a task for each connection, on a socket that is bound already.
    ///
    /// asyncio: start_server(sock=) · libuv: uv_poll_t on the listening socket
    public func startServer(
        fileDescriptor: Int32, limit: Int = StreamReader.defaultLimit, backlog: Int = 100, startServing: Bool = true,
        fileID: StaticString = #fileID, line: UInt = #line,
        _ handler: nonisolated(nonsending) @escaping (StreamReader, StreamWriter) async throws -> Void
    ) async throws -> Server {
        try StreamCore.check(limit: limit)
        return try await createServer(
            fileDescriptor: fileDescriptor, backlog: backlog, startServing: startServing,
            coreFactory(limit, handler, SourceLocation(fileID: fileID, line: line)))
    }

    /// Creates a server on a Unix socket that runs a task for each connection.
    ///
    /// asyncio: start_unix_server · libuv: uv_poll_t on the listening socket
    public func startUnixServer(
        path: String, limit: Int = StreamReader.defaultLimit, backlog: Int = 100, cleanupSocket: Bool = true,
        tls: (any TransportSecurity)? = nil, startServing: Bool = true, fileID: StaticString = #fileID,
        line: UInt = #line,
        _ handler: nonisolated(nonsending) @escaping (StreamReader, StreamWriter) async throws -> Void
    ) async throws -> Server {
        try StreamCore.check(limit: limit)
        return try await createUnixServer(
            path: path, backlog: backlog, cleanupSocket: cleanupSocket, tls: tls, startServing: startServing,
            coreFactory(limit, handler, SourceLocation(fileID: fileID, line: line)))
    }

    /// Makes the protocols of a server whose connections have a task each.
    func coreFactory(
        _ limit: Int,
        _ handler: nonisolated(nonsending) @escaping (StreamReader, StreamWriter) async throws -> Void,
        _ origin: SourceLocation
    ) -> () -> StreamCore {
        return { [unowned self] in
            StreamCore(loop: self, limit: limit) { [unowned self] reader, writer in
                let transport = writer.transport
                let task = LoopTask(loop: self, name: nil, isListed: true, origin: origin) {
                    try await handler(reader, writer)
                }
                task.addDoneCallback { task in handlerDidEnd(task, transport) }
            }
        }
    }
}

/// Reports the error of a connection's handler, and closes the connection.
private func handlerDidEnd(_ task: Future<Void>, _ transport: Transport) {
    if task.isCancelled { return transport.close() }
    guard let error = try? task.exception() else { return }
    task.loop.callExceptionHandler(
        ExceptionContext(message: "Unhandled exception in client_connected_cb", exception: error, subject: transport))
    transport.close()
}
