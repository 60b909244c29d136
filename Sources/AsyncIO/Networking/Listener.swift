// A listening socket, and how connections are taken from it.
//
// libuv's own accept loop closes connections without a word when the process runs out of descriptors, and can spin then.
// So the socket is watched with `uv_poll_t` and accepting is done here.

/// Accepts connections on one listening socket.
final class Listener {
    /// How long accepting pauses when the process has no descriptors left, if none becomes free before.
    static let pauseAfterExhaustion = Duration.seconds(1)

    let address: SocketAddress
    private let socket: SystemSocket
    private let loop: EventLoop
    private let backlog: Int
    private let accepted: (SystemSocket, SocketAddress?) -> Void
    private let exhausted: (IOError) -> Void
    private var poll: UVPoll?
    private var retry: TimerHandle?
    private var isClosed = false

    /// Takes a bound socket over.
    init(
        _ socket: SystemSocket, address: SocketAddress, loop: EventLoop, backlog: Int,
        accepted: @escaping (SystemSocket, SocketAddress?) -> Void, exhausted: @escaping (IOError) -> Void
    ) {
        self.socket = socket
        self.address = address
        self.loop = loop
        self.backlog = backlog
        self.accepted = accepted
        self.exhausted = exhausted
        loop.network.own(socket.descriptor)
    }

    deinit { assert(isClosed, "a listening socket was dropped open") }

    /// Begins to listen.
    func start() throws {
        try socket.listen(backlog: backlog, subject: address.description)
        let poll = try UVPoll(on: loop.uv, descriptor: socket.descriptor) { [self] _, status in
            acceptAll()
            // libuv has stopped to watch.
            if status < 0 && !isClosed && retry == nil {
                pause(IOError(uvStatus: status, operation: "poll", subject: address.description))
            }
        }
        do { try poll.watch(.readable) } catch {
            poll.close()
            throw error
        }
        self.poll = poll
    }

    /// Accepts nothing any more; the socket stays bound.
    func stop() {
        retry?.cancel()
        retry = nil
        poll?.close()
        poll = nil
    }

    /// Stops listening and closes the socket, unless it is the caller's.
    func close(keepingDescriptor: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        // The watch goes before the descriptor: its number may be somebody else's at once.
        stop()
        loop.network.disown(socket.descriptor)
        if !keepingDescriptor { socket.close() }
    }

    private func acceptAll() {
        for _ in 0..<max(backlog, 1) {
            guard !isClosed, retry == nil else { return }
            let (status, peer) = socket.accept()
            guard status < 0 else {
                accepted(SystemSocket(status), SocketAddress(peer))
                continue
            }
            if status == IOError.Code.wouldBlock.rawValue { return }
            // Something is wrong with that connection; there may be others.
            if SystemSocket.saysThatOneConnectionFailed(status) { continue }
            return pause(IOError(uvStatus: status, operation: "accept", subject: address.description))
        }
    }

    /// Leaves connections in the system's queue for a while.
    private func pause(_ error: IOError) {
        try? poll?.watch([])
        retry = loop.callLater(after: Self.pauseAfterExhaustion) { [self] in resume() }
        exhausted(error)
    }

    /// Goes on after a pause; also when a descriptor has become free before its end.
    func resume() {
        guard !isClosed, let retry else { return }
        retry.cancel()
        self.retry = nil
        do { try poll?.watch(.readable) } catch {
            self.retry = loop.callLater(after: Self.pauseAfterExhaustion) { [self] in resume() }
        }
    }

    /// Whether accepting pauses.
    var isPaused: Bool { retry != nil }
    var descriptor: Int32 { isClosed ? -1 : socket.descriptor }
}
