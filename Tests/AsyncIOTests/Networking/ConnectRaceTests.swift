// Real races of connection attempts: refused and silent addresses, losers, cancellation, and errors.

import Glibc
import Testing

@testable import AsyncIO

/// Sockets of the tests that listen on 127.0.0.1.
private struct TestListener {
    let descriptor: Int32
    let address: SocketAddress

    /// A socket that is bound, and listens with so much room for connections that nobody takes; nil refuses them all.
    init(backlog: Int32?) throws {
        let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
        descriptor = socket.descriptor
        try socket.bind(to: IPAddress.loopback.socketName(port: 0), subject: "loopback")
        if let backlog { #expect(listen(descriptor, backlog) == 0) }
        address = try #require(SocketAddress(try socket.localName()))
    }

    func close() { Glibc.close(descriptor) }
}

/// An address that answers nothing: a server whose queue is full.
private struct BlackHole {
    private let listener: TestListener
    private var clients: [SystemSocket] = []

    init(_ loop: EventLoop) async throws {
        listener = try TestListener(backlog: 0)
        let name = try listener.address.socketName(argument: "address")
        for _ in 0..<4 {
            let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            _ = client.connect(to: name)
            clients.append(client)
        }
        try await loop.rounds(1)
    }

    var address: SocketAddress { listener.address }

    func close() {
        for client in clients { client.close() }
        listener.close()
    }
}

@Suite struct ConnectRaceTests {
    private static func race(
        _ loop: EventLoop, _ remotes: [SocketAddress], locals: [SocketAddress] = [], delay: Duration?
    ) async throws -> SocketAddress {
        let (handle, remote) = try await ConnectRace(loop: loop, remotes: remotes, locals: locals, delay: delay).run()
        handle.close()
        return remote
    }

    private static func tcpHandles(_ loop: EventLoop) -> Int {
        loop.uv.openHandles.reduce(0) { $0 + ("\($1.key)".lowercased().contains("tcp") ? $1.value : 0) }
    }

    /// How many timers have neither run nor been cancelled.
    private static func liveTimers(_ loop: EventLoop) -> Int { loop.timers.count - loop.timers.deadCount }

    // MARK: - Who wins

    @Test(arguments: [nil, .seconds(3600)] as [Duration?])
    func refusedAddressIsPassedAtOnce(delay: Duration?) async throws {
        let isRight = try await onLoop { loop in
            let refused = try TestListener(backlog: nil)
            let open = try TestListener(backlog: 5)
            let winner = try await Self.race(loop, [refused.address, open.address], delay: delay)
            let left = Self.liveTimers(loop)
            refused.close()
            open.close()
            return [winner == open.address, left == 0]
        }
        #expect(isRight == [true, true])
    }

    @Test func silentAddressIsPassedAfterTheDelay() async throws {
        let (isRight, timers) = try await onLoop { loop in
            let silent = try await BlackHole(loop)
            let open = try TestListener(backlog: 5)
            let winner = try await Self.race(
                loop, [silent.address, silent.address, open.address], delay: .milliseconds(1))
            let timers = Self.liveTimers(loop)
            try await loop.untilTrue { Self.tcpHandles(loop) == 0 }
            silent.close()
            open.close()
            return (winner == open.address, timers)
        }
        #expect(isRight)
        #expect(timers == 0)
    }

    @Test func addressOfAFamilyWithoutAServerIsPassed() async throws {
        let isRight = try await onLoop { loop in
            let open = try TestListener(backlog: 5)
            let v6 = SocketAddress.ip(.loopbackV6, port: try #require(open.address.port))
            let winner = try await Self.race(loop, [v6, open.address], delay: .seconds(3600))
            open.close()
            return winner == open.address
        }
        #expect(isRight)
    }

    @Test(arguments: [nil, .milliseconds(250)] as [Duration?])
    func localhostReachesAServerOnOneFamily(delay: Duration?) async throws {
        let text = try await onLoop { loop in
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { _, writer in writer.write("hello") }
            return try await server.withClosing {
                let (reader, writer) = try await loop.openConnection(
                    host: "localhost", port: try #require(server.addresses.first?.port), happyEyeballsDelay: delay)
                let text = asText(try await reader.read())
                writer.close()
                return text
            }
        }
        #expect(text == "hello")
    }

    // MARK: - Failures

    @Test func oneErrorIsThrownAsItIs() async throws {
        let code = try await onLoop { loop in
            let refused = try TestListener(backlog: nil)
            let port = try #require(refused.address.port)
            let error = await caught { try await loop.openConnection(host: "127.0.0.1", port: port) }
            refused.close()
            return systemCode(error)
        }
        #expect(code == .connectionRefused)
    }

    @Test func allErrorsAreAGroupOnRequest() async throws {
        let (message, codes) = try await onLoop { loop in
            let refused = try TestListener(backlog: nil)
            let port = try #require(refused.address.port)
            let error = await caught {
                try await loop.openConnection(host: "127.0.0.1", port: port, allErrors: true)
            }
            refused.close()
            let group = error as? ExceptionGroup
            return (group?.message, group?.errors.map(systemCode))
        }
        #expect(message == "create_connection failed")
        #expect(codes == [.connectionRefused])
    }

    @Test func differentErrorsAreSummedUp() async throws {
        let (reason, count) = try await onLoop { loop in
            let first = try TestListener(backlog: nil)
            let second = try TestListener(backlog: nil)
            let error = await caught { try await Self.race(loop, [first.address, second.address], delay: nil) }
            let failure = try #require(error as? ConnectFailure)
            first.close()
            second.close()
            return ((failure.summary(all: false) as? IOError)?.reason ?? "", failure.errors.count)
        }
        #expect(reason.hasPrefix("Multiple exceptions: "))
        #expect(count == 2)
    }

    @Test func equalErrorsAreTheFirstOfThem() async throws {
        let error = try await onLoop { loop in
            let refused = try TestListener(backlog: nil)
            let error = await caught { try await Self.race(loop, [refused.address, refused.address], delay: nil) }
            refused.close()
            return (error as? ConnectFailure)?.summary(all: false) as? IOError
        }
        #expect(error?.code == .connectionRefused)
        #expect(error?.reason.hasPrefix("Multiple") == false)
    }

    @Test func noAddressesAreAnError() async throws {
        let error = try await onLoop { loop in
            let error = await caught { try await Self.race(loop, [], delay: nil) }
            return (error as? ConnectFailure)?.summary(all: false)
        }
        #expect(systemCode(error) == .noAddress)
        #expect((error as? IOError)?.reason == "getaddrinfo() returned empty list")
    }

    @Test func attemptsThatFailAtOnceLeaveNoTimer() async throws {
        let (reasons, timers) = try await onLoop { loop in
            let remotes = (1...3).map { SocketAddress.ip(.loopback, port: $0) }
            let error = await caught {
                try await Self.race(
                    loop, remotes, locals: [.ip(.loopbackV6, port: 0)], delay: .seconds(3600))
            }
            let failure = try #require(error as? ConnectFailure)
            try await loop.untilTrue { Self.tcpHandles(loop) == 0 }
            return (failure.errors.map { ($0 as? IOError)?.reason }, Self.liveTimers(loop))
        }
        #expect(reasons == Array(repeating: "no matching local address with family=IPv4 found", count: 3))
        #expect(timers == 0)
    }

    // MARK: - Cancellation

    @Test func cancellationBreaksEveryAttemptOff() async throws {
        let (result, timers) = try await onLoop { loop in
            let silent = try await BlackHole(loop)
            let remotes = Array(repeating: silent.address, count: 3)
            let task = loop.createTask { try await Self.race(loop, remotes, delay: .milliseconds(1)) }
            try await loop.untilTrue { Self.tcpHandles(loop) == 3 }
            task.cancel()
            let result = await settled(task)
            let timers = Self.liveTimers(loop)
            try await loop.untilTrue { Self.tcpHandles(loop) == 0 }
            silent.close()
            return (result, timers)
        }
        #expect(result == "cancelled")
        #expect(timers == 0)
    }

    @Test func cancellationAtAnyMomentLeavesNoHandle() async throws {
        let bad = try await onLoop { loop in
            let open = try TestListener(backlog: 100)
            var bad: [String] = []
            for rounds in Array(0..<12) + Array(60..<70) {
                let task = loop.createTask { try await Self.race(loop, [open.address], delay: .seconds(3600)) }
                try await loop.rounds(rounds)
                task.cancel()
                let result = await settled(task)
                if result != "cancelled" && !result.hasPrefix("value") { bad.append(result) }
            }
            try await loop.untilTrue { Self.tcpHandles(loop) == 0 }
            open.close()
            return bad
        }
        #expect(bad == [])
    }
}
