// A server: listening sockets, and the connections that were made through them.

/// What listens for connections. It lives while it listens or has connections, whether or not anybody holds it.
///
/// asyncio: Server · libuv: uv_poll_t on the listening sockets
public final class Server {
    /// The loop that the server belongs to.
    ///
    /// asyncio: Server.get_loop
    public let loop: EventLoop

    private enum State {
        case bound
        case serving
        case closed
    }

    private var state = State.bound
    private var listeners: [Listener] = []
    private var clients = PointerTable<SocketTransport>()
    private var closeWaiters = Waiters()
    /// What ``serveForever()`` waits for.
    private var forever: Future<Void>?
    private let cleanUp: () -> Void
    /// When the want of descriptors was reported last.
    private var lastReport: EventLoop.Instant?

    /// How often accepting had to pause because the process had no descriptors, or the system no memory, left. Connections
    /// that come meanwhile wait in the system's queue; none that was accepted is shed.
    public private(set) var acceptPauses = 0

    /// How many connections were made through the server and are open.
    public var clientCount: Int { clients.count }

    /// A server with sockets that are bound; `accepted` makes a transport of each connection.
    init(
        _ sockets: [(SystemSocket, SocketAddress)], loop: EventLoop, backlog: Int,
        cleanUp: @escaping () -> Void = {},
        accepted: @escaping (SystemSocket, SocketAddress?, Server) -> Void
    ) {
        self.loop = loop
        self.cleanUp = cleanUp
        listeners = sockets.map { socket, address in
            Listener(
                socket, address: address, loop: loop, backlog: backlog,
                accepted: { [unowned self] in accepted($0, $1, self) },
                exhausted: { [unowned self] in didRunOut($0) })
        }
        // Held until it is closed and its last connection is gone, or its loop is closed.
        loop.network.servers.insert(self, for: address(of: self))
    }

    /// The addresses that the server listens on; none after ``close()``.
    ///
    /// asyncio: Server.sockets
    public var addresses: [SocketAddress] { listeners.map(\.address) }

    /// The descriptors of the listening sockets, for options; the server owns them.
    ///
    /// asyncio: Server.sockets
    public var fileDescriptors: [Int32] { listeners.map(\.descriptor) }

    /// Whether it accepts connections.
    ///
    /// asyncio: Server.is_serving
    public var isServing: Bool { state == .serving }

    /// Begins to accept connections. Doing it twice does nothing the second time.
    ///
    /// **Cancellation:** the server has begun all the same.
    ///
    /// - Throws: ``EventLoopError`` `.serverClosed`; ``IOError`` if the system refuses, for example `.addressInUse`.
    ///
    /// asyncio: Server.start_serving · libuv: uv_poll_start
    public func startServing() async throws {
        try start()
        try await loop.yieldOneRound()
    }

    func start() throws {
        loop.canTouch("Server.startServing")
        switch state {
        case .closed: throw EventLoopError(.serverClosed, "server is closed")
        case .serving: return
        case .bound:
            do {
                for listener in listeners { try listener.start() }
            } catch {
                for listener in listeners { listener.stop() }
                throw error
            }
            state = .serving
        }
    }

    /// Accepts connections until the task is cancelled or the server closed; then it closes the server, waits until its
    /// connections are gone, and throws `CancellationError`.
    ///
    /// **Cancellation:** as said; a second one ends the wait for the connections.
    ///
    /// - Throws: `CancellationError`; ``EventLoopError`` `.alreadyServing` if another task does this, `.serverClosed`.
    ///
    /// asyncio: Server.serve_forever
    public func serveForever() async throws {
        loop.canTouch("Server.serveForever")
        if forever != nil {
            throw EventLoopError(.alreadyServing, "server is already being awaited on serve_forever()")
        }
        try start()
        let forever = loop.createFuture(of: Void.self)
        self.forever = forever
        do {
            try await forever.value
        } catch {
            self.forever = nil
            close()
            try await waitClosed()
            throw error
        }
    }

    /// Stops listening. Connections that are open stay open. Doing it twice does nothing the second time.
    ///
    /// asyncio: Server.close · libuv: uv_close
    public func close() { close(keepingDescriptors: false) }

    /// - Parameter keepingDescriptors: whether the sockets are still the caller's.
    func close(keepingDescriptors: Bool) {
        loop.canTouch("Server.close")
        guard state != .closed else { return }
        state = .closed
        for listener in listeners { listener.close(keepingDescriptor: keepingDescriptors) }
        listeners = []
        if !keepingDescriptors { cleanUp() }
        forever?.cancel()
        forever = nil
        finishIfOver()
    }

    /// Waits until the server has been closed and the last of its connections is gone.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// asyncio: Server.wait_closed
    public func waitClosed() async throws {
        loop.canTouch("Server.waitClosed")
        if state == .closed && clients.count == 0 { return }
        try await loop.wait(in: \.closeWaiters, of: self)
    }

    /// Closes every connection once what waits has been written. Listening goes on.
    ///
    /// asyncio: Server.close_clients
    public func closeClients() {
        loop.canTouch("Server.closeClients")
        for client in clients.values { client.close() }
    }

    /// Closes every connection without writing what waits. Listening goes on.
    ///
    /// asyncio: Server.abort_clients
    public func abortClients() {
        loop.canTouch("Server.abortClients")
        for client in clients.values { client.abort() }
    }

    /// Runs `body`, then closes the server and waits until its connections are gone.
    ///
    /// **Cancellation:** that of the body; a second one ends the wait for the connections.
    ///
    /// asyncio: async with server
    public func withClosing<Value>(_ body: () async throws -> Value) async throws -> Value {
        let value: Value
        do {
            value = try await body()
        } catch {
            close()
            try await waitClosed()
            throw error
        }
        close()
        try await waitClosed()
        return value
    }

    // MARK: - Connections

    func add(_ client: SocketTransport) {
        client.owner = self
        clients.insert(client, for: address(of: client))
    }

    private func finishIfOver() {
        guard state == .closed, clients.count == 0 else { return }
        closeWaiters.wakeAll()
        loop.network.servers.remove(address(of: self))
    }

    private func didRunOut(_ error: IOError) {
        acceptPauses += 1
        // Connections that come and go make pauses that are many and short.
        let now = loop.time()
        if let lastReport, now < lastReport.advanced(by: Listener.pauseAfterExhaustion) { return }
        lastReport = now
        loop.callExceptionHandler(
            ExceptionContext(
                message: """
                    socket.accept() out of system resource: \(clients.count) connections are open, accepting pauses for \
                    \(Listener.pauseAfterExhaustion) or until one of them closes (pause \(acceptPauses), 0 connections shed)
                    """, exception: error, subject: self))
    }

    /// The loop is closed under the server.
    func loopDidClose() {
        guard state != .closed else { return }
        state = .closed
        for listener in listeners { listener.close() }
        listeners = []
        cleanUp()
    }
}

extension Server: TransportOwner {
    func transportDidClose(_ transport: SocketTransport) {
        clients.remove(address(of: transport))
        // Its descriptor is free now.
        for listener in listeners where listener.isPaused { listener.resume() }
        finishIfOver()
    }
}

extension ExceptionContext {
    /// The server that the report is about.
    public var server: Server? { subject as? Server }
}
