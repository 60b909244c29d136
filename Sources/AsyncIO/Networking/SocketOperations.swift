// asyncio's operations on sockets that belong to the program: each is tried at once, and waits only if it has to.

extension EventLoop {
    /// Receives up to `count` bytes; none at the end of the stream.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// - Throws: ``IOError``; ``EventLoopError`` `.invalidArgument` for a negative count or, in debug mode, a socket that
    ///   blocks.
    ///
    /// asyncio: loop.sock_recv · libuv: uv_poll_start
    public func sockRecv(_ fileDescriptor: Int32, _ count: Int) async throws -> [UInt8] {
        guard count >= 0 else { throw EventLoopError.invalidArgument("count must not be negative, but is \(count)") }
        let socket = try checkSocket(fileDescriptor, call: "sockRecv")
        while true {
            let (status, bytes) = socket.receive(count)
            if try isDone(status, "recv") { return bytes }
            try await waitUntilReady(fileDescriptor, .reading)
        }
    }

    /// Receives into memory of the caller's, which has to stay valid until this returns.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// - Returns: how many bytes; 0 at the end of the stream.
    ///
    /// asyncio: loop.sock_recv_into · libuv: uv_poll_start
    public func sockRecv(_ fileDescriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        let socket = try checkSocket(fileDescriptor, call: "sockRecv")
        while true {
            let status = socket.receive(into: buffer)
            if try isDone(status, "recv") { return status }
            try await waitUntilReady(fileDescriptor, .reading)
        }
    }

    /// Receives a datagram of up to `count` bytes; what is longer is cut off.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// asyncio: loop.sock_recvfrom · libuv: uv_poll_start
    public func sockRecvFrom(
        _ fileDescriptor: Int32, _ count: Int
    ) async throws -> (data: [UInt8], address: SocketAddress) {
        guard count >= 0 else { throw EventLoopError.invalidArgument("count must not be negative, but is \(count)") }
        let socket = try checkSocket(fileDescriptor, call: "sockRecvFrom")
        while true {
            let (status, bytes, name) = socket.receiveFrom(count)
            if try isDone(status, "recvfrom") { return (bytes, SocketAddress(name) ?? .unix("")) }
            try await waitUntilReady(fileDescriptor, .reading)
        }
    }

    /// Receives a datagram into memory of the caller's, which has to stay valid until this returns.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// asyncio: loop.sock_recvfrom_into · libuv: uv_poll_start
    public func sockRecvFrom(
        _ fileDescriptor: Int32, into buffer: UnsafeMutableRawBufferPointer
    ) async throws -> (count: Int, address: SocketAddress) {
        let socket = try checkSocket(fileDescriptor, call: "sockRecvFrom")
        while true {
            var name = SocketName()
            let status = socket.receive(into: buffer, from: &name)
            if try isDone(status, "recvfrom") { return (status, SocketAddress(name) ?? .unix("")) }
            try await waitUntilReady(fileDescriptor, .reading)
        }
    }

    /// Sends all bytes.
    ///
    /// **Cancellation:** ends the wait; how much has gone out is not known then, as after an error.
    ///
    /// asyncio: loop.sock_sendall · libuv: uv_poll_start
    public func sockSendAll(_ fileDescriptor: Int32, _ data: some Collection<UInt8>) async throws {
        let socket = try checkSocket(fileDescriptor, call: "sockSendAll")
        let bytes = Array(data)
        var sent = 0
        while sent < bytes.count {
            let status = bytes.withUnsafeBytes { socket.send(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            if try isDone(status, "send") {
                sent += status
            } else {
                try await waitUntilReady(fileDescriptor, .writing)
            }
        }
    }

    /// Sends a datagram.
    ///
    /// **Cancellation:** ends the wait; nothing has been sent then.
    ///
    /// - Returns: how many bytes were sent.
    ///
    /// asyncio: loop.sock_sendto · libuv: uv_poll_start
    @discardableResult
    public func sockSendTo(
        _ fileDescriptor: Int32, _ data: some Collection<UInt8>, to address: SocketAddress
    ) async throws -> Int {
        let socket = try checkSocket(fileDescriptor, call: "sockSendTo")
        let name = try address.socketName(argument: "address")
        let bytes = Array(data)
        while true {
            let status = bytes.withUnsafeBytes { socket.send($0, to: name) }
            if try isDone(status, "sendto", subject: address) { return status }
            try await waitUntilReady(fileDescriptor, .writing)
        }
    }

    /// Connects a socket.
    ///
    /// **Cancellation:** ends the wait and the watch, so the descriptor can be closed at once.
    ///
    /// - Throws: ``IOError``, for example `.connectionRefused`.
    ///
    /// asyncio: loop.sock_connect · libuv: uv_poll_start
    public func sockConnect(_ fileDescriptor: Int32, _ address: SocketAddress) async throws {
        let socket = try checkSocket(fileDescriptor, call: "sockConnect")
        try await connect(socket, to: address.socketName(argument: "address"), subject: address.description)
    }

    /// Connects a socket to a host, whose name is looked up for the socket's family and type.
    ///
    /// **Cancellation:** as for an address.
    ///
    /// asyncio: loop.sock_connect · libuv: uv_getaddrinfo, uv_poll_start
    public func sockConnect(_ fileDescriptor: Int32, host: String, port: Int) async throws {
        let socket = try checkSocket(fileDescriptor, call: "sockConnect")
        let family = AddressFamily(rawValue: try socket.localName().family)
        let type = SocketType(rawValue: try socket.type())
        guard let info = try await getAddrInfo(host: host, port: port, family: family, type: type).first else {
            throw ConnectFailure(errors: []).summary(all: false)
        }
        try await sockConnect(fileDescriptor, info.address)
    }

    /// Takes a connection from a listening socket. It does not block, and children do not inherit it.
    ///
    /// **Cancellation:** ends the wait; no connection is lost.
    ///
    /// - Returns: the descriptor of the connection, which is the caller's to close, and where it comes from.
    ///
    /// asyncio: loop.sock_accept · libuv: uv_poll_start
    public func sockAccept(_ fileDescriptor: Int32) async throws -> (fileDescriptor: Int32, address: SocketAddress) {
        let socket = try checkSocket(fileDescriptor, call: "sockAccept")
        while true {
            let (status, peer) = socket.accept()
            if status == IOError.Code.connectionAborted.rawValue { continue }
            if try isDone(Int(status), "accept") { return (status, SocketAddress(peer) ?? .unix("")) }
            try await waitUntilReady(fileDescriptor, .reading)
        }
    }

    // MARK: - What they share

    func checkSocket(_ descriptor: Int32, call: StaticString) throws -> SystemSocket {
        try checkOpen(call)
        try checkDescriptor(descriptor)
        let socket = SystemSocket(descriptor)
        if debug, try !socket.isNonBlocking() {
            throw EventLoopError.invalidArgument("fileDescriptor: the socket must be non-blocking")
        }
        try socket.setNonBlocking()
        return socket
    }

    /// True for a count, false if it has to be tried again when the socket is ready.
    private func isDone(_ status: Int, _ operation: StaticString, subject: SocketAddress? = nil) throws -> Bool {
        if status >= 0 { return true }
        if status == IOError.Code.wouldBlock.rawValue { return false }
        throw IOError(uvStatus: Int32(status), operation: operation, subject: subject.map(\.description))
    }

    /// Connects; waits if the system does.
    func connect(_ socket: SystemSocket, to name: SocketName, subject: String) async throws {
        var pause = Duration.milliseconds(1)
        while true {
            var status = socket.connect(to: name)
            if status == IOError.Code.inProgress.rawValue || status == IOError.Code.interrupted.rawValue
                || status == IOError.Code.alreadyInProgress.rawValue
            {
                try await waitUntilReady(socket.descriptor, .writing)
                status = socket.pendingError
            }
            if status == IOError.Code.wouldBlock.rawValue && name.unixPath != nil {
                // The server's queue is full, and Linux tells nobody when it no longer is.
                try await sleep(for: pause)
                pause = min(pause * 2, .milliseconds(100))
                continue
            }
            if status < 0 { throw IOError(uvStatus: status, operation: "connect", subject: subject) }
            return
        }
    }
}
