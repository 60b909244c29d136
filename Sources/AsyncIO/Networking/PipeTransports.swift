// Transports of pipes and other descriptors that are read or written, but not both.

extension EventLoop {
    /// Reads from a pipe, a socket or a terminal through a protocol. The transport owns the descriptor when this returns; when
    /// this throws it is still the caller's.
    ///
    /// **Cancellation:** leaves the descriptor alone.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` for other kinds of descriptors.
    ///
    /// asyncio: loop.connect_read_pipe · libuv: uv_pipe_open
    public func connectReadPipe<P: ConnectionProtocol>(
        fileDescriptor: Int32, _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try await connectPipe(fileDescriptor, reading: .active, sending: .never, factory)
    }

    /// Writes to a pipe, a socket or a terminal through a protocol. `connectionLost` is called when the reader goes away. The
    /// transport owns the descriptor when this returns; when this throws it is still the caller's.
    ///
    /// **Cancellation:** leaves the descriptor alone.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` for other kinds of descriptors.
    ///
    /// asyncio: loop.connect_write_pipe · libuv: uv_pipe_open
    public func connectWritePipe<P: ConnectionProtocol>(
        fileDescriptor: Int32, _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try await connectPipe(fileDescriptor, reading: .ended, sending: .open, factory)
    }

    private func connectPipe<P: ConnectionProtocol>(
        _ descriptor: Int32, reading: SocketTransport.Reading, sending: SocketTransport.Sending,
        _ factory: () throws -> P
    ) async throws -> (transport: Transport, protocol: P) {
        try checkOpen("connectPipe")
        try checkDescriptor(descriptor)
        let identity = try FileIdentity(descriptor: descriptor)
        guard identity.isPipe || identity.isSocket || identity.isCharacterDevice else {
            throw EventLoopError.invalidArgument(
                "fileDescriptor: Pipe transport is only for pipes, sockets and character devices")
        }
        try checkNotOwned(descriptor)
        try await waitToAdopt(descriptor)
        if identity.isCharacterDevice { try checkWatchable(descriptor) }
        let connection = try factory()
        let transport = try pipeTransport(
            descriptor, connection: connection, reading: reading, sending: sending,
            watchesReader: !identity.isCharacterDevice)
        transport.begin()
        try await waitForBeginning { transport.abort() }
        return (transport, connection)
    }
}

extension EventLoop {
    /// A transport that has not begun, for an end of a pipe. On failure the descriptor stays the caller's.
    ///
    /// - Parameter watchesReader: whether a writer is told when nobody reads any more.
    func pipeTransport(
        _ descriptor: Int32, connection: any ConnectionProtocol, reading: SocketTransport.Reading,
        sending: SocketTransport.Sending, watchesReader: Bool = true
    ) throws -> SocketTransport {
        let hangUp = sending == .open && watchesReader ? try PipeHangUp(descriptor, loop: self) : nil
        let pipe: UVPipe
        do {
            pipe = try UVPipe(on: uv)
            let status = pipe.open(descriptor)
            if status < 0 {
                pipe.close()
                throw IOError(uvStatus: status, operation: "uv_pipe_open", subject: "descriptor \(descriptor)")
            }
        } catch {
            hangUp?.close()
            throw error
        }
        let transport = SocketTransport(
            pipe, loop: self, connection: connection, local: nil, remote: nil, reading: reading, sending: sending)
        if let hangUp {
            transport.owner = hangUp
            hangUp.watch(transport)
        }
        return transport
    }

    /// Throws for a device that the system does not tell the readiness of, for which libuv would end the process.
    fileprivate func checkWatchable(_ descriptor: Int32) throws {
        try UVPoll(on: uv, descriptor: descriptor) { _, _ in }.close()
    }
}

/// Notices that the reader of a pipe has gone, which a writer is told only when it writes.
private final class PipeHangUp: TransportOwner {
    private let duplicate: SystemSocket
    private var poll: UVPoll?
    private unowned let loop: EventLoop
    private var isClosed = false

    /// libuv allows one handle for a descriptor, so this watches another one of the same pipe.
    init(_ descriptor: Int32, loop: EventLoop) throws {
        self.loop = loop
        duplicate = try SystemSocket(descriptor).duplicate()
    }

    func watch(_ transport: SocketTransport) {
        // Kept by the watch, which goes with the transport.
        let poll = try? UVPoll(on: loop.uv, descriptor: duplicate.descriptor) { [self] _, _ in
            transport.readerDidLeave()
            close()
        }
        self.poll = poll
        do { try poll?.watch([.readable, .disconnected]) } catch { close() }
    }

    func transportDidClose(_ transport: SocketTransport) { close() }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        poll?.close()
        poll = nil
        duplicate.close()
    }

    deinit { if !isClosed { duplicate.close() } }
}

extension SocketTransport {
    /// The other end of a pipe that is only written has gone.
    fileprivate func readerDidLeave() {
        lose(hasUnwritten ? IOError(code: .brokenPipe, operation: "write", reason: "EPIPE: broken pipe") : nil)
    }
}
