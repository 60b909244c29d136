// Helpers of the tests of connections and servers: protocols that remember what they were told, sockets without a
// transport, and folders for Unix sockets.

import Glibc
import Testing

@testable import AsyncIO

/// A protocol that remembers what happened; with `echoes`, it sends back what comes.
final class Guest: StreamProtocol {
    private let loop: EventLoop
    private let echoes: Bool
    private var whenMade: (Transport) throws -> Void
    private(set) var events: [String] = []
    private(set) var received: [UInt8] = []
    private(set) var transport: Transport?
    private(set) var error: (any Error)?
    private var waiters: [(count: Int, future: Future<Void>)] = []
    /// Done when the connection is lost.
    let lost: Future<Void>
    let made: Future<Void>

    init(_ loop: EventLoop, echoes: Bool = false, whenMade: @escaping (Transport) throws -> Void = { _ in }) {
        self.loop = loop
        self.echoes = echoes
        self.whenMade = whenMade
        lost = loop.createFuture()
        made = loop.createFuture()
    }

    func connectionMade(_ transport: Transport) throws {
        events.append("made")
        self.transport = transport
        made.finish(())
        try whenMade(transport)
    }

    func dataReceived(_ data: RawSpan) {
        data.withUnsafeBytes { received += $0 }
        if echoes { transport?.write(data) }
        wake()
    }

    func eofReceived() -> Bool {
        events.append("eof")
        return false
    }

    func connectionLost(_ error: (any Error)?) {
        events.append("lost")
        self.error = error
        transport = nil
        whenMade = { _ in }
        wake()
        lost.finish(())
    }

    private func wake() {
        for waiter in waiters where received.count >= waiter.count || events.last == "lost" { waiter.future.finish(()) }
        waiters.removeAll { $0.future.isDone }
    }

    /// The first `count` bytes as a text; fewer if the connection is lost before.
    func text(_ count: Int) async throws -> String {
        if received.count < count && events.last != "lost" {
            let future = loop.createFuture(of: Void.self)
            waiters.append((count, future))
            try await future.value
        }
        return String(decoding: received.prefix(count), as: UTF8.self)
    }

    /// Closes the connection and waits for its end.
    func leave() async throws {
        transport?.close()
        try await lost.value
    }
}

/// Makes the protocols of a server and keeps them.
final class GuestList {
    private let loop: EventLoop
    private var arrivals: [(count: Int, future: Future<Void>)] = []
    private(set) var all: [Guest] = []

    init(_ loop: EventLoop) { self.loop = loop }

    func welcome(echoes: Bool = false) -> Guest {
        let guest = Guest(loop, echoes: echoes) { [weak self] _ in self?.didArrive() }
        all.append(guest)
        return guest
    }

    private func didArrive() {
        for arrival in arrivals where madeCount >= arrival.count && !arrival.future.isDone {
            arrival.future.finish(())
        }
    }

    private var madeCount: Int { all.count { $0.events.first == "made" } }

    /// The guest of this number, once it is there.
    func guest(_ number: Int) async throws -> Guest {
        if madeCount <= number {
            let future = loop.createFuture(of: Void.self)
            arrivals.append((number + 1, future))
            try await future.value
        }
        return all[number]
    }
}

/// What an operation of the loop throws; nil if nothing.
func errorThrown<Value>(by body: nonisolated(nonsending) () async throws -> Value) async -> (any Error)? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// What an error says of itself.
func text(of error: (any Error)?) -> String { error.map { "\($0)" } ?? "no error" }

extension EventLoop {
    /// How many timers have neither run nor been cancelled.
    var liveTimers: Int { timers.count - timers.deadCount }

    /// Gives way until libuv has polled, and closed what was to be closed, more than once.
    func polls() async throws { try await rounds(4 * IterationBudget.callbacks) }

    /// The open handles of connections and listening sockets.
    var openStreams: [String: Int] { uv.openHandles.filter { ["tcp", "pipe", "poll"].contains($0.key) } }
}

extension Server {
    /// The port of the first address.
    var boundPort: Int { addresses.first?.port ?? -1 }

    func shutDown() async throws {
        close()
        try await waitClosed()
    }
}

extension SystemSocket {
    /// A TCP socket on loopback that listens on a port of the system's choice.
    static func listening(backlog: Int = 5) throws -> SystemSocket {
        let socket = try bound()
        try socket.listen(backlog: backlog, subject: "test")
        return socket
    }

    /// A TCP socket that is bound to loopback.
    static func bound(to address: SocketAddress = .ip(.loopback, 0)) throws -> SystemSocket {
        let socket = try SystemSocket(family: address.family.rawValue, type: SystemConstant.stream)
        try socket.bind(to: try address.socketName(argument: "test"), subject: "test")
        return socket
    }

    /// Two Unix sockets that are connected to each other.
    static func pair(type: Int32 = SystemConstant.stream) throws -> (SystemSocket, SystemSocket) {
        var both: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, type | Int32(SOCK_CLOEXEC.rawValue), 0, &both) == 0 else {
            throw TestError(name: "socketpair")
        }
        return (SystemSocket(both[0]), SystemSocket(both[1]))
    }

    var address: SocketAddress? { (try? localName()).flatMap { SocketAddress($0) } }
    var port: Int { address?.port ?? -1 }
    /// What the descriptor refers to; nil if it is closed.
    var identity: FileIdentity? { try? FileIdentity(descriptor: descriptor) }
}

/// How many sockets the process has open; of use in a process of one's own. Other descriptors do not count: libdispatch
/// opens files now and then.
func countOpenSockets() -> Int {
    (0..<1024).count { (try? FileIdentity(descriptor: Int32($0)))?.isSocket ?? false }
}

/// Lends a new folder for sockets and removes it, with what is in it, afterwards.
func withSocketFolder<Value>(
    _ body: nonisolated(nonsending) (_ folder: String) async throws -> Value
) async throws -> Value {
    var template = Array("/tmp/asyncio-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw TestError(name: "mkdtemp") }
    let folder = String(cString: made)
    defer {
        if let listing = opendir(folder) {
            while let entry = readdir(listing) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                unlink("\(folder)/\(name)")
            }
            closedir(listing)
        }
        rmdir(folder)
    }
    return try await body(folder)
}
