// Making connections: by name, by path, and of sockets that exist already.

extension EventLoop {
    /// Connects to a host and port, and makes a protocol for the connection, whose `connectionMade` is called before this
    /// returns.
    ///
    /// ```swift
    /// let (transport, client) = try await loop.createConnection(host: "example.org", port: 80) { Client() }
    /// ```
    ///
    /// **Cancellation:** breaks off every attempt and closes what was opened.
    ///
    /// - Parameters:
    ///   - host: a name or an address.
    ///   - port: 0 to 65535.
    ///   - family: which addresses to use.
    ///   - localAddress: where to connect from; nil leaves it to the system.
    ///   - happyEyeballsDelay: when a further address is tried while an earlier one is silent (RFC 8305); nil tries one
    ///     after the other.
    ///   - interleave: how many addresses of the first family come before the families alternate; 0 leaves the
    ///     resolver's order. Nil is 1 with a delay, 0 without.
    ///   - allErrors: when every address fails, throw an ``ExceptionGroup`` of all errors.
    ///   - tls: makes the connection secure.
    ///   - serverHostname: the name in the server's certificate; nil is `host`.
    ///   - factory: makes the protocol, once the connection is there.
    /// - Throws: ``IOError``, for example `.connectionRefused` or `.unknownHost`; ``EventLoopError`` `.invalidArgument`;
    ///   what the factory throws.
    ///
    /// asyncio: loop.create_connection · libuv: uv_getaddrinfo, uv_tcp_connect
    public func createConnection<P: ConnectionProtocol>(
        host: String, port: Int, family: AddressFamily = .unspecified, localAddress: SocketAddress? = nil,
        happyEyeballsDelay: Duration? = .milliseconds(250), interleave: Int? = nil, allErrors: Bool = false,
        tls: (any TransportSecurity)? = nil, serverHostname: String? = nil, _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try checkOpen("createConnection")
        try checkHostname(serverHostname, host: host, tls: tls)
        let (handle, remote) = try await connect(
            host: host, port: port, family: family, localAddress: localAddress, delay: happyEyeballsDelay,
            interleave: interleave, allErrors: allErrors)
        let transport = try makeTransport(handle, remote: remote)
        return try await finish(transport, tls: tls, serverSide: false, serverHostname: serverHostname ?? host, factory)
    }

    private func connect(
        host: String, port: Int, family: AddressFamily, localAddress: SocketAddress?, delay: Duration?,
        interleave: Int?, allErrors: Bool
    ) async throws -> (UVTCP, SocketAddress) {
        if case .unix = localAddress {
            throw EventLoopError.invalidArgument("localAddress must be an IP address and a port")
        }
        let answers = try await getAddrInfo(host: host, port: port, family: family, type: .stream)
        var remotes = answers.map(\.address)
        let firstCount = interleave ?? (delay == nil ? 0 : 1)
        if firstCount > 0 {
            remotes = HappyEyeballs.interleave(remotes, firstCount: firstCount) { $0.family }
        }
        let locals = localAddress.map { [$0] } ?? []
        let race = ConnectRace(loop: self, remotes: remotes, locals: locals, delay: delay)
        do {
            return try await race.run()
        } catch let failure as ConnectFailure {
            throw failure.summary(all: allErrors)
        }
    }

    /// Connects to a Unix socket.
    ///
    /// **Cancellation:** closes the socket.
    ///
    /// - Parameters:
    ///   - path: the path of the socket; with a leading NUL, an abstract name (Linux).
    ///   - tls: makes the connection secure.
    ///   - serverHostname: the name in the server's certificate, which TLS needs here.
    ///   - factory: makes the protocol, once the connection is there.
    /// - Throws: ``IOError``, for example `.noSuchFile` or `.connectionRefused`; ``EventLoopError`` `.invalidArgument`.
    ///
    /// asyncio: loop.create_unix_connection · libuv: uv_pipe_open
    public func createUnixConnection<P: ConnectionProtocol>(
        path: String, tls: (any TransportSecurity)? = nil, serverHostname: String? = nil, _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try checkOpen("createUnixConnection")
        try checkHostname(serverHostname, tls: tls)
        let address = SocketAddress.unix(path)
        let name = try address.socketName(argument: "path")
        let socket = try SystemSocket(family: SystemConstant.unix, type: SystemConstant.stream)
        let transport = try await connect(socket, to: name, address)
        return try await finish(transport, tls: tls, serverSide: false, serverHostname: serverHostname, factory)
    }

    /// A transport of a socket that is connected here, and closed if that fails.
    private func connect(
        _ socket: SystemSocket, to name: SocketName, _ address: SocketAddress
    ) async throws -> SocketTransport {
        do {
            try await connect(socket, to: name, subject: address.description)
            return try makeTransport(adopting: socket, remote: address)
        } catch {
            socket.close()
            throw error
        }
    }

    /// Makes a transport of a socket that is connected already.
    ///
    /// The transport owns the descriptor when this returns. When this throws the descriptor is still the caller's, and
    /// open, also when the task was cancelled; only a handshake that fails closes it.
    ///
    /// **Cancellation:** leaves the descriptor alone.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` unless it is a stream socket; ``IOError`` if it is not open.
    ///
    /// asyncio: loop.create_connection(sock=) · libuv: uv_tcp_open, uv_pipe_open
    public func createConnection<P: ConnectionProtocol>(
        fileDescriptor: Int32, tls: (any TransportSecurity)? = nil, serverHostname: String? = nil,
        _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try checkHostname(serverHostname, tls: tls)
        return try await adopt(
            fileDescriptor, family: nil, tls: tls, serverSide: false, serverHostname: serverHostname, factory)
    }

    /// Makes a transport of a Unix socket that is connected already; as
    /// ``createConnection(fileDescriptor:tls:serverHostname:_:)``.
    ///
    /// asyncio: loop.create_unix_connection(sock=) · libuv: uv_pipe_open
    public func createUnixConnection<P: ConnectionProtocol>(
        fileDescriptor: Int32, tls: (any TransportSecurity)? = nil, serverHostname: String? = nil,
        _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try checkHostname(serverHostname, tls: tls)
        return try await adopt(
            fileDescriptor, family: .unix, tls: tls, serverSide: false, serverHostname: serverHostname, factory)
    }

    /// Makes a transport of a connection that was accepted elsewhere; as
    /// ``createConnection(fileDescriptor:tls:serverHostname:_:)``, on the server's side.
    ///
    /// asyncio: loop.connect_accepted_socket · libuv: uv_tcp_open, uv_pipe_open
    public func connectAcceptedSocket<P: ConnectionProtocol>(
        fileDescriptor: Int32, tls: (any TransportSecurity)? = nil, _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try await adopt(fileDescriptor, family: nil, tls: tls, serverSide: true, serverHostname: nil, factory)
    }

    private func adopt<P: ConnectionProtocol>(
        _ descriptor: Int32, family: AddressFamily?, tls: (any TransportSecurity)?, serverSide: Bool,
        serverHostname: String?, _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try checkOpen("createConnection")
        let socket = SystemSocket(descriptor)
        try checkStreamSocket(socket, family: family)
        try await waitToAdopt(descriptor)
        let connection = try factory()
        let transport = try makeTransport(adopting: socket, remote: nil)
        return try await finish(
            transport, tls: tls, serverSide: serverSide, serverHostname: serverHostname, isAdopted: true
        ) { connection }
    }

    private func checkHostname(
        _ serverHostname: String?, host: String? = nil, tls: (any TransportSecurity)?
    ) throws {
        if serverHostname != nil && tls == nil {
            throw EventLoopError.invalidArgument("serverHostname is only meaningful with tls")
        }
        if serverHostname ?? host == nil && tls != nil {
            throw EventLoopError.invalidArgument("serverHostname: you must set it when using tls without a host")
        }
    }

    /// Throws unless this is a stream socket that no transport owns.
    func checkStreamSocket(_ socket: SystemSocket, family: AddressFamily?) throws {
        try checkDescriptor(socket.descriptor)
        if try !FileIdentity(descriptor: socket.descriptor).isSocket {
            throw EventLoopError.invalidArgument("fileDescriptor: A Stream Socket was expected, got no socket")
        }
        let type = try socket.type()
        guard type == SystemConstant.stream else {
            throw EventLoopError.invalidArgument("fileDescriptor: A Stream Socket was expected, got type \(type)")
        }
        if let family, try socket.localName().family != family.rawValue {
            throw EventLoopError.invalidArgument("fileDescriptor: A \(family) Stream Socket was expected")
        }
        try checkNotOwned(socket.descriptor)
    }

    // MARK: - Transports of sockets

    /// A transport of a connected handle, which is closed if this fails.
    private func makeTransport(_ handle: UVTCP, remote: SocketAddress) throws -> SocketTransport {
        let socket = SystemSocket(handle.descriptor)
        do {
            try? socket.setOption(.noDelay, 1)
            let local = SocketAddress(try socket.localName())
            return SocketTransport(
                handle, loop: self, connection: network.placeholder, local: local, remote: remote)
        } catch {
            handle.close()
            throw error
        }
    }

    /// A transport of a connected socket, which stays the caller's if this fails.
    func makeTransport(
        adopting socket: SystemSocket, remote: SocketAddress?, local: SocketAddress? = nil
    ) throws -> SocketTransport {
        let localAddress: SocketAddress?
        if let local { localAddress = local } else { localAddress = SocketAddress(try socket.localName()) }
        let stream: UVStream
        let status: Int32
        if case .unix = localAddress {
            let pipe = try UVPipe(on: uv)
            status = pipe.open(socket.descriptor)
            stream = pipe
        } else {
            let tcp = try UVTCP(on: uv)
            try? socket.setOption(.noDelay, 1)
            status = tcp.open(socket.descriptor)
            stream = tcp
        }
        if status < 0 {
            stream.close()
            throw IOError(uvStatus: status, operation: "open", subject: "descriptor \(socket.descriptor)")
        }
        let peer = remote ?? socket.peerName().flatMap { SocketAddress($0) }
        return SocketTransport(
            stream, loop: self, connection: network.placeholder, local: localAddress, remote: peer)
    }

    /// Makes the protocol, secures the connection if asked for, and returns once `connectionMade` has been called.
    private func finish<P: ConnectionProtocol>(
        _ transport: SocketTransport, tls: (any TransportSecurity)?, serverSide: Bool, serverHostname: String?,
        isAdopted: Bool = false, _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        let connection = try transport.discardingOnFailure(factory)
        // Nothing is read before the handshake begins.
        if tls == nil { transport.transportProtocol = connection } else { transport.pauseReading() }
        transport.begin()
        try await waitForBeginning { transport.abort() }
        guard let tls else {
            // A socket that was handed over is not closed by a cancellation: the next wait delivers that.
            if !isAdopted && takeCancellation() {
                transport.abort()
                throw CancellationError()
            }
            return (transport, connection)
        }
        let secured = try await secure(
            transport, for: connection, with: tls, serverSide: serverSide, serverHostname: serverHostname)
        transport.tell("connectionMade") { try connection.connectionMade(secured) }
        secured.resumeReading()
        return (secured, connection)
    }
}
