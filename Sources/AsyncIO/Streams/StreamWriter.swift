// Writing to a connection with async/await.

/// The writing side of a connection.
///
/// ```swift
/// writer.write("hello\n")
/// try await writer.drain()
/// writer.close()
/// try await writer.waitClosed()
/// ```
///
/// The connection is closed when neither its reader nor its writer is held any more.
///
/// asyncio: StreamWriter · libuv: uv_try_write, uv_write
public final class StreamWriter {
    let core: StreamCore
    /// The transport underneath.
    ///
    /// asyncio: StreamWriter.transport
    @exclusivity(unchecked) public private(set) var transport: Transport

    init(core: StreamCore) {
        self.core = core
        guard let transport = core.transport else { preconditionFailure("a writer needs a connection") }
        self.transport = transport
    }

    deinit { core.faceWentAway() }

    /// Writes bytes: at once what the system takes, later the rest. Await ``drain()`` before you write on, so that a slow
    /// reader does not fill the memory.
    ///
    /// asyncio: StreamWriter.write
    @inline(__always)
    public func write(_ data: RawSpan) { transport.write(data) }

    /// Writes bytes.
    @inline(__always)
    public func write(_ bytes: [UInt8]) { transport.write(bytes) }

    /// Writes bytes.
    public func write(_ bytes: some Collection<UInt8>) { transport.write(bytes) }

    /// Writes a text in UTF-8.
    public func write(_ text: String) { transport.write(text) }

    /// Writes several pieces, one after the other.
    ///
    /// asyncio: StreamWriter.writelines
    public func writeLines<Bytes: Collection<UInt8>>(_ lines: some Sequence<Bytes>) { transport.writeLines(lines) }

    /// Writes several texts in UTF-8, one after the other. Nothing is put between them.
    ///
    /// asyncio: StreamWriter.writelines
    public func writeLines(_ lines: some Sequence<String>) { transport.writeLines(lines) }

    /// Waits while more than the high-water mark waits to be written; returns at once, without suspending, if not. Several
    /// tasks may wait.
    ///
    /// **Cancellation:** ends the wait; what was written is still sent.
    ///
    /// - Throws: the error that broke the connection; ``IOError`` `.connectionReset` if it is closed.
    ///
    /// asyncio: StreamWriter.drain
    public func drain() async throws {
        if !core.hasReasonToDrain { return }
        try await core.drain()
    }

    /// Ends the writing side once everything has been written; reading goes on.
    ///
    /// asyncio: StreamWriter.write_eof
    public func writeEOF() { transport.writeEOF() }

    /// Whether ``writeEOF()`` is possible.
    ///
    /// asyncio: StreamWriter.can_write_eof
    public var canWriteEOF: Bool { transport.canWriteEOF }

    /// Closes the connection, both ways, once everything has been written. Doing it twice does nothing the second time.
    ///
    /// asyncio: StreamWriter.close
    public func close() { transport.close() }

    /// Whether the connection is closing or closed.
    ///
    /// asyncio: StreamWriter.is_closing
    public var isClosing: Bool { transport.isClosing }

    /// Waits until the connection is closed, whether or not everything has been read.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: the error that broke the connection.
    ///
    /// asyncio: StreamWriter.wait_closed
    public func waitClosed() async throws { try await core.waitClosed() }

    /// Makes the connection secure, after what has been written so far.
    ///
    /// **Cancellation:** aborts the connection.
    ///
    /// - Throws: ``EventLoopError`` `.unsupported` without a context; what the handshake throws.
    ///
    /// asyncio: StreamWriter.start_tls
    public func startTLS(
        context: (any TransportSecurity)?, serverSide: Bool = false, serverHostname: String? = nil
    ) async throws {
        try await drain()
        let secured = try await core.loop.startTLS(
            transport, protocol: core, context: context, serverSide: serverSide, serverHostname: serverHostname)
        core.replaceTransport(secured)
        transport = secured
    }

    /// This end's address.
    ///
    /// asyncio: get_extra_info("sockname")
    public var localAddress: SocketAddress? { transport.localAddress }

    /// The other end's address.
    ///
    /// asyncio: get_extra_info("peername")
    public var remoteAddress: SocketAddress? { transport.remoteAddress }
}
