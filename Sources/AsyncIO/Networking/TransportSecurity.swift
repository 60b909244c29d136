// The place for TLS: another library implements it.

/// Secures connections: an implementation of TLS.
///
/// This library brings none. Pass one as `tls:` when you connect or listen, or as `context:` to ``EventLoop/startTLS(_:protocol:context:serverSide:serverHostname:)``.
///
/// asyncio: ssl.SSLContext
public protocol TransportSecurity {
    /// Makes the handshake over a connected transport and returns a transport for plain bytes.
    ///
    /// `transport` is paused and its protocol does nothing. Set ``Transport/transportProtocol`` to one of your own, make
    /// the handshake, and return a subclass of ``Transport`` that is paused: nothing may reach `connection` before
    /// its ``Transport/resumeReading()`` is called. Do not call `connectionMade`; call everything else of
    /// `connection`. When you throw, `transport` is aborted.
    ///
    /// - Parameters:
    ///   - connection: the program's protocol.
    ///   - serverSide: whether this is the server's side of the handshake.
    ///   - serverHostname: the name that the server's certificate has to be for; nil on the server's side.
    func secure(
        _ transport: Transport, for connection: any ConnectionProtocol, serverSide: Bool, serverHostname: String?
    ) async throws -> Transport
}

extension EventLoop {
    /// Turns a connection that is open into a secure one. Reading pauses meanwhile, so no byte is lost; `connectionMade` is
    /// not called again.
    ///
    /// **Cancellation:** aborts the connection.
    ///
    /// - Parameters:
    ///   - transport: the connection; use only the result afterwards.
    ///   - connection: what the secure connection tells what happens.
    ///   - context: the implementation of TLS.
    /// - Throws: ``EventLoopError`` `.unsupported` without a context, `.transportClosing`; what the handshake throws.
    ///
    /// asyncio: loop.start_tls
    public func startTLS(
        _ transport: Transport, protocol connection: any ConnectionProtocol, context: (any TransportSecurity)?,
        serverSide: Bool = false, serverHostname: String? = nil
    ) async throws -> Transport {
        try checkOpen("startTLS")
        guard let context else {
            throw EventLoopError(
                .unsupported, "context: this library has no TLS of its own; pass an implementation of TransportSecurity"
            )
        }
        if serverSide && serverHostname != nil {
            throw EventLoopError.invalidArgument("server_hostname is only meaningful for the client's side")
        }
        if transport.isClosing { throw EventLoopError(.transportClosing, "Transport is closing") }
        let secured = try await secure(
            transport, for: connection, with: context, serverSide: serverSide, serverHostname: serverHostname)
        secured.resumeReading()
        return secured
    }

    /// Makes the handshake on a connection; the result is paused.
    func secure(
        _ transport: Transport, for connection: any ConnectionProtocol, with context: any TransportSecurity,
        serverSide: Bool, serverHostname: String?
    ) async throws -> Transport {
        if transport.isClosing { throw EventLoopError(.transportClosing, "Transport is closing") }
        transport.pauseReading()
        do {
            return try await context.secure(
                transport, for: connection, serverSide: serverSide, serverHostname: serverHostname)
        } catch {
            transport.abort()
            throw error
        }
    }
}
