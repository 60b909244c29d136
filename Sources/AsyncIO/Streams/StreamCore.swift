// What a reader and a writer share: the protocol of their transport, the buffer, and who waits.

/// The protocol behind a ``StreamReader`` and a ``StreamWriter``.
final class StreamCore: StreamProtocol, ReadDestination {
    /// What the program makes of a new connection of a server.
    typealias Accept = (StreamReader, StreamWriter) -> Void

    let loop: EventLoop
    let limit: Int
    // Accessed in single steps on the loop's thread only.
    @exclusivity(unchecked) var buffer: StreamBuffer
    @exclusivity(unchecked) private(set) var transport: Transport?
    let slot: ParkingSlot
    /// The task that waits takes at most so many bytes, straight from what comes; 0 if it wants to look at the buffer.
    @exclusivity(unchecked) private var wanted = 0
    /// Where libuv reads a large piece to, while it does.
    @exclusivity(unchecked) private var direct: [UInt8] = []
    /// What the task that waited for bytes gets.
    @exclusivity(unchecked) private(set) var handed: [UInt8] = []
    @exclusivity(unchecked) private(set) var isAtEnd = false
    @exclusivity(unchecked) private(set) var failure: (any Error)?
    @exclusivity(unchecked) private var isReadingPaused = false

    @exclusivity(unchecked) private var isWritingPaused = false
    @exclusivity(unchecked) private var drainWaiters = Waiters()
    @exclusivity(unchecked) private(set) var isLost = false
    @exclusivity(unchecked) private var lostError: (any Error)?
    @exclusivity(unchecked) private var closeWaiters = Waiters()

    private var accept: Accept?
    /// How many readers and writers the program holds.
    @exclusivity(unchecked) private var faces = 0

    /// - Parameter accept: for a connection of a server, what gets its reader and writer.
    init(loop: EventLoop, limit: Int, accept: Accept? = nil) {
        self.loop = loop
        self.limit = limit
        self.accept = accept
        buffer = StreamBuffer(pool: loop.network.pool)
        slot = ParkingSlot(loop: loop)
    }

    static func check(limit: Int) throws {
        guard limit > 0 else { throw EventLoopError.invalidArgument("limit: Limit cannot be <= 0") }
    }

    func makeReader() -> StreamReader {
        faces += 1
        return StreamReader(core: self)
    }

    func makeWriter() -> StreamWriter {
        faces += 1
        return StreamWriter(core: self)
    }

    /// A reader or writer is gone. Without any the connection is of no use.
    func faceWentAway() {
        faces -= 1
        guard faces == 0, let transport, !loop.isClosed else { return }
        if loop.executor.isOnLoopThread || !loop.executor.isRunning {
            transport.close()
        } else {
            let transfer = UncheckedTransfer(transport)  // SAFETY: only the loop's thread touches it from here on.
            _ = try? loop.executor.callSoonThreadsafe { _ in transfer.value.close() }
        }
    }

    // MARK: - From the transport

    func connectionMade(_ transport: Transport) {
        self.transport = transport
        guard let accept else { return }
        self.accept = nil
        accept(makeReader(), makeWriter())
    }

    func replaceTransport(_ transport: Transport) { self.transport = transport }

    func dataReceived(_ data: RawSpan) {
        data.withUnsafeBytes { bytes in take(bytes) }
        slot.wakeAfterInput()
    }

    func feed(_ bytes: UnsafeRawBufferPointer) {
        take(bytes)
        slot.wake()
    }

    private func take(_ bytes: UnsafeRawBufferPointer) {
        if wanted > 0 {
            // Somebody waits, and the buffer is empty: no detour.
            let count = min(wanted, bytes.count)
            wanted = 0
            if count >= Self.largePiece { expectLargePieces(true) }
            handed = [UInt8](UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            if count < bytes.count { buffer.append(UnsafeRawBufferPointer(rebasing: bytes[count...])) }
        } else {
            buffer.append(bytes)
        }
        // More than twice the limit.
        if !isReadingPaused, buffer.count > limit, buffer.count - limit > limit, let transport {
            isReadingPaused = true
            transport.pauseReading()
        }
    }

    func eofReceived() -> Bool {
        feedEnd()
        return true
    }

    func feedEnd() {
        isAtEnd = true
        wanted = 0
        slot.wake()
    }

    func fail(_ error: any Error) {
        failure = error
        wanted = 0
        slot.wake()
    }

    func pauseWriting() { isWritingPaused = true }

    func resumeWriting() {
        isWritingPaused = false
        drainWaiters.wakeAll()
    }

    func connectionLost(_ error: (any Error)?) {
        isLost = true
        lostError = error
        if let error { fail(error) } else { feedEnd() }
        drainWaiters.wakeAll(throwing: error)
        closeWaiters.wakeAll(throwing: error)
        transport = nil
    }

    // MARK: - Large pieces, which go straight to the array that the reader gets

    /// From this size on the next piece is expected to be large too.
    private static let largePiece = 32768
    /// Below this size it is no longer.
    private static let smallPiece = 16384

    private func expectLargePieces(_ expected: Bool) {
        (transport as? SocketTransport)?.readInto(expected ? self : nil)
    }

    func makeDestination() -> UnsafeMutableRawBufferPointer? {
        guard wanted >= Self.largePiece else { return nil }
        let size = min(wanted, 65536)
        var array = [UInt8](unsafeUninitializedCapacity: size) { _, count in count = size }
        // SAFETY: nobody else has the array, and it is not touched until the read is over; its memory stays where it is.
        let memory = array.withUnsafeMutableBytes { $0 }
        direct = array
        return memory
    }

    func destinationDidFill(_ count: Int) {
        var array = direct
        direct = []
        wanted = 0
        if count < Self.smallPiece {
            handed = Array(array[..<count])
            expectLargePieces(false)
        } else {
            array.removeLast(array.count - count)
            handed = array
        }
        slot.wakeAfterInput()
    }

    func dropDestination() { direct = [] }

    // MARK: - For the reader

    /// Waits until there is more in the buffer, the end, or a failure.
    func waitForData(_ call: StaticString) async throws {
        try checkNobodyReads(call)
        resumeReading()
        try await slot.park()
    }

    /// Waits for bytes, with an empty buffer; returns up to `count`, none at the end.
    @inline(__always)
    func waitForBytes(_ count: Int, _ call: StaticString) async throws -> [UInt8] {
        try checkNobodyReads(call)
        resumeReading()
        wanted = count
        do {
            try await slot.park()
        } catch {
            giveBack()
            throw error
        }
        if _slowPath(handed.isEmpty) { return [] }
        let result = handed
        handed = []
        return result
    }

    /// The task was cancelled: what it had been given is still to be read.
    private func giveBack() {
        wanted = 0
        guard !handed.isEmpty else { return }
        let rest = buffer.takeAll()
        handed.withUnsafeBytes { buffer.append($0) }
        rest.withUnsafeBytes { buffer.append($0) }
        handed = []
    }

    func checkNobodyReads(_ call: StaticString) throws {
        loop.canTouch(call)
        if slot.isOccupied || !handed.isEmpty {
            throw EventLoopError(
                .alreadyReading, "\(call)() called while another coroutine is already waiting for incoming data")
        }
    }

    private func resumeReading() {
        guard isReadingPaused else { return }
        isReadingPaused = false
        transport?.resumeReading()
    }

    /// Goes on reading when enough has been taken from the buffer.
    @inline(__always)
    func bufferDidShrink() { if isReadingPaused && buffer.count <= limit { resumeReading() } }

    // MARK: - For the writer

    /// Whether ``drain()`` would wait or throw.
    @inline(__always)
    var hasReasonToDrain: Bool {
        isWritingPaused || isLost || failure != nil || transport?.isClosing ?? true || !loop.executor.isOnLoopThread
    }

    /// Waits while the transport is too full.
    func drain() async throws {
        loop.canTouch("StreamWriter.drain")
        if let failure { throw failure }
        if transport?.isClosing ?? true { try await loop.yieldOneRound() }
        if isLost { throw Self.lost }
        if isWritingPaused { try await loop.wait(in: \.drainWaiters, of: self) }
    }

    static let lost = IOError(code: .connectionReset, operation: "drain", reason: "Connection lost")

    /// Waits for the end of the connection.
    func waitClosed() async throws {
        loop.canTouch("StreamWriter.waitClosed")
        guard isLost else { return try await loop.wait(in: \.closeWaiters, of: self) }
        if let lostError { throw lostError }
    }
}
