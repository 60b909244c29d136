// The life of a server: serving, closing, and waiting for its end.

import Testing

@testable import AsyncIO

@Suite struct ServerTests {
    // MARK: - Serving

    @Test func serverThatIsNotToServeYetAcceptsNothing() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0, startServing: false) {
                guests.welcome()
            }
            #expect(!server.isServing)
            #expect(server.addresses.count == 1)
            let early = await errorThrown {
                try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) { Guest(loop) }
            }
            #expect(systemCode(early) == .connectionRefused)
            try await server.startServing()
            #expect(server.isServing)
            try await server.startServing()
            #expect(server.isServing)
            let (_, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) { Guest(loop) }
            _ = try await guests.guest(0)
            try await guest.leave()
            try await server.shutDown()
        }
    }

    @Test func serverThatWasNeverStartedCloses() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0, startServing: false) { Guest(loop) }
            try await server.shutDown()
            #expect(server.addresses == [])
        }
    }

    @Test func errorOfTheFactoryIsReportedAndTheServerGoesOn() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            var calls = 0
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) {
                calls += 1
                if calls == 1 { throw TestError(name: "factory") }
                return Guest(loop, echoes: true)
            }
            let (_, unlucky) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop)
            }
            try await unlucky.lost.value
            #expect(reports.messages == ["Error on transport creation for incoming connection"])
            #expect(reports.all.first?.exception as? TestError == TestError(name: "factory"))
            #expect(reports.all.first?.server === server)
            #expect(server.clientCount == 0)
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop)
            }
            transport.write("on")
            #expect(try await guest.text(2) == "on")
            try await guest.leave()
            try await server.shutDown()
        }
    }

    @Test func errorInConnectionMadeIsReportedAndTheServerGoesOn() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) {
                Guest(loop, echoes: true) { _ in throw TestError(name: "made") }
            }
            for _ in 0..<2 {
                let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                    Guest(loop)
                }
                transport.write("on")
                #expect(try await guest.text(2) == "on")
                try await guest.leave()
            }
            #expect(
                reports.all.map { $0.exception as? TestError } == Array(repeating: TestError(name: "made"), count: 2))
            try await server.shutDown()
        }
    }

    @Test func serverLivesAsLongAsItListensOrHasConnections() async throws {
        try await onLoop { loop in
            weak var held: Server?
            var port = 0
            let guests = GuestList(loop)
            do {
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) {
                    guests.welcome(echoes: true)
                }
                port = server.boundPort
                held = server
            }
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: port) { Guest(loop) }
            transport.write("hi")
            #expect(try await guest.text(2) == "hi")
            held?.close()
            #expect(held != nil)
            try await guest.leave()
            try await guests.guest(0).lost.value
            try await loop.polls()
            #expect(held == nil)
        }
    }

    @Test func serverMayBeClosedFromItsFactory() async throws {
        try await onLoop { loop in
            let server = Variable<Server>()
            let guests = GuestList(loop)
            server.value = try await loop.createServer(host: "127.0.0.1", port: 0) {
                server.value?.close()
                server.value = nil
                return guests.welcome(echoes: true)
            }
            let port = server.value?.boundPort ?? 0
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: port) { Guest(loop) }
            transport.write("hi")
            #expect(try await guest.text(2) == "hi")
            try await guest.leave()
            try await guests.guest(0).lost.value
        }
    }

    @Test func startThatFailsHalfwayLeavesAServerThatCanBeClosed() async throws {
        try await onLoop { loop in
            let (first, second) = (try SystemSocket.bound(), try SystemSocket.listening())
            // Both addresses can be bound; the second one is taken when it comes to listening.
            let server = try await loop.createServer(
                hosts: ["127.79.0.1", "127.79.0.2"], port: 0, startServing: false
            ) { Guest(loop) }
            first.close()
            second.close()
            let taken = try #require(server.addresses.last)
            let rival = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            try rival.setOption(.reuseAddress, 1)
            try rival.bind(to: try taken.socketName(argument: "test"), subject: "test")
            try rival.listen(backlog: 1, subject: "test")
            let error = await errorThrown { try await server.startServing() }
            #expect(systemCode(error) == .addressInUse)
            #expect(!server.isServing)
            rival.close()
            try await loop.onceFree { try await server.startServing() }
            #expect(server.isServing)
            for address in server.addresses {
                let (_, guest) = try await loop.createConnection(
                    host: "\(try #require(address.ipAddress))", port: try #require(address.port)
                ) { Guest(loop) }
                try await guest.leave()
            }
            try await server.shutDown()
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    // MARK: - Serving for ever

    @Test func cancelOfServingClosesTheServer() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0, startServing: false) { Guest(loop) }
            let task = loop.createTask { try await server.serveForever() }
            try await loop.rounds(1)
            #expect(server.isServing)
            task.cancel()
            #expect(await settled(task) == "cancelled")
            #expect(!server.isServing)
            #expect(server.addresses == [])
        }
    }

    @Test func closeFromElsewhereEndsServing() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let task = loop.createTask { try await server.serveForever() }
            try await loop.rounds(1)
            server.close()
            #expect(await settled(task) == "cancelled")
        }
    }

    @Test func twoTasksCannotServe() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let task = loop.createTask { try await server.serveForever() }
            try await loop.rounds(1)
            let error = await errorThrown { try await server.serveForever() }
            #expect(loopCode(error) == .alreadyServing)
            #expect(server.isServing)
            server.close()
            #expect(await settled(task) == "cancelled")
        }
    }

    @Test func closedServerDoesNotServe() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            try await server.shutDown()
            #expect(loopCode(await errorThrown { try await server.serveForever() }) == .serverClosed)
            #expect(loopCode(await errorThrown { try await server.startServing() }) == .serverClosed)
        }
    }

    @Test func endOfServingWaitsForConnectionsUnlessCancelledTwice() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome(echoes: true) }
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop)
            }
            _ = try await guests.guest(0)
            let task = loop.createTask { try await server.serveForever() }
            try await loop.rounds(1)
            task.cancel()
            try await loop.polls()
            #expect(!task.isDone)
            transport.write("on")
            #expect(try await guest.text(2) == "on")
            task.cancel()
            #expect(await settled(task) == "cancelled")
            try await guest.leave()
            try await server.waitClosed()
        }
    }

    // MARK: - Closing

    @Test func closedServerRefusesAndHasNoAddresses() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.79.1.1", port: 0) { Guest(loop) }
            let port = server.boundPort
            server.close()
            server.close()
            #expect(server.addresses == [])
            #expect(server.fileDescriptors == [])
            #expect(!server.isServing)
            let error = try await loop.untilNobodyListens {
                try await loop.createConnection(host: "127.79.1.1", port: port) { Guest(loop) }.transport.abort()
            }
            #expect(systemCode(error) == .connectionRefused)
            try await server.waitClosed()
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test func waitReturnsAtOnceWhenAllIsOver() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            server.close()
            try await server.waitClosed()
            try await server.waitClosed()
        }
    }

    @Test func waitDoesNotEndBeforeClose() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let waiter = loop.createTask { try await server.waitClosed() }
            let (_, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) { Guest(loop) }
            _ = try await guests.guest(0)
            try await guest.leave()
            try await guests.guest(0).lost.value
            try await loop.polls()
            #expect(server.clientCount == 0)
            #expect(!waiter.isDone)
            server.close()
            try await waiter.value
        }
    }

    @Test func waitersEndWhenTheLastConnectionIsGone() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            var visitors: [Guest] = []
            for number in 0..<2 {
                let (_, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                    Guest(loop)
                }
                visitors.append(guest)
                _ = try await guests.guest(number)
            }
            let early = (0..<3).map { _ in loop.createTask { try await server.waitClosed() } }
            try await loop.rounds(1)
            server.close()
            let late = (0..<3).map { _ in loop.createTask { try await server.waitClosed() } }
            try await loop.polls()
            #expect((early + late).allSatisfy { !$0.isDone })
            try await visitors[0].leave()
            try await guests.guest(0).lost.value
            try await loop.polls()
            #expect((early + late).allSatisfy { !$0.isDone })
            #expect(server.clientCount == 1)
            try await visitors[1].leave()
            for waiter in early + late { try await waiter.value }
            #expect(guests.all.map { $0.events.last } == ["lost", "lost"])
        }
    }

    @Test func cancelledWaiterDoesNotDisturbTheOthers() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let waiters = (0..<3).map { _ in loop.createTask { try await server.waitClosed() } }
            try await loop.rounds(1)
            waiters[1].cancel()
            #expect(await settled(waiters[1]) == "cancelled")
            #expect(server.isServing)
            server.close()
            try await waiters[0].value
            try await waiters[2].value
        }
    }

    @Test func withClosingClosesAndWaits() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let answer = try await server.withClosing {
                let (_, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                    Guest(loop)
                }
                _ = try await guests.guest(0)
                guest.transport?.close()
                return 42
            }
            #expect(answer == 42)
            #expect(!server.isServing)
            #expect(guests.all.map { $0.events.last } == ["lost"])
        }
    }

    @Test func withClosingClosesWhenTheBodyFails() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let error = await errorThrown { try await server.withClosing { throw TestError(name: "body") } }
            #expect(error as? TestError == TestError(name: "body"))
            #expect(server.addresses == [])
        }
    }

    // MARK: - The connections

    @Test func closeClientsWritesWhatWaitsAndKeepsListening() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let (_, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) { Guest(loop) }
            // More than any pair of sockets holds.
            let size = 64 << 20
            let transport = try #require(try await guests.guest(0).transport)
            transport.write([UInt8](repeating: 7, count: size))
            #expect(transport.writeBufferSize > 0)
            server.closeClients()
            #expect(server.isServing)
            try await guest.lost.value
            #expect(guest.received.count == size)
            #expect(guest.error == nil)
            try await guests.guest(0).lost.value
            let (_, next) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) { Guest(loop) }
            try await next.leave()
            try await server.shutDown()
        }
    }

    @Test func abortClientsEndsConnectionsWhosePeerDoesNotRead() async throws {
        try await onLoop { loop in
            let guests = GuestList(loop)
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop) { $0.pauseReading() }
            }
            let busy = try await guests.guest(0)
            busy.transport?.write([UInt8](repeating: 7, count: 64 << 20))
            #expect((busy.transport?.writeBufferSize ?? 0) > 0)
            server.close()
            server.closeClients()
            try await loop.polls()
            #expect(busy.events == ["made"])
            server.abortClients()
            try await server.waitClosed()
            #expect(busy.events == ["made", "lost"])
            #expect(busy.error == nil)
            transport.abort()
            try await guest.lost.value
        }
    }
}
