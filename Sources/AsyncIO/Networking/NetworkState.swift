// What a loop keeps for its connections.

/// The state of a loop's network layer.
final class NetworkState: LoopAttachment {
    /// Memory for bytes in transit.
    let pool = BlockPool()
    /// Stands in where a connection has no protocol of the program's.
    let placeholder = PlaceholderProtocol()
    let datagramPlaceholder = PlaceholderDatagramProtocol()
    /// Who watches which descriptor.
    @exclusivity(unchecked) var watches: [Int32: DescriptorWatch] = [:]
    /// The servers that listen, and those that were closed and have connections still.
    @exclusivity(unchecked) var servers = PointerTable<Server>()
    /// The descriptors that transports and servers own, a bit each.
    @exclusivity(unchecked) private var owned: [UInt64] = []

    func loopDidClose() {
        let all = watches.values
        watches = [:]
        for watch in all { watch.loopDidClose() }
        for server in servers.values { server.loopDidClose() }
        servers = PointerTable()
    }

    func own(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        let word = Int(descriptor) / 64
        while owned.count <= word { owned.append(0) }
        owned[word] |= 1 << (UInt64(descriptor) % 64)
    }

    func disown(_ descriptor: Int32) {
        guard isOwned(descriptor) else { return }
        owned[Int(descriptor) / 64] &= ~(1 << (UInt64(descriptor) % 64))
    }

    func isOwned(_ descriptor: Int32) -> Bool {
        guard descriptor >= 0, Int(descriptor) / 64 < owned.count else { return false }
        return owned[Int(descriptor) / 64] & (1 << (UInt64(descriptor) % 64)) != 0
    }
}

/// The protocol of a connection before a handshake, and after the end. It ignores everything.
final class PlaceholderProtocol: ConnectionProtocol {}

/// The same for datagrams.
final class PlaceholderDatagramProtocol: DatagramProtocol {}

extension EventLoop {
    var network: NetworkState {
        if let state = slots.network {
            // SAFETY: nothing else is ever put there.
            return unsafeDowncast(state, to: NetworkState.self)
        }
        _ = System.ignoreBrokenPipes
        let state = NetworkState()
        if phase != .closing && phase != .closed { slots.network = state }
        return state
    }

    /// Throws unless this is the loop's thread and the loop is open.
    func checkOpen(_ call: StaticString) throws {
        canTouch(call)
        if isClosed || phase == .closing { throw EventLoopError.closed }
    }

    /// Throws for a number that no descriptor has.
    func checkDescriptor(_ descriptor: Int32) throws {
        if descriptor < 0 {
            throw EventLoopError.invalidArgument("fileDescriptor: Invalid file descriptor: \(descriptor)")
        }
    }

    /// The last moment for a cancellation before a descriptor of the program's is taken over: afterwards nothing fails that
    /// need not, and the descriptor is no longer the caller's.
    func waitToAdopt(_ descriptor: Int32) async throws {
        try await yieldOneRound()
        try checkNotOwned(descriptor)
    }

    /// Throws if a transport or a server owns the descriptor.
    func checkNotOwned(_ descriptor: Int32) throws {
        if network.isOwned(descriptor) {
            throw EventLoopError(.descriptorInUse, "File descriptor \(descriptor) is used by a transport")
        }
    }

    /// Waits until `connectionMade`, which has been scheduled, has been called. Nothing can break this wait off but the end of
    /// the loop.
    func waitForBeginning(orElse giveUp: () -> Void) async throws {
        await withUnsafeContinuation { continuation in ready.pointee.ring.push(.resume(continuation)) }
        guard ready.pointee.isClosing else { return }
        giveUp()
        throw CancellationError()
    }

    /// Whether the current task was cancelled while it waited for what cannot be broken off.
    func takeCancellation() -> Bool {
        currentScheduledTask?.takePendingCancellation() ?? Task.isCancelled
    }
}
