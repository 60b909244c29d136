// Connecting to a host and port: what the program gets, and what it is told when that fails.

import Testing

@testable import AsyncIO

@Suite struct CreateConnectionTests {
    // MARK: - Success

    @Test(arguments: ["127.0.0.1", "::1", "localhost"])
    func connectionIsMadeBeforeTheCallReturnsAndCarriesData(host: String) async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: host, port: 0) { guests.welcome(echoes: true) }
            let (transport, guest) = try await loop.createConnection(host: host, port: server.boundPort) { Guest(loop) }
            #expect(guest.events == ["made"])
            #expect(guest.transport === transport)
            #expect(transport.transportProtocol as? Guest === guest)
            transport.write("hello")
            #expect(try await guest.text(5) == "hello")
            try await guest.leave()
            #expect(guest.events == ["made", "lost"])
            #expect(guest.error == nil)
            try await server.shutDown()
            #expect(try await guests.guest(0).events == ["made", "eof", "lost"])
        }
    }

    @Test func bothEndsKnowTheAddresses() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop)
            }
            let other = try #require(try await guests.guest(0).transport)
            #expect(transport.remoteAddress == server.addresses.first)
            #expect(other.localAddress == server.addresses.first)
            #expect(transport.localAddress != nil)
            #expect(transport.localAddress == other.remoteAddress)
            try await guest.leave()
            #expect(transport.remoteAddress == other.localAddress)
            try await server.shutDown()
        }
    }

    @Test func smallWritesAreNotHeldBackOnEitherEnd() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop)
            }
            let other = try #require(try await guests.guest(0).transport)
            #expect(try SystemSocket(transport.fileDescriptor).option(.noDelay) != 0)
            #expect(try SystemSocket(other.fileDescriptor).option(.noDelay) != 0)
            try await guest.leave()
            try await server.shutDown()
        }
    }

    @Test func factoryIsCalledOnceTheConnectionIsThere() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            defer { listener.close() }
            var acceptedBeforeTheFactory = false
            let (_, guest) = try await loop.createConnection(host: "127.0.0.1", port: listener.port) {
                let (status, _) = listener.accept()
                acceptedBeforeTheFactory = status >= 0
                if status >= 0 { SystemSocket(status).close() }
                return Guest(loop)
            }
            #expect(acceptedBeforeTheFactory)
            try await guest.leave()
        }
    }

    @Test func factoryIsNotCalledWhenNobodyListens() async throws {
        try await onLoop { loop in
            let refusing = try SystemSocket.bound()
            defer { refusing.close() }
            var calls = 0
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: refusing.port) {
                    calls += 1
                    return Guest(loop)
                }
            }
            #expect(systemCode(error) == .connectionRefused)
            #expect((error as? IOError)?.subject == "127.0.0.1:\(refusing.port)")
            #expect(calls == 0)
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test func errorOfTheFactoryIsThrownAndTheConnectionClosed() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) { () throws -> Guest in
                    throw TestError(name: "factory")
                }
            }
            #expect(error as? TestError == TestError(name: "factory"))
            try await guests.guest(0).lost.value
            try await server.shutDown()
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test func errorInConnectionMadeIsReportedAndTheConnectionGoesOn() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome(echoes: true) }
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop) { _ in throw TestError(name: "made") }
            }
            #expect(reports.all.map { $0.exception as? TestError } == [TestError(name: "made")])
            #expect(reports.all.first?.transport === transport)
            transport.write("on")
            #expect(try await guest.text(2) == "on")
            try await guest.leave()
            #expect(guest.error == nil)
            try await server.shutDown()
        }
    }

    @Test(arguments: [true, false])
    func connectionThatConnectionMadeEndsIsReturnedClosing(aborts: Bool) async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop) { if aborts { $0.abort() } else { $0.close() } }
            }
            #expect(transport.isClosing)
            try await guest.lost.value
            #expect(guest.events == ["made", "lost"])
            #expect(guest.error == nil)
            try await server.shutDown()
        }
    }

    @Test func hundredConnectionsAtOnceAllGetTheirOwnBytes() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop, echoes: true) }
            let tasks = (0..<100).map { number in
                loop.createTask {
                    let (transport, guest) = try await loop.createConnection(
                        host: "127.0.0.1", port: server.boundPort
                    ) { Guest(loop) }
                    let text = "number \(number)"
                    transport.write(text)
                    let answer = try await guest.text(text.utf8.count)
                    try await guest.leave()
                    return answer
                }
            }
            for (number, task) in tasks.enumerated() { #expect(try await task.value == "number \(number)") }
            try await server.shutDown()
        }
    }

    // MARK: - Arguments

    @Test(arguments: [-1, 65536])
    func portOutOfRangeIsRefused(port: Int) async throws {
        try await onLoop { loop in
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: port) { Guest(loop) }
            }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    @Test func addressOfAnotherFamilyThanAskedForIsNotFound() async throws {
        try await onLoop { loop in
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: 1, family: .ipv6) { Guest(loop) }
            }
            #expect(error is IOError)
            #expect(systemCode(error) != .connectionRefused)
        }
    }

    @Test func emptyHostIsNotThisMachine() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            defer { listener.close() }
            let error = await errorThrown {
                try await loop.createConnection(host: "", port: listener.port) { Guest(loop) }.transport.abort()
            }
            #expect(systemCode(error) == .unknownHost)
            try await loop.polls()
        }
    }

    @Test func unixAddressToConnectFromIsRefused() async throws {
        try await onLoop { loop in
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: 1, localAddress: .unix("/a")) { Guest(loop) }
            }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    // MARK: - All addresses fail

    @Test func singleFailureIsThrownAsItIs() {
        let failure = ConnectFailure(errors: [TestError(name: "one")])
        #expect(failure.summary(all: false) as? TestError == TestError(name: "one"))
    }

    @Test func allErrorsMakesAGroupEvenOfOne() async throws {
        try await onLoop { loop in
            let refusing = try SystemSocket.bound()
            defer { refusing.close() }
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: refusing.port, allErrors: true) { Guest(loop) }
            }
            let group = try #require(error as? ExceptionGroup)
            #expect(group.message == "create_connection failed")
            #expect(group.errors.map { systemCode($0) } == [.connectionRefused])
        }
    }

    @Test func failuresThatReadTheSameAreOne() {
        let same = IOError(code: .connectionRefused, operation: "connect", reason: "no", subject: "a")
        #expect(ConnectFailure(errors: [same, same]).summary(all: false) as? IOError == same)
    }

    @Test func differentFailuresAreListed() {
        let first = IOError(code: .connectionRefused, operation: "connect", reason: "no", subject: "a")
        let second = IOError(code: .timedOut, operation: "connect", reason: "late", subject: "b")
        let text = "\(ConnectFailure(errors: [first, second]).summary(all: false))"
        #expect(text.contains("Multiple exceptions: \(first), \(second)"))
    }

    @Test func noAddressAtAllIsAnError() {
        let error = ConnectFailure(errors: []).summary(all: false)
        #expect("\(error)".contains("getaddrinfo() returned empty list"))
    }

    @Test(arguments: [nil, Duration.seconds(3600)])
    func nextAddressIsTriedWhenOneFails(delay: Duration?) async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            let refusing = try SystemSocket.bound()
            defer {
                listener.close()
                refusing.close()
            }
            let remotes = [refusing, refusing, listener].compactMap(\.address)
            let race = ConnectRace(loop: loop, remotes: remotes, locals: [], delay: delay)
            let (handle, remote) = try await race.run()
            #expect(remote == listener.address)
            #expect(race.errors.map { systemCode($0) } == [.connectionRefused, .connectionRefused])
            handle.close()
            try await loop.polls()
            #expect(loop.openStreams == [:])
            #expect(loop.liveTimers == 0)
        }
    }

    @Test func raceInWhichEveryAttemptFailsAtOnceLeavesNoTimer() async throws {
        try await onLoop { loop in
            // There is no local address of their family, so no attempt gets as far as to the system.
            let remotes = [SocketAddress.ip(.loopbackV6, 1), .ip(.loopbackV6, 2), .ip(.loopbackV6, 3)]
            let race = ConnectRace(
                loop: loop, remotes: remotes, locals: [.ip(.loopback, 0)], delay: .seconds(3600))
            let error = await errorThrown { try await race.run() }
            #expect((error as? ConnectFailure)?.errors.count == 3)
            try await loop.polls()
            #expect(loop.liveTimers == 0)
            #expect(loop.openStreams == [:])
        }
    }

    // MARK: - Where to connect from

    @Test func connectionComesFromTheLocalAddress() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            // Another address of loopback than the one that the system would choose.
            let (transport, guest) = try await loop.createConnection(
                host: "127.0.0.1", port: server.boundPort, localAddress: .ip(.v4(127, 0, 0, 9), 0)
            ) { Guest(loop) }
            #expect(transport.localAddress?.ipAddress == .v4(127, 0, 0, 9))
            try await guest.leave()
            try await server.shutDown()
        }
    }

    @Test func localAddressOfAnotherFamilyIsNoMatch() async throws {
        try await onLoop { loop in
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: 1, localAddress: .ip(.loopbackV6, 0)) {
                    Guest(loop)
                }
            }
            #expect(text(of: error).contains("no matching local address with family=IPv4 found"))
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test func localAddressInUseIsNamed() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            let taken = try SystemSocket.listening()
            defer {
                listener.close()
                taken.close()
            }
            let error = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: listener.port, localAddress: taken.address) {
                    Guest(loop)
                }
            }
            #expect(systemCode(error) == .addressInUse)
            #expect((error as? IOError)?.subject == taken.address?.description)
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }
}
