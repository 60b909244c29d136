// The transport of TCP connections, Unix sockets and pipes: its state, its birth and its end.

/// Who has transports and wants to know when one is gone.
protocol TransportOwner: AnyObject {
    func transportDidClose(_ transport: SocketTransport)
}

/// A connection over a libuv stream.
final class SocketTransport: Transport {
    enum Phase {
        /// `connectionMade` is still to come.
        case created
        case open
        /// Closed by the program; what waits is still written.
        case closing
        /// `connectionLost` has been scheduled.
        case losing
        case closed
    }

    enum Reading {
        case active
        case paused
        /// The stream has ended, or is never read.
        case ended
    }

    enum Sending {
        case open
        /// The writing side ends when everything has been written.
        case ending
        case ended
        /// This is the reading end of a pipe.
        case never
    }

    let stream: UVStream
    // Accessed in single steps on the loop's thread only.
    @exclusivity(unchecked) var phase = Phase.created
    @exclusivity(unchecked) var reading = Reading.active
    @exclusivity(unchecked) var sending = Sending.open
    @exclusivity(unchecked) var flow = FlowControl()
    /// What waits while libuv writes.
    @exclusivity(unchecked) var pending: BlockQueue?
    /// Requests to write that libuv has.
    @exclusivity(unchecked) var writesUnderWay = 0
    /// A file is being sent; nothing else may be written.
    @exclusivity(unchecked) var isSendingFile = false
    /// What the sending of a file waits for.
    @exclusivity(unchecked) var sendfileWait: Future<Void>?
    /// Writes that were dropped because the connection is gone.
    @exclusivity(unchecked) var lostWrites = 0
    /// Who waits until everything has been written.
    @exclusivity(unchecked) var flushWaiters = Waiters()
    /// The error of `getBuffer`, until libuv asks what became of the read.
    @exclusivity(unchecked) var bufferError: (any Error)?

    @exclusivity(unchecked) var connection: any ConnectionProtocol
    /// The protocol after the end, when the two no longer keep each other alive.
    private weak var formerConnection: (any ConnectionProtocol)?
    @exclusivity(unchecked) var streamProtocol: (any StreamProtocol)?
    @exclusivity(unchecked) var bufferedProtocol: (any BufferedProtocol)?
    /// Whose buffer the bytes go to that come next, if not to the loop's.
    @exclusivity(unchecked) var readTarget: (any BufferedProtocol)?
    /// Who wants large pieces in memory of its own.
    @exclusivity(unchecked) var destination: (any ReadDestination)?
    @exclusivity(unchecked) var isFillingDestination = false
    weak var owner: (any TransportOwner)?
    private let local: SocketAddress?
    private let remote: SocketAddress?
    @exclusivity(unchecked) private var ownedDescriptor: Int32

    /// Takes an open stream over. Nothing happens before ``begin(_:)``.
    init(
        _ stream: UVStream, loop: EventLoop, connection: any ConnectionProtocol, local: SocketAddress?,
        remote: SocketAddress?, reading: Reading = .active, sending: Sending = .open
    ) {
        self.stream = stream
        self.connection = connection
        self.local = local
        self.remote = remote
        self.reading = reading
        self.sending = sending
        ownedDescriptor = stream.descriptor
        super.init(loop: loop)
        loop.network.own(ownedDescriptor)
        stream.delegate = self
        adopt(connection)
    }

    /// Tells the protocol in the next round that the connection is made, and starts to read.
    func begin(_ then: (() -> Void)? = nil) {
        loop.ready.pointee.ring.push(
            .callback { [self] in
                connectionMade()
                then?()
            })
    }

    private func connectionMade() {
        guard phase != .closed else { return }
        if phase == .created { phase = .open }
        tell("connectionMade") { try connection.connectionMade(self) }
        if phase == .open && reading == .active { startReading() }
    }

    // MARK: - The protocol

    override var transportProtocol: any ConnectionProtocol {
        get { formerConnection ?? connection }
        set {
            loop.canTouch("Transport.transportProtocol")
            guard phase != .closed else { return formerConnection = newValue }
            adopt(newValue)
        }
    }

    private func adopt(_ new: any ConnectionProtocol) {
        connection = new
        // Asking for a conformance takes a while; the stand-in before the beginning and after the end has none.
        let isStandIn = new === loop.network.placeholder
        bufferedProtocol = isStandIn ? nil : new as? any BufferedProtocol
        streamProtocol = isStandIn || bufferedProtocol != nil ? nil : new as? any StreamProtocol
        // Nothing can come between asking for memory and filling it but a protocol of the program's own.
        readInto(nil)
    }

    /// Calls the protocol; an error is reported, and that is all.
    func tell(_ call: StaticString, _ body: () throws -> Void) {
        loop.observing("\(type(of: connection)).\(call)") {
            do { try body() } catch { report("Exception in protocol.\(call)()", error) }
        }
    }

    func report(_ message: String, _ error: any Error) { loop.report(message, error, about: self) }

    // MARK: - The end

    override var isClosing: Bool { phase != .open && phase != .created }

    override func close() {
        loop.canTouch("Transport.close")
        guard phase == .open || phase == .created else { return }
        stopReading()
        if hasUnwritten { phase = .closing } else { lose(nil) }
    }

    override func abort() {
        loop.canTouch("Transport.abort")
        lose(nil)
    }

    /// The protocol failed. Errors of the system are expected to happen; all others are reported.
    func fail(_ error: any Error, in call: StaticString) {
        if !(error is IOError) { report("Fatal error: protocol.\(call)() call failed.", error) }
        lose(error)
    }

    /// Ends the connection: drops what waits, and schedules `connectionLost`.
    func lose(_ error: (any Error)?) {
        guard phase != .losing && phase != .closed else { return }
        phase = .losing
        stopReading()
        pending = nil
        flushWaiters.wakeAll(throwing: error)
        if let wait = sendfileWait, !wait.isDone { wait.fail(connectionIsLost) }
        loop.ready.pointee.ring.push(
            .callback { [self] in
                guard phase == .losing else { return }
                tell("connectionLost") { try connection.connectionLost(error) }
                finish()
            })
    }

    /// Closes a connection that its protocol has never heard of.
    func discard() {
        guard phase == .created else { return }
        finish()
    }

    /// What `body` makes for this connection, which goes away if that fails.
    func discardingOnFailure<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            discard()
            throw error
        }
    }

    private func finish() {
        phase = .closed
        stream.close()
        leave()
    }

    private func leave() {
        // Protocols hold their transport, as a rule.
        formerConnection = connection
        adopt(loop.network.placeholder)
        loop.network.disown(ownedDescriptor)
        ownedDescriptor = -1
        let owner = self.owner
        self.owner = nil
        owner?.transportDidClose(self)
    }

    // MARK: - Reading and writing, which have files of their own

    override func write(_ data: RawSpan) { data.withUnsafeBytes { send($0) } }
    override func writeEOF() { endWriting() }
    override var canWriteEOF: Bool { sending != .never && !stream.isTerminal }
    override var writeBufferSize: Int { unwrittenBytes }
    override var writeBufferLimits: (low: Int, high: Int) { (flow.low, flow.high) }

    override func setWriteBufferLimits(high: Int?, low: Int?) throws {
        loop.canTouch("Transport.setWriteBufferLimits")
        try flow.setLimits(high: high, low: low)
        pauseProtocolIfFull()
    }

    override func pauseReading() { pauseStream() }
    override func resumeReading() { resumeStream() }
    override var isReading: Bool { reading == .active && !isClosing }

    // MARK: - What it is

    override var localAddress: SocketAddress? { local }
    override var remoteAddress: SocketAddress? { remote }
    override var fileDescriptor: Int32 { stream.descriptor }
}

extension SocketTransport: UVStreamDelegate {
    func streamDidClose() {
        // The loop was closed under an open connection.
        guard phase != .closed else { return }
        if loop.debug {
            StandardError.print(
                "A transport was still open when its loop was closed: "
                    + "\(type(of: connection)), \(remote.map(\.description) ?? "no address")")
        }
        phase = .closed
        pending = nil
        leave()
    }
}
