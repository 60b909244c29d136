// A socket for datagrams as a protocol sees it.

/// A UDP or Unix datagram socket: sends datagrams, and gives those that come to its protocol.
///
/// An open transport keeps itself and its protocol alive until `connectionLost` has been called. Nothing here
/// waits. What goes wrong with a datagram ends in ``DatagramProtocol/errorReceived(_:)``, and the socket stays open.
///
/// asyncio: DatagramTransport · libuv: uv_udp_t
public final class DatagramTransport {
    private enum Phase {
        case created
        case open
        /// Closed by the program; what waits is still sent.
        case closing
        case losing
        case closed
    }

    /// asyncio counts so much for each datagram that waits, besides its bytes.
    private static let overhead = 8

    /// The loop that the transport belongs to.
    public let loop: EventLoop
    private let socket: UVDatagram
    private let peer: SocketAddress?
    private let local: SocketAddress?
    private var phase = Phase.created
    private var isPaused = false
    private var flow = FlowControl()
    private var datagramProtocol: any DatagramProtocol
    /// The protocol after the end, when the two no longer keep each other alive.
    private weak var formerProtocol: (any DatagramProtocol)?
    private var ownedDescriptor: Int32
    private let cleanUp: () -> Void

    init(
        _ socket: UVDatagram, loop: EventLoop, connection: any DatagramProtocol, local: SocketAddress?,
        peer: SocketAddress?, cleanUp: @escaping () -> Void
    ) {
        self.socket = socket
        self.loop = loop
        self.peer = peer
        self.local = local
        self.cleanUp = cleanUp
        datagramProtocol = connection
        ownedDescriptor = socket.descriptor
        loop.network.own(ownedDescriptor)
        socket.delegate = self
        if case .unix = local { socket.isLong = true }
    }

    /// Tells the protocol in the next round that the socket is ready, and starts to receive.
    func begin() {
        loop.ready.pointee.ring.push(
            .callback { [self] in
                if phase == .created { phase = .open }
                tell("connectionMade") { try datagramProtocol.connectionMade(self) }
                if phase == .open && !isPaused { startReceiving() }
            })
    }

    // MARK: - Sending

    /// Sends a datagram: at once if the system takes it, else a copy later. An empty one is sent as well. After ``close()``
    /// nothing is sent.
    ///
    /// - Parameter address: where to; nil for a socket that is connected. If that is given another address, or one that
    ///   is not connected none, the protocol's `errorReceived` is called.
    ///
    /// asyncio: DatagramTransport.sendto · libuv: uv_udp_try_send, uv_udp_send
    public func send(_ data: RawSpan, to address: SocketAddress? = nil) {
        data.withUnsafeBytes { send($0, address) }
    }

    /// Sends a datagram.
    public func send(_ data: [UInt8], to address: SocketAddress? = nil) {
        data.withUnsafeBytes { send($0, address) }
    }

    /// Sends a datagram.
    public func send(_ data: some Collection<UInt8>, to address: SocketAddress? = nil) {
        send(Array(data), to: address)
    }

    /// Sends a text in UTF-8.
    public func send(_ text: String, to address: SocketAddress? = nil) { send(Array(text.utf8), to: address) }

    private func send(_ bytes: UnsafeRawBufferPointer, _ address: SocketAddress?) {
        loop.canTouch("DatagramTransport.send")
        guard phase == .open || phase == .created else { return }
        do {
            let name = try destination(address)
            if let name, name.isAbstract { return try sendNow(bytes, to: name, address) }
            if socket.sendQueueCount == 0 {
                let status = socket.trySend(bytes, to: name)
                if status >= 0 { return }
                if status != IOError.Code.wouldBlock.rawValue {
                    throw IOError(
                        uvStatus: Int32(status), operation: "sendto", subject: (address ?? peer).map(\.description))
                }
            }
            try uvCheck(socket.send(bytes, to: name), "sendto", subject: (address ?? peer).map(\.description))
            pauseProtocolIfFull()
        } catch {
            tellError(error)
        }
    }

    /// libuv does not know how long abstract names are. What the system does not take at once is an error.
    private func sendNow(_ bytes: UnsafeRawBufferPointer, to name: SocketName, _ address: SocketAddress?) throws {
        let status = SystemSocket(socket.descriptor).send(bytes, to: name)
        if status < 0 {
            throw IOError(uvStatus: Int32(status), operation: "sendto", subject: address.map(\.description))
        }
    }

    private func destination(_ address: SocketAddress?) throws -> SocketName? {
        if let peer {
            guard let address, address != peer else { return nil }
            throw EventLoopError.invalidArgument("address: Invalid address: must be nil or \(peer)")
        }
        guard let address else {
            throw IOError(
                code: .destinationRequired, operation: "sendto",
                reason: "address: the socket is not connected, so an address is needed", subject: nil)
        }
        return try address.socketName(argument: "address")
    }

    /// How many bytes wait to be sent, with 8 more for each datagram.
    ///
    /// asyncio: DatagramTransport.get_write_buffer_size · libuv: uv_udp_get_send_queue_size
    public var writeBufferSize: Int {
        socket.isOpen ? socket.sendQueueSize + Self.overhead * socket.sendQueueCount : 0
    }

    /// Sets when the protocol has to stop sending; as ``Transport/setWriteBufferLimits(high:low:)``.
    ///
    /// asyncio: WriteTransport.set_write_buffer_limits
    public func setWriteBufferLimits(high: Int? = nil, low: Int? = nil) throws {
        loop.canTouch("DatagramTransport.setWriteBufferLimits")
        try flow.setLimits(high: high, low: low)
        if !isClosing { pauseProtocolIfFull() }
    }

    private func pauseProtocolIfFull() {
        if flow.shouldPause(at: writeBufferSize) { tell("pauseWriting") { try datagramProtocol.pauseWriting() } }
    }

    /// The water marks in bytes.
    ///
    /// asyncio: WriteTransport.get_write_buffer_limits
    public var writeBufferLimits: (low: Int, high: Int) { (flow.low, flow.high) }

    // MARK: - Receiving

    /// Stops receiving until ``resumeReading()``; datagrams wait in the system, which drops what it has no room for.
    /// asyncio has this for streams only.
    ///
    /// libuv: uv_udp_recv_stop
    public func pauseReading() {
        loop.canTouch("DatagramTransport.pauseReading")
        guard !isPaused, !isClosing else { return }
        isPaused = true
        socket.stopReceiving()
    }

    /// Goes on receiving.
    ///
    /// libuv: uv_udp_recv_start
    public func resumeReading() {
        loop.canTouch("DatagramTransport.resumeReading")
        guard isPaused, !isClosing else { return }
        isPaused = false
        if phase == .open { startReceiving() }
    }

    /// Whether datagrams are received.
    public var isReading: Bool { !isPaused && !isClosing }

    private func startReceiving() {
        let status = socket.startReceiving()
        if status < 0 { lose(IOError(uvStatus: status, operation: "uv_udp_recv_start")) }
    }

    // MARK: - The end

    /// Closes the socket when everything has been sent; receives nothing more. `connectionLost(nil)` follows in a later
    /// round. Doing it twice does nothing the second time.
    ///
    /// asyncio: BaseTransport.close · libuv: uv_close
    public func close() {
        loop.canTouch("DatagramTransport.close")
        guard phase == .open || phase == .created else { return }
        socket.stopReceiving()
        if socket.sendQueueCount > 0 { phase = .closing } else { lose(nil) }
    }

    /// Closes the socket without sending what waits. `connectionLost(nil)` follows in a later round.
    ///
    /// asyncio: DatagramTransport.abort · libuv: uv_close
    public func abort() {
        loop.canTouch("DatagramTransport.abort")
        lose(nil)
    }

    /// Whether the transport is closing or closed.
    ///
    /// asyncio: BaseTransport.is_closing
    public var isClosing: Bool { phase != .open && phase != .created }

    private func lose(_ error: (any Error)?) {
        guard phase != .losing && phase != .closed else { return }
        phase = .losing
        socket.stopReceiving()
        loop.ready.pointee.ring.push(
            .callback { [self] in
                guard phase == .losing else { return }
                tell("connectionLost") { try datagramProtocol.connectionLost(error) }
                finish()
            })
    }

    private func finish() {
        phase = .closed
        loop.network.disown(ownedDescriptor)
        ownedDescriptor = -1
        socket.close()
        letGo()
    }

    /// Protocols hold their transport, as a rule.
    private func letGo() {
        formerProtocol = datagramProtocol
        datagramProtocol = loop.network.datagramPlaceholder
        cleanUp()
    }

    // MARK: - What it is

    /// The protocol that is told what happens.
    ///
    /// asyncio: BaseTransport.set_protocol, BaseTransport.get_protocol
    public var transportProtocol: any DatagramProtocol {
        get { formerProtocol ?? datagramProtocol }
        set {
            loop.canTouch("DatagramTransport.transportProtocol")
            guard phase != .closed else { return formerProtocol = newValue }
            datagramProtocol = newValue
        }
    }

    /// This end's address.
    ///
    /// asyncio: get_extra_info("sockname")
    public var localAddress: SocketAddress? { local }

    /// Where the socket is connected to.
    ///
    /// asyncio: get_extra_info("peername")
    public var remoteAddress: SocketAddress? { peer }

    /// The descriptor, for options; the transport owns it. -1 when there is none any more.
    ///
    /// asyncio: get_extra_info("socket").fileno() · libuv: uv_fileno
    public var fileDescriptor: Int32 { socket.descriptor }

    // MARK: - Multicast

    /// Receives what is sent to a multicast group.
    ///
    /// - Parameter interface: the address of the interface; nil leaves it to the system.
    /// - Throws: ``IOError``.
    ///
    /// libuv: uv_udp_set_membership
    public func joinGroup(_ group: IPAddress, interface: IPAddress? = nil) throws {
        try set("uv_udp_set_membership") {
            $0.setMembership(group.description, interface: interface?.description, joins: true)
        }
    }

    /// Receives no longer what is sent to a multicast group.
    ///
    /// libuv: uv_udp_set_membership
    public func leaveGroup(_ group: IPAddress, interface: IPAddress? = nil) throws {
        try set("uv_udp_set_membership") {
            $0.setMembership(group.description, interface: interface?.description, joins: false)
        }
    }

    /// Whether this machine gets what it sends to a group itself.
    ///
    /// libuv: uv_udp_set_multicast_loop
    public func setMulticastLoop(_ on: Bool) throws { try set("uv_udp_set_multicast_loop") { $0.setMulticastLoop(on) } }

    /// How many routers multicast datagrams pass: 1 to 255.
    ///
    /// libuv: uv_udp_set_multicast_ttl
    public func setMulticastTimeToLive(_ hops: Int) throws {
        try set("uv_udp_set_multicast_ttl") { $0.setMulticastTimeToLive(hops) }
    }

    /// Which interface multicast datagrams leave through; nil leaves it to the system.
    ///
    /// libuv: uv_udp_set_multicast_interface
    public func setMulticastInterface(_ address: IPAddress?) throws {
        try set("uv_udp_set_multicast_interface") { $0.setMulticastInterface(address?.description) }
    }

    /// How many routers datagrams pass: 1 to 255.
    ///
    /// libuv: uv_udp_set_ttl
    public func setTimeToLive(_ hops: Int) throws { try set("uv_udp_set_ttl") { $0.setTimeToLive(hops) } }

    /// Whether datagrams may go to all hosts of a network.
    ///
    /// libuv: uv_udp_set_broadcast
    public func setBroadcast(_ on: Bool) throws { try set("uv_udp_set_broadcast") { $0.setBroadcast(on) } }

    private func set(_ operation: StaticString, _ body: (UVDatagram) -> Int32) throws {
        loop.canTouch("DatagramTransport")
        guard socket.isOpen else { throw EventLoopError(.transportClosing, "the transport is closed") }
        try uvCheck(body(socket), operation)
    }

    // MARK: - The protocol

    private func tell(_ call: StaticString, _ body: () throws -> Void) {
        loop.observing("\(type(of: datagramProtocol)).\(call)") {
            do { try body() } catch {
                loop.report("Exception in protocol.\(call)()", error, about: self)
            }
        }
    }

    private func tellError(_ error: any Error) {
        tell("errorReceived") { try datagramProtocol.errorReceived(error) }
    }
}

extension DatagramTransport: UVDatagramDelegate {
    func datagramDidArrive(_ bytes: UnsafeRawBufferPointer, from name: SocketName) {
        guard phase == .open, let address = SocketAddress(name) else { return }
        tell("datagramReceived") {
            try datagramProtocol.datagramReceived(RawSpan(_unsafeBytes: bytes), from: address)
        }
    }

    func receivingDidFail(_ status: Int32) {
        guard phase == .open else { return }
        tellError(IOError(uvStatus: status, operation: "recvfrom", subject: peer.map(\.description)))
    }

    func sendingDidEnd(_ status: Int32) {
        guard phase == .open || phase == .closing else { return }
        if status < 0 { tellError(IOError(uvStatus: status, operation: "sendto", subject: peer.map(\.description))) }
        if flow.shouldResume(at: writeBufferSize) { tell("resumeWriting") { try datagramProtocol.resumeWriting() } }
        if phase == .closing && socket.sendQueueCount == 0 { lose(nil) }
    }

    func datagramSocketDidClose() {
        // The loop was closed under an open socket.
        guard phase != .closed else { return }
        phase = .closed
        letGo()
    }
}

extension ExceptionContext {
    /// The datagram transport that the report is about.
    public var datagramTransport: DatagramTransport? { subject as? DatagramTransport }
}
