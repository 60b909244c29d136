// A child process as a protocol sees it.

/// A protocol that is told what happens to a child process. `pauseWriting` and `resumeWriting` are about its standard input.
/// Every method has a default that does nothing; an error that one throws goes to the loop's exception handler.
///
/// asyncio: SubprocessProtocol
public protocol SubprocessProtocol: BaseProtocol {
    /// The first call: the child runs.
    ///
    /// asyncio: BaseProtocol.connection_made
    func connectionMade(_ transport: SubprocessTransport) throws

    /// The child has written something.
    ///
    /// - Parameters:
    ///   - descriptor: 1 for its standard output, 2 for its standard error.
    ///   - data: what it has written; the memory is lent for the call.
    ///
    /// asyncio: SubprocessProtocol.pipe_data_received
    func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) throws

    /// A pipe is closed: by the child, or by this process.
    ///
    /// - Parameters:
    ///   - descriptor: 0, 1 or 2.
    ///   - error: why, if that was not in order.
    ///
    /// asyncio: SubprocessProtocol.pipe_connection_lost
    func pipeConnectionLost(_ descriptor: Int32, _ error: (any Error)?) throws

    /// The child has ended. Its pipes may have more to read. `connectionLost` follows when they are closed.
    ///
    /// asyncio: SubprocessProtocol.process_exited
    func processExited() throws
}

extension SubprocessProtocol {
    /// Does nothing.
    public func connectionMade(_ transport: SubprocessTransport) throws {}
    /// Does nothing.
    public func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) throws {}
    /// Does nothing.
    public func pipeConnectionLost(_ descriptor: Int32, _ error: (any Error)?) throws {}
    /// Does nothing.
    public func processExited() throws {}
}

/// A child process and its pipes.
///
/// The loop keeps it and its protocol alive until `connectionLost` has been called.
///
/// asyncio: SubprocessTransport · libuv: uv_process_t
public final class SubprocessTransport {
    private enum Phase {
        case created
        case open(RunningChild)
        /// `connectionLost` has been scheduled, or called.
        case closed(RunningChild)
    }

    /// The loop that the transport belongs to.
    public let loop: EventLoop
    private var phase = Phase.created
    fileprivate var connection: any SubprocessProtocol
    /// The protocol after the end, when the two no longer keep each other alive.
    private weak var formerConnection: (any SubprocessProtocol)?
    /// All pipes that there were, by the child's numbers.
    private var pipes: [Int32: SocketTransport] = [:]
    private var openPipes = 0
    private var wasClosed = false

    init(loop: EventLoop, connection: any SubprocessProtocol) {
        self.loop = loop
        self.connection = connection
    }

    /// Begins: first the protocol hears of the transport, then the pipes are read.
    func begin(_ child: RunningChild, _ pipes: [Int32: SocketTransport]) {
        phase = .open(child)
        self.pipes = pipes
        openPipes = pipes.count
        loop.processState.transports[ObjectIdentifier(self)] = self
        loop.ready.pointee.ring.push(
            .callback { [self] in tell("connectionMade") { try connection.connectionMade(self) } })
        for number in pipes.keys.sorted() { pipes[number]?.begin() }
        child.whenEnded = { [self] in childDidEnd() }
    }

    private var child: RunningChild? {
        switch phase {
        case .created: nil
        case .open(let child), .closed(let child): child
        }
    }

    // MARK: - The program's side

    /// The child's number; it stays known after the end.
    ///
    /// asyncio: SubprocessTransport.get_pid
    public var pid: Int32 { child?.pid ?? -1 }

    /// As ``ChildProcess/returnCode``.
    ///
    /// asyncio: SubprocessTransport.get_returncode
    public var returnCode: Int32? { child?.returnCode }

    /// The protocol that is told what happens. A new one gets everything from the next event on; its `connectionMade` is not
    /// called.
    ///
    /// asyncio: BaseTransport.set_protocol, BaseTransport.get_protocol
    public var transportProtocol: any SubprocessProtocol {
        get { formerConnection ?? connection }
        set {
            loop.canTouch("SubprocessTransport.transportProtocol")
            if hasLetGo { formerConnection = newValue } else { connection = newValue }
        }
    }

    /// The transport of a pipe, also after its end; nil for streams that are not pipes.
    ///
    /// - Parameter descriptor: 0, 1 or 2.
    ///
    /// asyncio: SubprocessTransport.get_pipe_transport
    public func pipeTransport(_ descriptor: Int32) -> Transport? { pipes[descriptor] }

    /// Sends the child a signal; after its end nothing happens.
    ///
    /// asyncio: SubprocessTransport.send_signal · libuv: uv_process_kill
    public func sendSignal(_ signal: Signal) { child?.send(signal) }

    /// Asks the child to end: SIGTERM.
    ///
    /// asyncio: SubprocessTransport.terminate · libuv: uv_process_kill
    public func terminate() { sendSignal(.terminate) }

    /// Ends the child: SIGKILL.
    ///
    /// asyncio: SubprocessTransport.kill · libuv: uv_process_kill
    public func kill() { sendSignal(.kill) }

    /// Closes the pipes, and kills the child if it runs. It is reaped, and `connectionLost` is called then. A child that this
    /// process may not kill goes on until it ends by itself. Doing it twice does nothing the second time.
    ///
    /// asyncio: SubprocessTransport.close
    public func close() {
        loop.canTouch("SubprocessTransport.close")
        guard !wasClosed else { return }
        wasClosed = true
        for pipe in pipes.values { pipe.close() }
        child?.send(.kill, reportsRefusal: false)
    }

    /// Whether ``close()`` has been called, or everything is over.
    ///
    /// asyncio: BaseTransport.is_closing
    public var isClosing: Bool {
        if case .closed = phase { return true }
        return wasClosed
    }

    // MARK: - What happens

    private func childDidEnd() {
        loop.ready.pointee.ring.push(
            .callback { [self] in
                tell("processExited") { try connection.processExited() }
                finishIfOver()
            })
    }

    fileprivate func pipeDidClose(_ descriptor: Int32, _ error: (any Error)?) {
        openPipes -= 1
        tell("pipeConnectionLost") { try connection.pipeConnectionLost(descriptor, error) }
        finishIfOver()
    }

    private func finishIfOver() {
        guard case .open(let child) = phase, child.returnCode != nil, openPipes == 0 else { return }
        phase = .closed(child)
        loop.ready.pointee.ring.push(
            .callback { [self] in
                tell("connectionLost") { try connection.connectionLost(nil) }
                letGo()
            })
    }

    /// Protocols hold their transport, as a rule: from now on it does not hold them.
    func letGo() {
        guard !hasLetGo else { return }
        formerConnection = connection
        connection = FormerProtocol.shared
        (loop.slots.processes as? ProcessState)?.transports[ObjectIdentifier(self)] = nil
    }

    private var hasLetGo: Bool { connection === FormerProtocol.shared }

    fileprivate func tell(_ call: StaticString, _ body: () throws -> Void) {
        loop.observing("\(type(of: connection)).\(call)") {
            do { try body() } catch { loop.report("Exception in protocol.\(call)()", error, about: self) }
        }
    }
}

/// Stands in for a protocol that has been told everything.
private final class FormerProtocol: SubprocessProtocol, Sendable {
    static let shared = FormerProtocol()
}

/// The protocol of our end of a child's pipe: passes everything on.
final class ChildPipe: StreamProtocol {
    private let number: Int32
    private let transport: SubprocessTransport

    init(_ number: Int32, of transport: SubprocessTransport) {
        self.number = number
        self.transport = transport
    }

    // An error of the program's ends neither the pipe nor what comes after it.
    func dataReceived(_ data: RawSpan) {
        transport.tell("pipeDataReceived") { try transport.connection.pipeDataReceived(number, data) }
    }

    func connectionLost(_ error: (any Error)?) { transport.pipeDidClose(number, error) }
    func pauseWriting() throws { try transport.connection.pauseWriting() }
    func resumeWriting() throws { try transport.connection.resumeWriting() }
}
