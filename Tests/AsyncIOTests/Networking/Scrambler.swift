// An implementation of `TransportSecurity` for tests: each end says hello, and what follows is changed bit by bit.

@testable import AsyncIO

/// Secures nothing, but in the manner of a library that does.
final class Scrambler: TransportSecurity {
    static let mask: UInt8 = 0x5A
    /// What every handshake was asked for.
    private(set) var handshakes: [String] = []
    /// Fails handshakes instead of making them.
    var failure: (any Error)?

    func secure(
        _ transport: Transport, for connection: any ConnectionProtocol, serverSide: Bool, serverHostname: String?
    ) async throws -> Transport {
        handshakes.append(serverSide ? "server" : "client of \(serverHostname ?? "nobody")")
        if let failure { throw failure }
        let secured = ScrambledTransport(over: transport, for: connection)
        transport.transportProtocol = secured
        transport.resumeReading()
        transport.write([Character("h").asciiValue ?? 0])
        try await secured.hello.value
        return secured
    }
}

/// Both the transport of the program's protocol and the protocol of the transport below.
final class ScrambledTransport: Transport, StreamProtocol {
    private let below: Transport
    private var connection: any ConnectionProtocol
    private var arrived: [UInt8] = []
    private var isPaused = true
    private var isGreeted = false
    let hello: Future<Void>

    init(over below: Transport, for connection: any ConnectionProtocol) {
        self.below = below
        self.connection = connection
        hello = below.loop.createFuture()
        super.init(loop: below.loop)
    }

    // MARK: - What comes from below

    func dataReceived(_ data: RawSpan) throws {
        data.withUnsafeBytes { arrived += $0 }
        if !isGreeted, !arrived.isEmpty {
            isGreeted = true
            arrived.removeFirst()
            if !hello.isDone { try hello.setResult(()) }
        }
        try deliver()
    }

    private func deliver() throws {
        guard !isPaused, isGreeted, !arrived.isEmpty else { return }
        let plain = arrived.map { $0 ^ Scrambler.mask }
        arrived = []
        try (connection as? any StreamProtocol)?.dataReceived(plain.span.bytes)
    }

    func eofReceived() throws -> Bool { isGreeted ? try connection.eofReceived() : false }

    func connectionLost(_ error: (any Error)?) throws {
        if isGreeted { return try connection.connectionLost(error) }
        if !hello.isDone { try hello.setException(error ?? TestError(name: "lost in the handshake")) }
    }

    func pauseWriting() throws { try connection.pauseWriting() }
    func resumeWriting() throws { try connection.resumeWriting() }

    // MARK: - What the program does

    override func write(_ data: RawSpan) {
        below.write(data.withUnsafeBytes { bytes in bytes.map { $0 ^ Scrambler.mask } })
    }

    override func writeEOF() { below.writeEOF() }
    override var canWriteEOF: Bool { below.canWriteEOF }
    override func close() { below.close() }
    override func abort() { below.abort() }
    override var isClosing: Bool { below.isClosing }

    override func pauseReading() {
        isPaused = true
        below.pauseReading()
    }

    override func resumeReading() {
        isPaused = false
        try? deliver()
        below.resumeReading()
    }

    override var isReading: Bool { !isPaused && !isClosing }
    override var transportProtocol: any ConnectionProtocol {
        get { connection }
        set { connection = newValue }
    }
    override var localAddress: SocketAddress? { below.localAddress }
    override var remoteAddress: SocketAddress? { below.remoteAddress }
    override var fileDescriptor: Int32 { below.fileDescriptor }
}
