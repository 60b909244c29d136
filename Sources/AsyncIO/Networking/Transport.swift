// A connection as a protocol sees it.

/// A connection: a protocol writes to it, and closes it.
///
/// Transports come from ``EventLoop/createConnection(host:port:family:localAddress:happyEyeballsDelay:interleave:allErrors:tls:serverHostname:_:)``
/// and from servers. An open transport keeps itself and its protocol alive until `connectionLost` has been called.
/// No method waits, and none fails: what goes wrong ends in ``BaseProtocol/connectionLost(_:)``.
///
/// The class is open for implementations of ``TransportSecurity``, which override all that takes part in reading, writing
/// and closing.
///
/// asyncio: Transport · libuv: uv_stream_t
open class Transport {
    /// The loop that the transport belongs to.
    public final let loop: EventLoop

    /// For subclasses.
    public init(loop: EventLoop) { self.loop = loop }

    // MARK: - Writing

    /// Writes bytes: at once what the system takes, later the rest, of which a copy is made. Nothing is written after
    /// ``close()``. A write after ``writeEOF()``, or while a file is being sent, is dropped and reported to the loop's
    /// exception handler.
    ///
    /// asyncio: WriteTransport.write · libuv: uv_try_write, uv_write
    open func write(_ data: RawSpan) { mustOverride("write") }

    /// Writes bytes.
    public final func write(_ bytes: [UInt8]) { write(bytes.span.bytes) }

    /// Writes bytes.
    public final func write(_ bytes: some Collection<UInt8>) {
        let written: Void? = bytes.withContiguousStorageIfAvailable { write(RawSpan(_unsafeElements: $0)) }
        if written == nil { write(Array(bytes)) }
    }

    /// Writes a text in UTF-8.
    public final func write(_ text: String) {
        var text = text
        text.withUTF8 { write(RawSpan(_unsafeElements: $0)) }
    }

    /// Writes several pieces, one after the other.
    ///
    /// asyncio: WriteTransport.writelines
    public final func writeLines<Bytes: Collection<UInt8>>(_ lines: some Sequence<Bytes>) {
        writeJoined { append in for line in lines { append(Array(line)) } }
    }

    /// Writes several texts in UTF-8, one after the other. Nothing is put between them.
    ///
    /// asyncio: WriteTransport.writelines
    public final func writeLines(_ lines: some Sequence<String>) {
        writeJoined { append in for line in lines { append(Array(line.utf8)) } }
    }

    private final func writeJoined(_ produce: ((([UInt8]) -> Void)) -> Void) {
        var all: [UInt8] = []
        produce { all += $0 }
        write(all)
    }

    /// Ends the writing side once everything has been written; reading goes on. Doing it twice does nothing the second time.
    ///
    /// asyncio: WriteTransport.write_eof · libuv: uv_shutdown
    open func writeEOF() { mustOverride("writeEOF") }

    /// Whether ``writeEOF()`` is possible.
    ///
    /// asyncio: WriteTransport.can_write_eof
    open var canWriteEOF: Bool { false }

    /// Sets when the protocol has to stop writing, in bytes that wait: above `high` it is paused, at `low` or below it
    /// goes on. Without `high` it is four times `low`; without `low` it is a quarter of `high`; zero for both pauses
    /// whenever something waits. The defaults are 64 KiB and 16 KiB.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` unless `high` >= `low` >= 0.
    ///
    /// asyncio: WriteTransport.set_write_buffer_limits
    open func setWriteBufferLimits(high: Int? = nil, low: Int? = nil) throws { mustOverride("setWriteBufferLimits") }

    /// The water marks in bytes.
    ///
    /// asyncio: WriteTransport.get_write_buffer_limits
    open var writeBufferLimits: (low: Int, high: Int) { (0, 0) }

    /// How many bytes wait to be written.
    ///
    /// asyncio: WriteTransport.get_write_buffer_size · libuv: uv_stream_get_write_queue_size
    open var writeBufferSize: Int { 0 }

    // MARK: - Closing

    /// Closes the connection when everything has been written; stops reading at once. `connectionLost(nil)` follows in a
    /// later round. Doing it twice does nothing the second time.
    ///
    /// asyncio: BaseTransport.close · libuv: uv_close
    open func close() { mustOverride("close") }

    /// Closes the connection without writing what waits. `connectionLost(nil)` follows in a later round.
    ///
    /// asyncio: WriteTransport.abort · libuv: uv_close
    open func abort() { mustOverride("abort") }

    /// Whether the transport is closing or closed.
    ///
    /// asyncio: BaseTransport.is_closing
    open var isClosing: Bool { false }

    // MARK: - Reading

    /// Stops reading until ``resumeReading()``. Nothing comes any more, not even the end of the stream.
    ///
    /// asyncio: ReadTransport.pause_reading · libuv: uv_read_stop
    open func pauseReading() { mustOverride("pauseReading") }

    /// Goes on reading.
    ///
    /// asyncio: ReadTransport.resume_reading · libuv: uv_read_start
    open func resumeReading() { mustOverride("resumeReading") }

    /// Whether the transport reads: not while it is paused, at the end of the stream, or closing.
    ///
    /// asyncio: ReadTransport.is_reading
    open var isReading: Bool { false }

    // MARK: - What it is

    /// The protocol that is told what happens. A new one gets everything from the next event on; its `connectionMade` is
    /// not called.
    ///
    /// asyncio: BaseTransport.set_protocol, BaseTransport.get_protocol
    open var transportProtocol: any ConnectionProtocol {
        get { mustOverride("transportProtocol") }
        set { mustOverride("transportProtocol") }
    }

    /// This end's address; it stays known after the end.
    ///
    /// asyncio: get_extra_info("sockname")
    open var localAddress: SocketAddress? { nil }

    /// The other end's address; it stays known after the end.
    ///
    /// asyncio: get_extra_info("peername")
    open var remoteAddress: SocketAddress? { nil }

    /// The descriptor, for options; the transport owns it. -1 when there is none any more.
    ///
    /// asyncio: get_extra_info("socket").fileno() · libuv: uv_fileno
    open var fileDescriptor: Int32 { -1 }

    /// Whether small writes go out at once instead of waiting for each other (TCP_NODELAY). It is on for all TCP
    /// connections.
    ///
    /// - Throws: ``IOError`` if the socket is none of TCP, or closed.
    public final func setNoDelay(_ on: Bool) throws {
        try SystemSocket(fileDescriptor).setOption(.noDelay, on ? 1 : 0)
    }

    /// Whether the system looks after an idle connection (SO_KEEPALIVE).
    ///
    /// - Parameter idle: after how much silence, in whole seconds; nil is the system's default.
    /// - Throws: ``IOError`` if the transport is closed; ``EventLoopError`` `.invalidArgument` if `idle` is below a second.
    public final func setKeepAlive(_ on: Bool, idle: Duration? = nil) throws {
        let socket = SystemSocket(fileDescriptor)
        if let idle {
            guard idle >= .seconds(1) else { throw EventLoopError.invalidArgument("idle must be at least a second") }
            try socket.setOption(.keepIdle, Int32(clamping: idle.components.seconds))
        }
        try socket.setOption(.keepAlive, on ? 1 : 0)
    }

    private final func mustOverride(_ member: StaticString) -> Never {
        preconditionFailure("\(type(of: self)) does not override Transport.\(member)")
    }
}

extension ExceptionContext {
    /// The transport that the report is about.
    ///
    /// asyncio: context["transport"]
    public var transport: Transport? { subject as? Transport }
}
