// The sections about datagrams and names.

import AsyncIO

// MARK: - Datagrams

/// Sends each datagram back to where it came from.
private final class Reflector: DatagramProtocol {
    private var transport: DatagramTransport?

    func connectionMade(_ transport: DatagramTransport) { self.transport = transport }
    func datagramReceived(_ data: RawSpan, from address: SocketAddress) { transport?.send(data, to: address) }
    func connectionLost(_ error: (any Error)?) { transport = nil }
}

/// Resolves a future with the next datagram.
private final class Receiver: DatagramProtocol {
    private var next: Future<[UInt8]>?

    func expect(_ loop: EventLoop) -> Future<[UInt8]> {
        let future = loop.createFuture(of: [UInt8].self)
        next = future
        return future
    }

    func datagramReceived(_ data: RawSpan, from address: SocketAddress) throws {
        if let next, !next.isDone { try next.setResult(data.withUnsafeBytes { Array($0) }) }
    }

    func errorReceived(_ error: any Error) throws {
        if let next, !next.isDone { try next.setException(error) }
    }
}

/// Datagrams of growing size go to a socket and come back.
func exchangeDatagrams(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let loopback = SocketAddress.ip(.loopback, port: 0)
    let (reflecting, _) = try await loop.createDatagramEndpoint(localAddress: loopback) { Reflector() }
    defer { reflecting.close() }
    let (sending, receiver) = try await loop.createDatagramEndpoint(remoteAddress: reflecting.localAddress) {
        Receiver()
    }
    defer { sending.close() }
    let sizes = [0, 1, 512, 1472, 9000, 60_000]
    for size in sizes {
        let datagram = randomBytes(size)
        try await deliver(datagram, sending, receiver)
    }
    ledger.count("datagrams", since: begin)
    ledger.note("datagrams", "\(sizes.count) there and back, up to \(sizes.last ?? 0) bytes")
}

/// Sends a datagram until it comes back: nothing promises that one does.
private func deliver(_ datagram: [UInt8], _ transport: DatagramTransport, _ receiver: Receiver) async throws {
    let loop = transport.loop
    while true {
        let answer = receiver.expect(loop)
        transport.send(datagram)
        let impatience = loop.callLater(after: .seconds(1)) { answer.cancel() }
        defer { impatience.cancel() }
        do {
            let bytes = try await answer.value
            // What an earlier attempt had lost may come late.
            if bytes == datagram { return }
        } catch is CancellationError where answer.isCancelled && loop.currentTask?.cancelling == 0 {}
    }
}

// MARK: - Names

/// The resolver runs in the pool. Every system knows this machine as `localhost`.
func lookUpLocalhost(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let answers = try await loop.getAddrInfo(host: "localhost", port: 80, type: .stream)
    let loopbacks: [SocketAddress] = [.ip(.loopback, port: 80), .ip(.loopbackV6, port: 80)]
    let addresses = answers.map(\.address)
    try verify(addresses.contains { loopbacks.contains($0) }, "localhost is at \(addresses)")
    ledger.count("DNS lookup", since: begin)
    ledger.note("DNS lookup", "localhost is " + addresses.map { "\($0)" }.joined(separator: " and "))
}
