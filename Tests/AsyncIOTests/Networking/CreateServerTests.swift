// Making servers: where they listen, with which options, and what is refused.

import Testing

@testable import AsyncIO

@Suite struct CreateServerTests {
    // MARK: - Where

    @Test func portZeroIsAPortOfTheSystemsChoice() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            #expect(server.addresses.map(\.ipAddress) == [.loopback])
            #expect(server.boundPort > 0)
            #expect(server.isServing)
            #expect(server.loop === loop)
            try await server.shutDown()
        }
    }

    @Test(arguments: [nil, ""])
    func noHostIsEverywhereOnIPv4AndIPv6(host: String?) async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: host, port: 0) { Guest(loop, echoes: true) }
            #expect(Set(server.addresses.map(\.family)) == [.ipv4, .ipv6])
            #expect(server.addresses.count == 2)
            for (address, descriptor) in zip(server.addresses, server.fileDescriptors) {
                if address.family == .ipv6 { #expect(try SystemSocket(descriptor).option(.ipv6Only) == 1) }
                let (transport, guest) = try await loop.createConnection(
                    host: address.family == .ipv6 ? "::1" : "127.0.0.1", port: try #require(address.port)
                ) { Guest(loop) }
                transport.write("hi")
                #expect(try await guest.text(2) == "hi")
                try await guest.leave()
            }
            try await server.shutDown()
        }
    }

    @Test func noHostBindsBothFamiliesOnTheSamePort() async throws {
        try await onLoop { loop in
            // A port that is free on one address may be taken on another: there are more.
            for _ in 0..<100 {
                let probe = try SystemSocket.bound(to: .ip(.any, 0))
                let port = probe.port
                probe.close()
                let server: Server
                do { server = try await loop.createServer(port: port) { Guest(loop) } } catch let error as IOError
                    where error.code == .addressInUse
                { continue }
                #expect(server.addresses.map(\.port) == [port, port])
                return try await server.shutDown()
            }
            Issue.record("no port was free")
        }
    }

    @Test func severalHostsGetASocketForEachDistinctAddress() async throws {
        try await onLoop { loop in
            let hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.1", "localhost"]
            let server = try await loop.createServer(hosts: hosts, port: 0, family: .ipv4) { Guest(loop) }
            #expect(server.addresses.map(\.ipAddress) == [.loopback, .v4(127, 0, 0, 2)])
            #expect(server.fileDescriptors.count == 2)
            try await server.shutDown()
        }
    }

    @Test func addressThatTheMachineDoesNotHaveIsLeftOut() async throws {
        try await onLoop { loop in
            // 192.0.2.0/24 is for documentation: no machine has it.
            let server = try await loop.createServer(hosts: ["192.0.2.1", "127.0.0.1"], port: 0) { Guest(loop) }
            #expect(server.addresses.map(\.ipAddress) == [.loopback])
            try await server.shutDown()
        }
    }

    @Test func noAddressOfTheMachineAtAllIsAnError() async throws {
        try await onLoop { loop in
            let error = await errorThrown { try await loop.createServer(host: "192.0.2.1", port: 0) { Guest(loop) } }
            #expect(systemCode(error) == .addressNotAvailable)
            #expect(text(of: error).contains("could not bind on any address out of [192.0.2.1:0]"))
        }
    }

    @Test func noHostsAreRefused() async throws {
        try await onLoop { loop in
            let error = await errorThrown { try await loop.createServer(hosts: [], port: 0) { Guest(loop) } }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    @Test(arguments: [-1, 65536])
    func portOutOfRangeIsRefused(port: Int) async throws {
        try await onLoop { loop in
            let error = await errorThrown { try await loop.createServer(host: "127.0.0.1", port: port) { Guest(loop) } }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    // MARK: - Taken

    @Test func addressInUseIsNamed() async throws {
        try await onLoop { loop in
            let first = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let error = await errorThrown {
                try await loop.createServer(host: "127.0.0.1", port: first.boundPort) { Guest(loop) }
            }
            #expect(systemCode(error) == .addressInUse)
            #expect((error as? IOError)?.subject == "127.0.0.1:\(first.boundPort)")
            #expect(first.isServing)
            try await first.shutDown()
        }
    }

    @Test func addressInUseClosesTheSocketsThatWereBoundBefore() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let taken = try SystemSocket.listening()
                let (before, port) = (countOpenSockets(), taken.port)
                let error = await errorThrown {
                    try await loop.createServer(
                        hosts: ["127.77.0.1", "127.77.0.2", "127.0.0.1"], port: port
                    ) { Guest(loop) }
                }
                #expect(systemCode(error) == .addressInUse)
                #expect((error as? IOError)?.subject == "127.0.0.1:\(port)")
                #expect(countOpenSockets() == before)
                taken.close()
            }
        }
    }

    @Test func portIsFreeAgainAfterClose() async throws {
        try await onLoop { loop in
            // An address that nobody else uses; but servers of other tests listen on all addresses, so the port may have gone.
            try await loop.onceFree { try await serveTwice(on: "127.78.0.1", loop) }
        }
    }

    private func serveTwice(on host: String, _ loop: EventLoop) async throws {
        let guests = GuestList(loop)
        let first = try await loop.createServer(host: host, port: 0) { guests.welcome() }
        let port = first.boundPort
        let (_, guest) = try await loop.createConnection(host: host, port: port) { Guest(loop) }
        // The server's end closes first, so that the system remembers the connection for a while.
        try await guests.guest(0).leave()
        try await guest.lost.value
        try await first.shutDown()
        let second = try await loop.createServer(host: host, port: port) { Guest(loop) }
        #expect(second.boundPort == port)
        try await second.shutDown()
    }

    // MARK: - Options

    @Test func portIsSharedOnlyIfAskedFor() async throws {
        try await onLoop { loop in
            let first = try await loop.createServer(host: "127.0.0.1", port: 0, reusePort: true) { Guest(loop) }
            let second = try await loop.createServer(host: "127.0.0.1", port: first.boundPort, reusePort: true) {
                Guest(loop)
            }
            #expect(first.addresses == second.addresses)
            let error = await errorThrown {
                try await loop.createServer(host: "127.0.0.1", port: first.boundPort) { Guest(loop) }
            }
            #expect(systemCode(error) == .addressInUse)
            try await first.shutDown()
            try await second.shutDown()
        }
    }

    @Test func optionsReachTheSockets() async throws {
        try await onLoop { loop in
            let plain = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let special = try await loop.createServer(
                host: "127.0.0.1", port: 0, reuseAddress: false, reusePort: true, keepAlive: true
            ) { Guest(loop) }
            let first = SystemSocket(try #require(plain.fileDescriptors.first))
            let second = SystemSocket(try #require(special.fileDescriptors.first))
            #expect(try first.option(.reuseAddress) != 0)
            #expect(try first.option(.reusePort) == 0)
            #expect(try first.option(.keepAlive) == 0)
            #expect(try second.option(.reuseAddress) == 0)
            #expect(try second.option(.reusePort) != 0)
            #expect(try second.option(.keepAlive) != 0)
            try await plain.shutDown()
            try await special.shutDown()
        }
    }

    @Test func negativeBacklogIsRefused() async throws {
        try await onLoop { loop in
            let error = await errorThrown {
                try await loop.createServer(host: "127.0.0.1", port: 0, backlog: -1) { Guest(loop) }
            }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    @Test func backlogOfZeroStillAccepts() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0, backlog: 0) { Guest(loop) }
            for _ in 0..<3 {
                let (_, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                    Guest(loop)
                }
                try await guest.leave()
            }
            try await server.shutDown()
        }
    }

    // MARK: - Sockets that exist already

    @Test func boundSocketIsUsedAndOwned() async throws {
        try await onLoop { loop in
            let socket = try SystemSocket.bound()
            let address = socket.address
            let server = try await loop.createServer(fileDescriptor: socket.descriptor) { Guest(loop, echoes: true) }
            #expect(server.fileDescriptors == [socket.descriptor])
            #expect(server.addresses == [address].compactMap { $0 })
            let (transport, guest) = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                Guest(loop)
            }
            transport.write("hi")
            #expect(try await guest.text(2) == "hi")
            try await guest.leave()
            let identity = socket.identity
            try await server.shutDown()
            #expect(socket.identity != identity)
        }
    }

    @Test func datagramSocketIsRefusedAndStaysOpen() async throws {
        try await onLoop { loop in
            let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.datagram)
            defer { socket.close() }
            let identity = socket.identity
            let error = await errorThrown {
                try await loop.createServer(fileDescriptor: socket.descriptor) { Guest(loop) }
            }
            #expect(loopCode(error) == .invalidArgument)
            #expect(text(of: error).contains("A Stream Socket was expected"))
            #expect(socket.identity == identity)
        }
    }

    @Test func socketThatCannotListenStaysTheCallers() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            let connected = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            let identity = connected.identity
            defer {
                listener.close()
                if connected.identity == identity { connected.close() }
            }
            try await loop.sockConnect(connected.descriptor, try #require(listener.address))
            let error = await errorThrown {
                try await loop.createServer(fileDescriptor: connected.descriptor) { Guest(loop) }
            }
            #expect(systemCode(error) == .invalidArgument)
            try await loop.polls()
            #expect(connected.identity == identity)
            #expect(loop.openStreams == [:])
            guard connected.identity == identity else { return }
            // It is not taken for a server's either.
            let (_, guest) = try await loop.createConnection(fileDescriptor: try connected.duplicate().descriptor) {
                Guest(loop)
            }
            try await guest.leave()
        }
    }

    @Test func twoTasksCannotServeTheSameSocket() async {
        // A number that is closed twice may have become somebody else's: not in the process of other tests.
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let socket = try SystemSocket.bound()
                let tasks = (0..<2).map { _ in
                    loop.createTask { try await loop.createServer(fileDescriptor: socket.descriptor) { Guest(loop) } }
                }
                var failures: [EventLoopError.Code?] = []
                for task in tasks {
                    if let error = await errorThrown(by: { try await task.value }) { failures.append(loopCode(error)) }
                }
                #expect(failures == [.descriptorInUse])
                for task in tasks { try? await task.value.shutDown() }
            }
        }
    }

    @Test(arguments: 0..<4)
    func cancelAtAnyRoundMeansTheCallersSocketOrAServer(rounds: Int) async throws {
        try await onLoop { loop in
            let socket = try SystemSocket.bound()
            let identity = socket.identity
            let result = Variable<Server>()
            let task = loop.createTask {
                result.value = try await loop.createServer(fileDescriptor: socket.descriptor) { Guest(loop) }
            }
            try await loop.rounds(rounds)
            task.cancel()
            _ = await settled(task)
            if let server = result.value {
                try await server.shutDown()
            } else {
                #expect(socket.identity == identity)
                socket.close()
            }
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test(arguments: 0..<6)
    func cancelAtAnyRoundLeavesNoListeningSocket(rounds: Int) async throws {
        try await onLoop { loop in
            let result = Variable<Server>()
            let task = loop.createTask {
                result.value = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            }
            try await loop.rounds(rounds)
            task.cancel()
            _ = await settled(task)
            try await result.value?.shutDown()
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }
}
