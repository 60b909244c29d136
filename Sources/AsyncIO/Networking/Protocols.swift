// What a program implements to be told what happens on a connection.

/// What all protocols have: the end of the connection, and flow control. Every method has a default that does nothing.
///
/// Protocols are called on the loop's thread. An error that a method throws goes to the loop's exception handler.
///
/// asyncio: BaseProtocol
public protocol BaseProtocol: AnyObject {
    /// The last call: the connection is closed. `error` is nil after an end of the stream, after `close()` and `abort()`.
    ///
    /// asyncio: BaseProtocol.connection_lost
    func connectionLost(_ error: (any Error)?) throws

    /// More than the high-water mark waits to be written: stop writing.
    ///
    /// asyncio: BaseProtocol.pause_writing
    func pauseWriting() throws

    /// What waits to be written has fallen to the low-water mark: go on.
    ///
    /// asyncio: BaseProtocol.resume_writing
    func resumeWriting() throws
}

extension BaseProtocol {
    /// Does nothing.
    public func connectionLost(_ error: (any Error)?) throws {}
    /// Does nothing.
    public func pauseWriting() throws {}
    /// Does nothing.
    public func resumeWriting() throws {}
}

/// A protocol of a connection: ``StreamProtocol`` or ``BufferedProtocol``.
public protocol ConnectionProtocol: BaseProtocol {
    /// The first call: the connection is made. Nothing is read before this returns.
    ///
    /// asyncio: BaseProtocol.connection_made
    func connectionMade(_ transport: Transport) throws

    /// The other end has sent everything.
    ///
    /// - Returns: true to keep the connection open for writing; false, the default, to close it.
    ///
    /// asyncio: Protocol.eof_received
    func eofReceived() throws -> Bool
}

extension ConnectionProtocol {
    /// Does nothing.
    public func connectionMade(_ transport: Transport) throws {}
    /// Closes the connection.
    public func eofReceived() throws -> Bool { false }
}

/// A protocol that is lent the bytes that come.
///
/// ```swift
/// final class Echo: StreamProtocol {
///     private var transport: Transport?
///     func connectionMade(_ transport: Transport) { self.transport = transport }
///     func dataReceived(_ data: RawSpan) { transport?.write(data) }
/// }
/// ```
///
/// asyncio: Protocol
public protocol StreamProtocol: ConnectionProtocol {
    /// Bytes have come: any number of them, at least one. The memory is the loop's, and lent for this call. An error closes
    /// the connection.
    ///
    /// asyncio: Protocol.data_received · libuv: uv_read_cb
    func dataReceived(_ data: RawSpan) throws
}

extension StreamProtocol {
    /// Does nothing.
    public func dataReceived(_ data: RawSpan) throws {}
}

/// A protocol that says where the bytes that come are to go.
///
/// asyncio: BufferedProtocol
public protocol BufferedProtocol: ConnectionProtocol {
    /// Memory for the next bytes, which stays valid until ``bufferUpdated(_:)`` or ``BaseProtocol/connectionLost(_:)``.
    /// An empty buffer, or an error, closes the connection.
    ///
    /// - Parameter sizeHint: how much would be useful; -1 if that is not known.
    ///
    /// asyncio: BufferedProtocol.get_buffer · libuv: uv_alloc_cb
    func getBuffer(_ sizeHint: Int) throws -> UnsafeMutableRawBufferPointer

    /// So many bytes, at least one, are in the buffer. An error closes the connection.
    ///
    /// asyncio: BufferedProtocol.buffer_updated
    func bufferUpdated(_ count: Int) throws
}

/// A protocol for datagrams.
///
/// asyncio: DatagramProtocol
public protocol DatagramProtocol: BaseProtocol {
    /// The first call: the socket is ready.
    ///
    /// asyncio: BaseProtocol.connection_made
    func connectionMade(_ transport: DatagramTransport) throws

    /// A datagram has come, possibly an empty one. The memory is lent for the call. An error is reported, and the socket
    /// stays open.
    ///
    /// asyncio: DatagramProtocol.datagram_received · libuv: uv_udp_recv_cb
    func datagramReceived(_ data: RawSpan, from address: SocketAddress) throws

    /// A datagram could not be sent or received; the socket stays open.
    ///
    /// asyncio: DatagramProtocol.error_received
    func errorReceived(_ error: any Error) throws
}

extension DatagramProtocol {
    /// Does nothing.
    public func connectionMade(_ transport: DatagramTransport) throws {}
    /// Does nothing.
    public func datagramReceived(_ data: RawSpan, from address: SocketAddress) throws {}
    /// Does nothing.
    public func errorReceived(_ error: any Error) throws {}
}
