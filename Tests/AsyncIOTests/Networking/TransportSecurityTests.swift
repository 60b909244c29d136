// The place for TLS: what the library asks of an implementation, and what it makes of its answer.

import Testing

@testable import AsyncIO

@Suite struct TransportSecurityTests {
    // MARK: - Secure from the beginning

    @Test func bothEndsOfAConnectionAreSecured() async throws {
        try await onLoop { loop in
            let (security, guests) = (Scrambler(), GuestList(loop))
            let server = try await loop.createServer(host: "127.0.0.1", port: 0, tls: security) {
                guests.welcome(echoes: true)
            }
            let (transport, guest) = try await loop.createConnection(
                host: "127.0.0.1", port: server.boundPort, tls: security, serverHostname: "example.org"
            ) { Guest(loop) }
            #expect(transport is ScrambledTransport)
            #expect(guest.events == ["made"])
            #expect(guest.transport === transport)
            transport.write("secret")
            #expect(try await guest.text(6) == "secret")
            #expect(try await guests.guest(0).transport is ScrambledTransport)
            #expect(Set(security.handshakes) == ["server", "client of example.org"])
            try await guest.leave()
            try await server.shutDown()
            #expect(guest.events == ["made", "lost"])
            #expect(guests.all.map(\.events) == [["made", "eof", "lost"]])
        }
    }

    @Test func whatGoesOverTheWireIsNotPlain() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            defer { listener.close() }
            let port = listener.port
            let connecting = loop.createTask {
                try await loop.createConnection(host: "127.0.0.1", port: port, tls: Scrambler()) { Guest(loop) }
                    .protocol
            }
            let (wire, _) = try await loop.sockAccept(listener.descriptor)
            try await loop.sockSendAll(wire, Array("h".utf8))
            #expect(try await loop.sockRecv(wire, 1) == Array("h".utf8))
            let guest = try await connecting.value
            guest.transport?.write("a")
            #expect(try await loop.sockRecv(wire, 1) == [0x61 ^ Scrambler.mask])
            SystemSocket(wire).close()
            try await guest.lost.value
        }
    }

    @Test func hostIsTheNameOfTheServerUnlessGiven() async throws {
        try await onLoop { loop in
            let (server, client) = (Scrambler(), Scrambler())
            let listening = try await loop.createServer(host: "127.0.0.1", port: 0, tls: server) { Guest(loop) }
            let (_, guest) = try await loop.createConnection(
                host: "127.0.0.1", port: listening.boundPort, tls: client
            ) { Guest(loop) }
            #expect(client.handshakes == ["client of 127.0.0.1"])
            #expect(server.handshakes == ["server"])
            try await guest.leave()
            try await listening.shutDown()
        }
    }

    @Test func bytesThatComeWithTheHelloArriveAfterConnectionMade() async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { theirs.close() }
            let bytes = Array("h".utf8) + Array("early".utf8).map { $0 ^ Scrambler.mask }
            #expect(bytes.withUnsafeBytes { theirs.send($0) } == bytes.count)
            let (_, guest) = try await loop.connectAcceptedSocket(fileDescriptor: mine.descriptor, tls: Scrambler()) {
                Guest(loop) { _ in }
            }
            #expect(try await guest.text(5) == "early")
            #expect(guest.events == ["made"])
            try await guest.leave()
        }
    }

    @Test func unixConnectionIsSecured() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let (security, path) = (Scrambler(), "\(folder)/socket")
                let server = try await loop.createUnixServer(path: path, tls: security) { Guest(loop, echoes: true) }
                let (transport, guest) = try await loop.createUnixConnection(
                    path: path, tls: security, serverHostname: "example.org"
                ) { Guest(loop) }
                transport.write("secret")
                #expect(try await guest.text(6) == "secret")
                try await guest.leave()
                try await server.shutDown()
            }
        }
    }

    // MARK: - Handshakes that fail

    @Test func failedHandshakeOfTheClientIsThrownAndTheConnectionAborted() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let (security, guest) = (Scrambler(), Guest(loop))
            security.failure = TestError(name: "handshake")
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: server.boundPort, tls: security) { guest }
            }
            #expect(error as? TestError == TestError(name: "handshake"))
            #expect(guest.events == [])
            try await guests.guest(0).lost.value
            try await server.shutDown()
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test func failedHandshakeOfTheServerIsReportedAndTheServerGoesOn() async throws {
        try await onLoop { loop in
            let (reports, security, guests) = (Reports(of: loop), Scrambler(), GuestList(loop))
            let server = try await loop.createServer(host: "127.0.0.1", port: 0, tls: security) { guests.welcome() }
            security.failure = TestError(name: "handshake")
            let (_, unlucky) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop)
            }
            try await unlucky.lost.value
            #expect(reports.all.map { $0.exception as? TestError } == [TestError(name: "handshake")])
            #expect(guests.all.map(\.events) == [[]])
            security.failure = nil
            let (_, guest) = try await loop.createConnection(
                host: "127.0.0.1", port: server.boundPort, tls: security
            ) { Guest(loop) }
            try await guest.leave()
            try await server.shutDown()
        }
    }

    @Test func cancelDuringTheHandshakeAbortsTheConnection() async throws {
        try await onLoop { loop in
            // This server never says hello.
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let (port, guest) = (server.boundPort, Guest(loop))
            let task = loop.createTask {
                try await loop.createConnection(host: "127.0.0.1", port: port, tls: Scrambler()) { guest }.transport
            }
            #expect(try await guests.guest(0).text(1) == "h")
            task.cancel()
            #expect(await settled(task) == "cancelled")
            #expect(guest.events == [])
            try await guests.guest(0).lost.value
            try await server.shutDown()
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test func connectionThatEndsInTheHandshakeFailsIt() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) { $0.close() } }
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: server.boundPort, tls: Scrambler()) {
                    Guest(loop)
                }
            }
            #expect(error != nil)
            try await server.shutDown()
        }
    }

    @Test(arguments: 0..<8)
    func clientsThatAreClosedBeforeTheirHandshakeDoNotLeaveATaskBehind(rounds: Int) async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0, tls: Scrambler()) { Guest(loop) }
            let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            try await loop.sockConnect(client.descriptor, try #require(server.addresses.first))
            while server.clientCount == 0 { try await loop.rounds(1) }
            try await loop.rounds(rounds)
            server.closeClients()
            try await server.shutDown()
            try await loop.polls()
            // Only this test's own task is left.
            #expect(loop.tasks.count == 1)
            #expect(reports.all.count == 1)
            client.close()
        }
    }

    @Test func clientThatIsClosedBeforeItsHandshakeBeganDoesNotLeaveATaskBehind() async throws {
        try await onLoop { loop in
            let (reports, server) = (Reports(of: loop), Variable<Server>())
            let isClosed = loop.createFuture(of: Void.self)
            let listening = try await loop.createServer(host: "127.0.0.1", port: 0, tls: Scrambler()) {
                // After the factory, and before the handshake.
                loop.callSoon {
                    server.value?.closeClients()
                    isClosed.finish(())
                }
                return Guest(loop)
            }
            server.value = listening
            let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            try await loop.sockConnect(client.descriptor, try #require(listening.addresses.first))
            try await isClosed.value
            try await listening.shutDown()
            try await loop.polls()
            // Only this test's own task is left.
            #expect(loop.tasks.count == 1)
            #expect(reports.all.count <= 1)
            client.close()
        }
    }

    // MARK: - Secure later

    @Test func openConnectionIsUpgradedOnBothEnds() async throws {
        try await onLoop { loop in
            let security = Scrambler()
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop)
            }
            transport.write("plain")
            let other = try await guests.guest(0)
            #expect(try await other.text(5) == "plain")
            let accepted = try #require(other.transport)
            let accepting = loop.createTask {
                try await loop.startTLS(accepted, protocol: other, context: security, serverSide: true)
            }
            let secured = try await loop.startTLS(
                transport, protocol: guest, context: security, serverHostname: "example.org")
            _ = try await accepting.value
            #expect(Set(security.handshakes) == ["server", "client of example.org"])
            secured.write("secret")
            #expect(try await other.text(11) == "plainsecret")
            // `connectionMade` is not called again.
            #expect(guest.events == ["made"])
            #expect(other.events == ["made"])
            secured.close()
            try await guest.lost.value
            try await server.shutDown()
            #expect(other.events == ["made", "eof", "lost"])
        }
    }

    @Test func upgradeIsRefusedWithoutAContextAndLeavesTheConnectionAlone() async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { theirs.close() }
            let (transport, guest) = try await loop.createConnection(fileDescriptor: mine.descriptor) { Guest(loop) }
            let noContext = await errorThrown { try await loop.startTLS(transport, protocol: guest, context: nil) }
            #expect(loopCode(noContext) == .unsupported)
            let wrongSide = await errorThrown {
                try await loop.startTLS(
                    transport, protocol: guest, context: Scrambler(), serverSide: true, serverHostname: "example.org")
            }
            #expect(loopCode(wrongSide) == .invalidArgument)
            #expect(transport.isReading)
            try await guest.leave()
            let closed = await errorThrown { try await loop.startTLS(transport, protocol: guest, context: Scrambler()) }
            #expect(loopCode(closed) == .transportClosing)
        }
    }

    @Test func failedUpgradeAbortsTheConnection() async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { theirs.close() }
            let (transport, guest) = try await loop.createConnection(fileDescriptor: mine.descriptor) { Guest(loop) }
            let security = Scrambler()
            security.failure = TestError(name: "handshake")
            let error = await errorThrown { try await loop.startTLS(transport, protocol: guest, context: security) }
            #expect(error as? TestError == TestError(name: "handshake"))
            try await guest.lost.value
        }
    }

    // MARK: - Arguments

    @Test func nameOfTheServerWithoutTLSIsRefused() async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { for socket in [mine, theirs] { socket.close() } }
            let (name, descriptor) = ("example.org", mine.descriptor)
            let errors = [
                await errorThrown {
                    try await loop.createConnection(host: "127.0.0.1", port: 1, serverHostname: name) { Guest(loop) }
                },
                await errorThrown {
                    try await loop.createConnection(fileDescriptor: descriptor, serverHostname: name) { Guest(loop) }
                },
                await errorThrown {
                    try await loop.createUnixConnection(path: "/tmp/nobody", serverHostname: name) { Guest(loop) }
                },
                await errorThrown {
                    try await loop.createUnixConnection(fileDescriptor: descriptor, serverHostname: name) {
                        Guest(loop)
                    }
                },
            ]
            #expect(errors.map { loopCode($0) } == Array(repeating: .invalidArgument, count: 4))
            #expect(mine.identity != nil)
        }
    }

    @Test func tlsWithoutAHostNeedsTheNameOfTheServer() async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { for socket in [mine, theirs] { socket.close() } }
            let descriptor = mine.descriptor
            let errors = [
                await errorThrown {
                    try await loop.createConnection(fileDescriptor: descriptor, tls: Scrambler()) { Guest(loop) }
                },
                await errorThrown {
                    try await loop.createUnixConnection(path: "/tmp/nobody", tls: Scrambler()) { Guest(loop) }
                },
                await errorThrown {
                    try await loop.createUnixConnection(fileDescriptor: descriptor, tls: Scrambler()) { Guest(loop) }
                },
            ]
            #expect(errors.map { loopCode($0) } == Array(repeating: .invalidArgument, count: 3))
            #expect(mine.identity != nil)
        }
    }
}
