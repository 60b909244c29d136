// Making datagram sockets.

extension EventLoop {
    /// Creates a socket for datagrams, UDP or Unix, by its addresses.
    ///
    /// A Unix socket that is left at the local path from before is replaced; the file is removed when the transport is
    /// closed.
    ///
    /// **Cancellation:** closes the socket.
    ///
    /// - Parameters:
    ///   - localAddress: where to receive; nil leaves it to the system.
    ///   - remoteAddress: connects the socket: it sends there by default, and receives from there only.
    ///   - family: which family, if no address says it.
    ///   - reusePort: let other sockets have the same address.
    ///   - allowBroadcast: let datagrams go to all hosts of a network.
    ///   - factory: makes the protocol, whose `connectionMade` is called before this returns.
    /// - Throws: ``EventLoopError`` `.invalidArgument` without any address and family, or with addresses of two families;
    ///   ``IOError``.
    ///
    /// asyncio: loop.create_datagram_endpoint · libuv: uv_udp_open
    public func createDatagramEndpoint<P: DatagramProtocol>(
        localAddress: SocketAddress? = nil, remoteAddress: SocketAddress? = nil,
        family: AddressFamily = .unspecified, reusePort: Bool = false, allowBroadcast: Bool = false,
        _ factory: () throws -> P
    ) async throws -> (transport: DatagramTransport, protocol: P) {
        try checkOpen("createDatagramEndpoint")
        let family = try commonFamily(localAddress, remoteAddress, family)
        let socket: SystemSocket
        var cleanUp: () -> Void = {}
        if family == .unix, let path = localAddress?.path {
            socket = try bindUnixSocket(at: path, type: SystemConstant.datagram)
            cleanUp = removal(ofSocketAt: path)
        } else {
            socket = try SystemSocket(family: family.rawValue, type: SystemConstant.datagram)
        }
        let transport: DatagramTransport
        let connection: P
        do {
            if reusePort && family != .unix { try socket.setOption(.reusePort, 1) }
            if allowBroadcast { try socket.setOption(.broadcast, 1) }
            if let localAddress, family != .unix {
                try socket.bind(
                    to: localAddress.socketName(argument: "localAddress"), subject: localAddress.description)
            }
            if let remoteAddress {
                let name = try remoteAddress.socketName(argument: "remoteAddress")
                try uvCheck(socket.connect(to: name), "connect", subject: remoteAddress.description)
            }
            connection = try factory()
            transport = try makeTransport(adopting: socket, connection: connection, cleanUp: cleanUp)
        } catch {
            socket.close()
            cleanUp()
            throw error
        }
        try await finish(transport, isAdopted: false)
        return (transport, connection)
    }

    /// Makes a transport of a datagram socket that exists already. The transport owns it when this returns; when this throws
    /// it is still the caller's.
    ///
    /// **Cancellation:** leaves the descriptor alone.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` unless it is a datagram socket.
    ///
    /// asyncio: loop.create_datagram_endpoint(sock=) · libuv: uv_udp_open
    public func createDatagramEndpoint<P: DatagramProtocol>(
        fileDescriptor: Int32, _ factory: () throws -> P
    ) async throws -> (transport: DatagramTransport, protocol: P) {
        try checkOpen("createDatagramEndpoint")
        try checkDescriptor(fileDescriptor)
        let socket = SystemSocket(fileDescriptor)
        guard try FileIdentity(descriptor: fileDescriptor).isSocket else {
            throw EventLoopError.invalidArgument("fileDescriptor: A datagram socket was expected, got no socket")
        }
        let type = try socket.type()
        guard type == SystemConstant.datagram else {
            throw EventLoopError.invalidArgument("fileDescriptor: A datagram socket was expected, got type \(type)")
        }
        try checkNotOwned(fileDescriptor)
        try await waitToAdopt(fileDescriptor)
        let connection = try factory()
        let transport = try makeTransport(adopting: socket, connection: connection, cleanUp: {})
        try await finish(transport, isAdopted: true)
        return (transport, connection)
    }

    private func commonFamily(
        _ local: SocketAddress?, _ remote: SocketAddress?, _ family: AddressFamily
    ) throws -> AddressFamily {
        let families = Set([local?.family, remote?.family].compactMap { $0 })
        guard families.count <= 1, families.allSatisfy({ family == .unspecified || $0 == family }) else {
            throw EventLoopError.invalidArgument(
                "localAddress, remoteAddress: can not get address information for one family")
        }
        guard let common = families.first ?? (family == .unspecified ? nil : family) else {
            throw EventLoopError.invalidArgument("family: unexpected address family")
        }
        return common
    }

    /// A transport of a socket, which stays the caller's if this fails.
    private func makeTransport(
        adopting socket: SystemSocket, connection: any DatagramProtocol, cleanUp: @escaping () -> Void
    ) throws -> DatagramTransport {
        let local = SocketAddress(try socket.localName())
        let peer = socket.peerName().flatMap { SocketAddress($0) }
        let handle = try UVDatagram(on: uv)
        // libuv lets others bind the same address; nobody asked for that.
        let reuses = try socket.option(.reuseAddress)
        let status = handle.open(socket.descriptor)
        if status >= 0 { try? socket.setOption(.reuseAddress, reuses) }
        if status < 0 {
            handle.close()
            throw IOError(uvStatus: status, operation: "uv_udp_open", subject: "descriptor \(socket.descriptor)")
        }
        return DatagramTransport(
            handle, loop: self, connection: connection, local: local, peer: peer, cleanUp: cleanUp)
    }

    private func finish(_ transport: DatagramTransport, isAdopted: Bool) async throws {
        transport.begin()
        try await waitForBeginning { transport.abort() }
        if !isAdopted && takeCancellation() {
            transport.abort()
            throw CancellationError()
        }
    }
}
