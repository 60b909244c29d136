// What the tests of transports share: protocols that keep a journal, and connections whose other end is a plain socket.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A list of what happened, which tests can wait on.
class Journal {
    let loop: EventLoop
    private(set) var events: [String] = []
    private(set) var lostErrors: [(any Error)?] = []
    /// What to do besides taking notes; the key is the event.
    var actions: [String: () throws -> Void] = [:]
    private var waiters: [Future<Void>] = []

    init(_ loop: EventLoop) { self.loop = loop }

    /// Takes a note, wakes who waits, and does what was asked for. Repeated notes of data are one.
    func note(_ event: String) throws {
        if event != "data" || events.last != event { events.append(event) }
        let woken = waiters
        waiters = []
        for waiter in woken where !waiter.isDone { waiter.finish(()) }
        try actions[event]?()
    }

    /// Waits until the condition holds.
    func until(_ condition: () -> Bool) async throws {
        while !condition() {
            let waiter = loop.createFuture(of: Void.self)
            waiters.append(waiter)
            try await waiter.value
        }
    }

    func connectionLost(_ error: (any Error)?) throws {
        lostErrors.append(error)
        // Actions refer to their journal, as a rule; this was the last one.
        defer { actions = [:] }
        try note("lost")
    }

    func pauseWriting() throws { try note("pause") }
    func resumeWriting() throws { try note("resume") }

    var isLost: Bool { !lostErrors.isEmpty }
    func untilLost() async throws { try await until { isLost } }
    func count(of event: String) -> Int { events.filter { $0 == event }.count }
    /// The code of the error that the connection was lost with.
    var lostCode: IOError.Code? { (lostErrors.first.flatMap { $0 } as? IOError)?.code }
    var lostTestError: TestError? { lostErrors.first.flatMap { $0 } as? TestError }
}

/// Takes notes of a connection.
final class StreamRecorder: Journal, StreamProtocol {
    private(set) var bytes: [UInt8] = []
    private(set) var transport: Transport?
    /// What `eofReceived` answers.
    var keepsOpen = false

    func connectionMade(_ transport: Transport) throws {
        self.transport = transport
        try note("made")
    }

    func dataReceived(_ data: RawSpan) throws {
        data.withUnsafeBytes { bytes += $0 }
        try note("data")
    }

    func eofReceived() throws -> Bool {
        try note("eof")
        return keepsOpen
    }

    func untilReceived(_ count: Int) async throws { try await until { bytes.count >= count } }
}

/// Takes notes of a connection whose bytes go to a buffer of its own.
final class BufferedRecorder: Journal, BufferedProtocol {
    private(set) var bytes: [UInt8] = []
    private(set) var hints: [Int] = []
    var keepsOpen = false
    var buffer: UnsafeMutableRawBufferPointer

    init(_ loop: EventLoop, size: Int) {
        buffer = .allocate(byteCount: size, alignment: 1)
        super.init(loop)
    }

    deinit { buffer.deallocate() }

    func connectionMade(_ transport: Transport) throws { try note("made") }

    func getBuffer(_ sizeHint: Int) throws -> UnsafeMutableRawBufferPointer {
        hints.append(sizeHint)
        try actions["buffer"]?()
        return buffer
    }

    func bufferUpdated(_ count: Int) throws {
        bytes += buffer.prefix(count)
        try note("data")
    }

    func eofReceived() throws -> Bool {
        try note("eof")
        return keepsOpen
    }

    func untilReceived(_ count: Int) async throws { try await until { bytes.count >= count } }
}

/// The other end of a connection: a plain socket.
final class Peer {
    let loop: EventLoop
    private(set) var descriptor: Int32

    init(_ descriptor: Int32, _ loop: EventLoop) {
        self.descriptor = descriptor
        self.loop = loop
    }

    func send(_ bytes: [UInt8]) async throws { try await loop.sockSendAll(descriptor, bytes) }
    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// As many bytes, or fewer at the end of the stream.
    func receive(_ count: Int) async throws -> [UInt8] {
        var all: [UInt8] = []
        while all.count < count {
            let piece = try await loop.sockRecv(descriptor, count - all.count)
            if piece.isEmpty { break }
            all += piece
        }
        return all
    }

    /// Everything up to the end of the stream.
    func receiveAll() async throws -> [UInt8] { try await receive(.max / 2, inPiecesOf: 65536) }

    private func receive(_ count: Int, inPiecesOf size: Int) async throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let piece = try await loop.sockRecv(descriptor, size)
            if piece.isEmpty { return all }
            all += piece
        }
    }

    /// What is there now, without waiting.
    func receiveNow() -> [UInt8] { SystemSocket(descriptor).receive(65536).bytes }

    func endSending() { _ = SystemSocket(descriptor).endSending() }

    func close() {
        guard descriptor >= 0 else { return }
        SystemSocket(descriptor).close()
        descriptor = -1
    }

    /// Closes a TCP connection so that the other end sees a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    deinit { close() }
}

/// Two descriptors that are connected to each other.
func socketPair(_ type: Int32 = SystemConstant.stream) throws -> (Int32, Int32) {
    var pair: [Int32] = [-1, -1]
    // Children of other tests must not hold an end open.
    guard socketpair(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
        throw TestError(name: "socketpair")
    }
    return (pair[0], pair[1])
}

/// The two ends of a pipe.
func makePipe() throws -> (reading: Int32, writing: Int32) {
    var pair: [Int32] = [-1, -1]
    guard pipe(&pair) == 0 else { throw TestError(name: "pipe") }
    for end in pair { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (pair[0], pair[1])
}

/// Whether the number is that of an open descriptor.
func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) != -1 }

extension EventLoop {
    /// A TCP socket that listens on the loopback, and where.
    func listeningSocket(backlog: Int = 16) throws -> (SystemSocket, SocketAddress) {
        let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
        try socket.bind(to: SocketAddress.loopback.socketName(argument: "test"), subject: "test")
        try socket.listen(backlog: backlog, subject: "test")
        return (socket, try #require(SocketAddress(socket.localName())))
    }

    /// Two TCP sockets that are connected to each other.
    func tcpPair() async throws -> (Int32, Int32) {
        let (listener, address) = try listeningSocket()
        defer { listener.close() }
        let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
        try await sockConnect(client.descriptor, address)
        return (client.descriptor, try await sockAccept(listener.descriptor).fileDescriptor)
    }
}

extension SocketAddress {
    /// A port of the loopback that the system chooses.
    static var loopback: SocketAddress { SocketAddress("127.0.0.1:0") ?? .unix("") }
}

/// A transport under test, and what surrounds it.
struct Connected<Recorder> {
    let loop: EventLoop
    let transport: Transport
    let recorder: Recorder
    let peer: Peer
    let reports: Reports
}

enum PairKind { case tcp, unix }

/// Lends a connection whose protocol keeps a journal, and ends it.
@discardableResult
func withConnection<Recorder: Journal & ConnectionProtocol, Value: Sendable>(
    _ kind: PairKind = .tcp, debug: Bool = false, sourceLocation: Testing.SourceLocation = #_sourceLocation,
    make: @escaping @Sendable (EventLoop) -> Recorder,
    _ body: nonisolated(nonsending) @escaping @Sendable (Connected<Recorder>) async throws -> Value
) async throws -> Value {
    try await onLoop(debug: debug, sourceLocation: sourceLocation) { loop in
        let reports = Reports(of: loop)
        let (own, other) = kind == .tcp ? try await loop.tcpPair() : try socketPair()
        let peer = Peer(other, loop)
        try SystemSocket(other).setNonBlocking()
        let recorder = make(loop)
        let (transport, _) = try await loop.createConnection(fileDescriptor: own) { recorder }
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await body(
                    Connected(loop: loop, transport: transport, recorder: recorder, peer: peer, reports: reports)))
        } catch {
            result = .failure(error)
        }
        recorder.actions = [:]
        transport.abort()
        try await (transport.transportProtocol as? Journal)?.untilLost()
        peer.close()
        return try result.get()
    }
}

/// Lends a connection with a stream protocol.
@discardableResult
func withStream<Value: Sendable>(
    _ kind: PairKind = .tcp, debug: Bool = false, sourceLocation: Testing.SourceLocation = #_sourceLocation,
    prepare: @escaping @Sendable (StreamRecorder) -> Void = { _ in },
    _ body: nonisolated(nonsending) @escaping @Sendable (Connected<StreamRecorder>) async throws -> Value
) async throws -> Value {
    try await withConnection(
        kind, debug: debug, sourceLocation: sourceLocation,
        make: { loop in
            let recorder = StreamRecorder(loop)
            prepare(recorder)
            return recorder
        }, body)
}

/// Bytes that are not all alike: a block of a length that no buffer has, again and again.
func pattern(_ count: Int) -> [UInt8] {
    var state: UInt64 = 1
    var all: [UInt8] = (0..<min(count, 4099)).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 56)
    }
    // Doubled, so that this takes no time in a debug build either.
    while all.count < count { all += all.prefix(count - all.count) }
    return all
}

/// A short number for many bytes, good within this process.
func checksum(_ bytes: [UInt8]) -> Int {
    var hasher = Hasher()
    bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    return hasher.finalize()
}

/// Makes the system's buffers of a socket small, so that little fills them.
func shrinkBuffers(_ descriptor: Int32) {
    var size = Int32(4096)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
}
