// Making servers: sockets that are bound and listen.

extension EventLoop {
    /// Creates a server for connections to a host and port.
    ///
    /// ```swift
    /// let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Echo() }
    /// print(server.addresses)
    /// try await server.serveForever()
    /// ```
    ///
    /// A factory or `connectionMade` that fails is reported, and the server goes on. When the process has no descriptors
    /// left, accepting pauses until one is free; see ``Server/acceptPauses``.
    ///
    /// **Cancellation:** closes what was opened.
    ///
    /// - Parameters:
    ///   - host: where to listen; nil or an empty text is everywhere, on IPv4 and IPv6.
    ///   - port: 0 to 65535; 0 lets the system choose, for each address another one.
    ///   - family: which addresses to use.
    ///   - backlog: how many connections may wait to be accepted.
    ///   - reuseAddress: do not wait for old connections of the port to be forgotten; nil is true.
    ///   - reusePort: let other sockets listen on the same port, and share its connections.
    ///   - keepAlive: have the system look after idle connections; nil leaves that to it.
    ///   - tls: makes the connections secure.
    ///   - startServing: false waits for ``Server/startServing()`` or ``Server/serveForever()``.
    ///   - factory: makes the protocol of each connection.
    /// - Throws: ``IOError``, for example `.addressInUse`, with the address; ``EventLoopError`` `.invalidArgument`.
    ///
    /// asyncio: loop.create_server · libuv: uv_poll_t on the listening sockets
    public func createServer<P: ConnectionProtocol>(
        host: String? = nil, port: Int, family: AddressFamily = .unspecified, backlog: Int = 100,
        reuseAddress: Bool? = nil, reusePort: Bool = false, keepAlive: Bool? = nil,
        tls: (any TransportSecurity)? = nil, startServing: Bool = true, _ factory: @escaping () throws -> P
    ) async throws -> Server {
        try await createServer(
            hosts: [host ?? ""], port: port, family: family, backlog: backlog, reuseAddress: reuseAddress,
            reusePort: reusePort, keepAlive: keepAlive, tls: tls, startServing: startServing, factory)
    }

    /// Creates a server for connections to several hosts, with one socket for each distinct address; otherwise as for one
    /// host.
    ///
    /// asyncio: loop.create_server · libuv: uv_poll_t on the listening sockets
    public func createServer<P: ConnectionProtocol>(
        hosts: [String], port: Int, family: AddressFamily = .unspecified, backlog: Int = 100,
        reuseAddress: Bool? = nil, reusePort: Bool = false, keepAlive: Bool? = nil,
        tls: (any TransportSecurity)? = nil, startServing: Bool = true, _ factory: @escaping () throws -> P
    ) async throws -> Server {
        try checkOpen("createServer")
        try checkBacklog(backlog)
        var addresses: [SocketAddress] = []
        for host in hosts {
            let answers = try await getAddrInfo(
                host: host == "" ? nil : host, port: port, family: family, type: .stream, flags: .passive)
            for answer in answers where !addresses.contains(answer.address) { addresses.append(answer.address) }
        }
        guard !addresses.isEmpty else { throw EventLoopError.invalidArgument("hosts: Neither host/port nor a socket") }
        return try await createServer(
            addresses: addresses, backlog: backlog,
            options: ListeningOptions(reuseAddress: reuseAddress ?? true, reusePort: reusePort, keepAlive: keepAlive),
            tls: tls, startServing: startServing, factory)
    }

    /// Creates a server on addresses that need not be looked up.
    func createServer<P: ConnectionProtocol>(
        addresses: [SocketAddress], backlog: Int, options: ListeningOptions, tls: (any TransportSecurity)?,
        startServing: Bool = true, _ factory: @escaping () throws -> P
    ) async throws -> Server {
        try checkOpen("createServer")
        let sockets = try bind(addresses, options: options)
        return try await serve(sockets, backlog: backlog, tls: tls, startServing: startServing, factory: factory)
    }

    /// Creates a server for connections to a Unix socket.
    ///
    /// A socket that is left at the path from before is replaced; any other file is not. When the server is closed its
    /// socket file is removed, if it is still the server's own.
    ///
    /// - Parameters:
    ///   - path: where the socket is to be; with a leading NUL, an abstract name (Linux).
    ///   - backlog: how many connections may wait to be accepted.
    ///   - cleanupSocket: whether to remove the socket file at the end.
    ///   - tls: makes the connections secure.
    ///   - startServing: false waits for ``Server/startServing()`` or ``Server/serveForever()``.
    ///   - factory: makes the protocol of each connection.
    /// - Throws: ``IOError``, for example `.addressInUse`; ``EventLoopError`` `.invalidArgument`.
    ///
    /// asyncio: loop.create_unix_server · libuv: uv_poll_t on the listening socket
    public func createUnixServer<P: ConnectionProtocol>(
        path: String, backlog: Int = 100, cleanupSocket: Bool = true, tls: (any TransportSecurity)? = nil,
        startServing: Bool = true, _ factory: @escaping () throws -> P
    ) async throws -> Server {
        try checkOpen("createUnixServer")
        try checkBacklog(backlog)
        let socket = try bindUnixSocket(at: path, type: SystemConstant.stream)
        return try await serve(
            [(socket, .unix(path))], backlog: backlog, tls: tls, startServing: startServing,
            cleanUp: cleanupSocket ? removal(ofSocketAt: path) : {}, factory: factory)
    }

    /// Creates a server on a socket that is bound already. The server owns it when this returns; when this throws it is
    /// still the caller's.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` unless it is a stream socket.
    ///
    /// asyncio: loop.create_server(sock=) · libuv: uv_poll_t on the listening socket
    public func createServer<P: ConnectionProtocol>(
        fileDescriptor: Int32, backlog: Int = 100, tls: (any TransportSecurity)? = nil, startServing: Bool = true,
        _ factory: @escaping () throws -> P
    ) async throws -> Server {
        try await adoptListener(
            fileDescriptor, family: nil, backlog: backlog, tls: tls, startServing: startServing, cleanUp: {},
            factory: factory)
    }

    /// Creates a server on a Unix socket that is bound already; as
    /// ``createServer(fileDescriptor:backlog:tls:startServing:_:)``.
    ///
    /// asyncio: loop.create_unix_server(sock=) · libuv: uv_poll_t on the listening socket
    public func createUnixServer<P: ConnectionProtocol>(
        fileDescriptor: Int32, backlog: Int = 100, cleanupSocket: Bool = true, tls: (any TransportSecurity)? = nil,
        startServing: Bool = true, _ factory: @escaping () throws -> P
    ) async throws -> Server {
        let path = try? SystemSocket(fileDescriptor).localName().unixPath
        return try await adoptListener(
            fileDescriptor, family: .unix, backlog: backlog, tls: tls, startServing: startServing,
            cleanUp: cleanupSocket ? path.map { removal(ofSocketAt: $0) } ?? {} : {}, factory: factory)
    }

    private func adoptListener<P: ConnectionProtocol>(
        _ descriptor: Int32, family: AddressFamily?, backlog: Int, tls: (any TransportSecurity)?, startServing: Bool,
        cleanUp: @escaping () -> Void, factory: @escaping () throws -> P
    ) async throws -> Server {
        try checkOpen("createServer")
        try checkBacklog(backlog)
        let socket = SystemSocket(descriptor)
        try checkStreamSocket(socket, family: family)
        try socket.setNonBlocking()
        let address = SocketAddress(try socket.localName()) ?? .unix("")
        try await waitToAdopt(descriptor)
        return try await serve(
            [(socket, address)], backlog: backlog, tls: tls, startServing: startServing, cleanUp: cleanUp,
            isAdopted: true, factory: factory)
    }

    private func checkBacklog(_ backlog: Int) throws {
        guard backlog >= 0 else {
            throw EventLoopError.invalidArgument("backlog must not be negative, but is \(backlog)")
        }
    }

    /// Makes the server of sockets that are bound.
    private func serve<P: ConnectionProtocol>(
        _ sockets: [(SystemSocket, SocketAddress)], backlog: Int, tls: (any TransportSecurity)?, startServing: Bool,
        cleanUp: @escaping () -> Void = {}, isAdopted: Bool = false, factory: @escaping () throws -> P
    ) async throws -> Server {
        let server = Server(sockets, loop: self, backlog: backlog, cleanUp: cleanUp) { socket, peer, server in
            server.accept(socket, from: peer, tls: tls, factory: factory)
        }
        guard startServing else { return server }
        do {
            try server.start()
            // A socket that was handed over is not closed by a cancellation.
            if !isAdopted { try await yieldOneRound() }
        } catch {
            server.close(keepingDescriptors: isAdopted)
            throw error
        }
        return server
    }
}

extension Server {
    /// Makes a transport and a protocol for a connection; failures are reported, and end that connection only.
    fileprivate func accept<P: ConnectionProtocol>(
        _ socket: SystemSocket, from peer: SocketAddress?, tls: (any TransportSecurity)?, factory: () throws -> P
    ) {
        do {
            let transport = try makeTransport(of: socket, from: peer)
            let connection = try transport.discardingOnFailure(factory)
            add(transport)
            guard let tls else {
                transport.transportProtocol = connection
                return transport.begin()
            }
            // Nothing is read before the handshake begins.
            transport.pauseReading()
            transport.begin { [self] in shakeHands(transport, tls: tls, connection: connection) }
        } catch {
            report(error)
        }
    }

    private func makeTransport(of socket: SystemSocket, from peer: SocketAddress?) throws -> SocketTransport {
        do {
            return try loop.makeTransport(adopting: socket, remote: peer, local: addressIfUnix)
        } catch {
            socket.close()
            throw error
        }
    }

    private func shakeHands(
        _ transport: SocketTransport, tls: any TransportSecurity, connection: any ConnectionProtocol
    ) {
        loop.createTask(name: "TLS handshake with \(transport.remoteAddress.map(\.description) ?? "a client")") {
            [self] in
            do {
                let secured = try await loop.secure(
                    transport, for: connection, with: tls, serverSide: true, serverHostname: nil)
                transport.tell("connectionMade") { try connection.connectionMade(secured) }
                secured.resumeReading()
            } catch {
                report(error)
            }
        }
    }

    /// Connections to a Unix socket have its address; those to an IP address have to be asked.
    private var addressIfUnix: SocketAddress? { addresses.first { $0.family == .unix } }

    private func report(_ error: any Error) {
        loop.report("Error on transport creation for incoming connection", error, about: self)
    }
}
