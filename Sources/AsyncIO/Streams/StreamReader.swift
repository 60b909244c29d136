// Reading a connection with async/await.

/// The reading side of a connection. Bytes that have come are handed out without suspending; at most one task reads at a
/// time.
///
/// ```swift
/// let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: 6379)
/// writer.write("PING\r\n")
/// let answer = try await reader.readLine()  // "+PONG\r\n" as bytes
/// ```
///
/// All methods throw the connection's error once it is broken, and ``EventLoopError`` `.alreadyReading` while another task
/// waits for the same stream.
///
/// asyncio: StreamReader · libuv: uv_read_start
public final class StreamReader {
    /// How much is buffered unless somebody says otherwise: 64 KiB.
    public static let defaultLimit = 65536

    let core: StreamCore

    init(core: StreamCore) { self.core = core }

    /// Creates a reader without a connection, to be fed by ``feedData(_:)``.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` unless `limit` is positive.
    ///
    /// asyncio: StreamReader(limit=, loop=)
    public convenience init(loop: EventLoop, limit: Int = StreamReader.defaultLimit) throws {
        try StreamCore.check(limit: limit)
        self.init(core: StreamCore(loop: loop, limit: limit))
    }

    deinit { core.faceWentAway() }

    /// Whether the stream has ended and everything has been read.
    ///
    /// asyncio: StreamReader.at_eof
    public var isAtEOF: Bool { core.isAtEnd && core.buffer.isEmpty && core.handed.isEmpty }

    /// Reads up to `count` bytes: what there is, at least one; none only at the end of the stream. Without `count`, reads
    /// everything up to the end.
    ///
    /// **Cancellation:** ends the wait; nothing is lost, unless everything up to the end was asked for.
    ///
    /// asyncio: StreamReader.read
    public func read(_ count: Int = -1) async throws -> [UInt8] {
        if let failure = core.failure { throw failure }
        if count == 0 { return [] }
        if count < 0 { return try await readToEnd() }
        if core.buffer.isEmpty {
            if core.isAtEnd { return [] }
            let bytes = try await core.waitForBytes(count, "read")
            if !bytes.isEmpty { return bytes }
            if let failure = core.failure, core.buffer.isEmpty { throw failure }
        }
        return take(Swift.min(count, core.buffer.count))
    }

    private func readToEnd() async throws -> [UInt8] {
        var result: [UInt8] = []
        while true {
            result += take(core.buffer.count)
            if core.isAtEnd { return result }
            try await core.waitForData("read")
            if let failure = core.failure { throw failure }
        }
    }

    /// Reads into memory of the caller's, which has to stay valid until this returns: what there is, at least one byte.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// - Returns: how many bytes; 0 only at the end of the stream.
    public func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        if let failure = core.failure { throw failure }
        if buffer.isEmpty { return 0 }
        guard try await waitForSome() else { return 0 }
        let count = Swift.min(buffer.count, core.buffer.count)
        core.buffer.take(count, into: buffer)
        core.bufferDidShrink()
        return count
    }

    /// Reads into an array, from its beginning: what there is, at least one byte, at most the array's count.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// - Returns: how many bytes; 0 only at the end of the stream.
    public func read(into array: inout [UInt8]) async throws -> Int {
        if let failure = core.failure { throw failure }
        if array.isEmpty { return 0 }
        guard try await waitForSome() else { return 0 }
        let count = Swift.min(array.count, core.buffer.count)
        array.withUnsafeMutableBytes { core.buffer.take(count, into: $0) }
        core.bufferDidShrink()
        return count
    }

    /// Waits until there is something in the buffer; false at the end of the stream.
    private func waitForSome() async throws -> Bool {
        while core.buffer.isEmpty {
            if let failure = core.failure { throw failure }
            if core.isAtEnd { return false }
            try await core.waitForData("read")
        }
        return true
    }

    /// Reads exactly `count` bytes, which may be more than the limit.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// - Throws: ``IncompleteReadError`` with what there was if the stream ends before; ``EventLoopError`` `.invalidArgument` for
    ///   a negative count.
    ///
    /// asyncio: StreamReader.readexactly
    public func readExactly(_ count: Int) async throws -> [UInt8] {
        guard count >= 0 else {
            throw EventLoopError.invalidArgument("count: readexactly size can not be less than zero")
        }
        if let failure = core.failure { throw failure }
        while core.buffer.count < count {
            if core.isAtEnd {
                throw IncompleteReadError(partial: take(core.buffer.count), expected: count)
            }
            try await core.waitForData("readexactly")
            if let failure = core.failure, core.buffer.count < count { throw failure }
        }
        return take(count)
    }

    /// Reads a line with its newline; at the end of the stream, what there is, possibly nothing.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// - Throws: ``LimitOverrunError`` if the line is longer than the limit; if its end has come the line is dropped, else all that
    ///   is buffered.
    ///
    /// asyncio: StreamReader.readline
    public func readLine() async throws -> [UInt8] {
        do {
            return try await read(until: Self.newline)
        } catch let error as IncompleteReadError {
            return error.partial
        } catch let error as LimitOverrunError {
            let separatorIsNext = core.buffer.bytes.dropFirst(error.consumed).first == 10
            core.buffer.remove(separatorIsNext ? error.consumed + 1 : core.buffer.count)
            core.bufferDidShrink()
            throw error
        }
    }

    private static let newline: [UInt8] = [10]

    /// Reads up to a separator, and with it.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// - Throws: ``IncompleteReadError`` with what there was if the stream ends before; ``LimitOverrunError`` if what comes before
    ///   the separator is longer than the limit, and then it stays in the buffer; ``EventLoopError`` `.invalidArgument` for an
    ///   empty separator.
    ///
    /// asyncio: StreamReader.readuntil
    public func readUntil(_ separator: [UInt8] = [10]) async throws -> [UInt8] { try await read(until: separator) }

    /// Reads up to the separator that ends first, and with it.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// asyncio: StreamReader.readuntil
    public func readUntil(_ separators: [[UInt8]]) async throws -> [UInt8] {
        try await read(until: SeparatorSearch(separators))
    }

    /// Reads up to a text, and with it.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// asyncio: StreamReader.readuntil
    public func readUntil(_ separator: String) async throws -> [UInt8] {
        try await read(until: Array(separator.utf8))
    }

    private func read(until separator: [UInt8]) async throws -> [UInt8] {
        try await read(until: SeparatorSearch(separator: separator))
    }

    private func read(until initial: SeparatorSearch) async throws -> [UInt8] {
        if let failure = core.failure { throw failure }
        var search = initial
        while true {
            switch search.look(in: core.buffer, limit: core.limit) {
            case .found(let end): return take(end)
            case .overrun(let error): throw error
            case .none:
                if let failure = core.failure { throw failure }
                if core.isAtEnd { throw IncompleteReadError(partial: take(core.buffer.count), expected: nil) }
                try await core.waitForData("readuntil")
            }
        }
    }

    @inline(__always)
    private func take(_ count: Int) -> [UInt8] {
        let result = core.buffer.take(count)
        core.bufferDidShrink()
        return result
    }

    // MARK: - The feeding side

    /// Adds bytes as if they had come over a connection.
    ///
    /// asyncio: StreamReader.feed_data
    public func feedData(_ data: some Collection<UInt8>) {
        core.loop.canTouch("StreamReader.feedData")
        Array(data).withUnsafeBytes { if !$0.isEmpty { core.feed($0) } }
    }

    /// Ends the stream.
    ///
    /// asyncio: StreamReader.feed_eof
    public func feedEOF() {
        core.loop.canTouch("StreamReader.feedEOF")
        core.feedEnd()
    }

    /// Breaks the stream: every read, also one that waits, throws `error`.
    ///
    /// asyncio: StreamReader.set_exception
    public func setException(_ error: any Error) {
        core.loop.canTouch("StreamReader.setException")
        core.fail(error)
    }

    /// The error that broke the stream.
    ///
    /// asyncio: StreamReader.exception
    public var exception: (any Error)? { core.failure }
}
