// Servers in a process that has no descriptors left. Each test has a process of its own, whose limit it lowers.

import Glibc
import Testing

@testable import AsyncIO

/// Lets the process open no further descriptor, and lets it again.
private enum DescriptorLimit {
    private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)

    static func forbid() { set { _ in 0 } }
    static func allow() { set { $0.rlim_max } }

    private static func set(_ newLimit: (rlimit) -> rlim_t) {
        var limit = rlimit()
        getrlimit(resource, &limit)
        limit.rlim_cur = newLimit(limit)
        setrlimit(resource, &limit)
    }
}

@Suite struct DescriptorExhaustionTests {
    @Test func acceptingPausesIsReportedAndGoesOnWhenAConnectionCloses() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let (reports, guests) = (Reports(of: loop), GuestList(loop))
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome(echoes: true) }
                let address = try #require(server.addresses.first)
                let clients = try (0..<2).map { _ in
                    try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
                }
                try await loop.sockConnect(clients[0].descriptor, address)
                _ = try await guests.guest(0)
                DescriptorLimit.forbid()
                try await loop.sockConnect(clients[1].descriptor, address)
                while server.acceptPauses == 0 { try await loop.rounds(1) }
                let first = try #require(reports.all.first)
                #expect(first.message.contains("socket.accept() out of system resource"))
                #expect(systemCode(first.exception) == .tooManyOpenFiles)
                #expect(first.server === server)
                // What is open goes on, and nothing spins: a report for each round would be a thousand.
                try await loop.sockSendAll(clients[0].descriptor, Array("on".utf8))
                let echo = try await loop.sockRecv(clients[0].descriptor, 10)
                #expect(echo == Array("on".utf8))
                try await loop.rounds(1000)
                #expect(reports.all.count == server.acceptPauses)
                #expect(server.acceptPauses < 100)
                #expect(server.isServing)
                #expect(server.clientCount == 1)
                // The end of a connection ends the pause.
                #expect(loop.liveTimers == 1)
                DescriptorLimit.allow()
                guests.all[0].transport?.abort()
                try await guests.all[0].lost.value
                #expect(loop.liveTimers == 0)
                _ = try await guests.guest(1)
                try await loop.sockSendAll(clients[1].descriptor, Array("too".utf8))
                let second = try await loop.sockRecv(clients[1].descriptor, 10)
                #expect(second == Array("too".utf8))
                for client in clients { client.close() }
                try await server.shutDown()
                try await loop.polls()
                #expect(loop.openStreams == [:])
            }
        }
    }

    @Test func acceptingGoesOnByItselfWhenDescriptorsBecomeFreeElsewhere() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let (reports, guests) = (Reports(of: loop), GuestList(loop))
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
                let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
                DescriptorLimit.forbid()
                try await loop.sockConnect(client.descriptor, try #require(server.addresses.first))
                while server.acceptPauses == 0 { try await loop.rounds(1) }
                DescriptorLimit.allow()
                _ = try await guests.guest(0)
                #expect(reports.all.count == server.acceptPauses)
                client.close()
                try await server.shutDown()
            }
        }
    }

    @Test func serverThatPausesCanBeClosed() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let reports = Reports(of: loop)
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
                let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
                DescriptorLimit.forbid()
                try await loop.sockConnect(client.descriptor, try #require(server.addresses.first))
                while server.acceptPauses == 0 { try await loop.rounds(1) }
                DescriptorLimit.allow()
                try await server.shutDown()
                try await loop.polls()
                #expect(loop.liveTimers == 0)
                #expect(!reports.all.isEmpty)
                client.close()
            }
        }
    }

    @Test func loopCanBeClosedWhileAServerPauses() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let (reports, guests) = (Reports(of: loop), GuestList(loop))
                let server = try await loop.createServer(host: "127.0.0.1", port: 0) { guests.welcome() }
                let clients = try (0..<2).map { _ in
                    try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
                }
                let address = try #require(server.addresses.first)
                try await loop.sockConnect(clients[0].descriptor, address)
                _ = try await guests.guest(0)
                DescriptorLimit.forbid()
                try await loop.sockConnect(clients[1].descriptor, address)
                while server.acceptPauses == 0 { try await loop.rounds(1) }
                DescriptorLimit.allow()
                #expect(!reports.all.isEmpty)
                for client in clients { client.close() }
                // The test closes the loop under the connection and the pause.
            }
        }
    }

    @Test func connectingFailsAndLeavesNothing() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let listener = try SystemSocket.listening()
                DescriptorLimit.forbid()
                let before = countOpenSockets()
                let asClient = await errorThrown {
                    try await loop.createConnection(host: "127.0.0.1", port: listener.port) { Guest(loop) }
                }
                #expect(systemCode(asClient) == .tooManyOpenFiles)
                let asUnixClient = await errorThrown {
                    try await loop.createUnixConnection(path: "/tmp/nobody") { Guest(loop) }
                }
                #expect(systemCode(asUnixClient) == .tooManyOpenFiles)
                let asServer = await errorThrown {
                    try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
                }
                #expect(systemCode(asServer) == .tooManyOpenFiles)
                DescriptorLimit.allow()
                #expect(countOpenSockets() == before)
                try await loop.polls()
                #expect(loop.openStreams == [:])
                listener.close()
            }
        }
    }
}
