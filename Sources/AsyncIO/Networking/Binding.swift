// Sockets that are bound to an address or a path.

/// The options of a listening socket.
struct ListeningOptions {
    var reuseAddress: Bool
    var reusePort: Bool
    var keepAlive: Bool?
}

extension EventLoop {
    /// Binds a socket to each address. Addresses that the machine does not have are left out, unless none is left; after any
    /// other error all sockets are closed.
    func bind(
        _ addresses: [SocketAddress], options: ListeningOptions
    ) throws -> [(SystemSocket, SocketAddress)] {
        var sockets: [(SystemSocket, SocketAddress)] = []
        var missing: [SocketAddress] = []
        do {
            for address in addresses {
                do {
                    sockets.append(try bind(address, options: options))
                } catch let error as IOError
                    where error.code == .addressNotAvailable || error.code == .addressFamilyNotSupported
                {
                    missing.append(address)
                }
            }
            if sockets.isEmpty {
                let list = missing.map(\.description).joined(separator: ", ")
                throw IOError(
                    code: .addressNotAvailable, operation: "bind",
                    reason: "could not bind on any address out of [\(list)]", subject: nil)
            }
            return sockets
        } catch {
            for (socket, _) in sockets { socket.close() }
            throw error
        }
    }

    private func bind(_ address: SocketAddress, options: ListeningOptions) throws -> (SystemSocket, SocketAddress) {
        let name = try address.socketName(argument: "port")
        let socket = try SystemSocket(family: name.family, type: SystemConstant.stream)
        do {
            if options.reuseAddress { try socket.setOption(.reuseAddress, 1) }
            if options.reusePort { try socket.setOption(.reusePort, 1) }
            if let keepAlive = options.keepAlive { try socket.setOption(.keepAlive, keepAlive ? 1 : 0) }
            // So that the same port can be bound on IPv4 too.
            if address.family == .ipv6 { try socket.setOption(.ipv6Only, 1) }
            try socket.bind(to: name, subject: address.description)
            return (socket, SocketAddress(try socket.localName()) ?? address)
        } catch {
            socket.close()
            throw error
        }
    }

    /// Binds a socket to a path, in place of a socket that is left there.
    func bindUnixSocket(at path: String, type: Int32) throws -> SystemSocket {
        guard !path.isEmpty else { throw EventLoopError.invalidArgument("path must not be empty") }
        let address = SocketAddress.unix(path)
        let name = try address.socketName(argument: "path")
        if path.utf8.first != 0, let file = try? FileIdentity(path: path), file.isSocket {
            try? System.unlink(path)
        }
        let socket = try SystemSocket(family: SystemConstant.unix, type: type)
        do {
            try socket.bind(to: name, subject: address.description)
            return socket
        } catch {
            socket.close()
            throw error
        }
    }

    /// Removes a socket file, provided that it is the one that is there now.
    func removal(ofSocketAt path: String) -> () -> Void {
        guard path.utf8.first != 0, let own = try? FileIdentity(path: path) else { return {} }
        return {
            guard let found = try? FileIdentity(path: path), found == own else { return }
            try? System.unlink(path)
        }
    }
}
