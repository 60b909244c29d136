// Sockets that exist already and become connections: what is accepted, and whose the descriptor is when it is not.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct AdoptedSocketTests {
    /// The calls that take a connected socket over.
    enum Call: String, CaseIterable {
        case createConnection, createUnixConnection, connectAcceptedSocket

        nonisolated(nonsending) fileprivate func make(
            on loop: EventLoop, _ descriptor: Int32, _ factory: () throws -> Guest
        ) async throws -> (transport: Transport, protocol: Guest) {
            switch self {
            case .createConnection: try await loop.createConnection(fileDescriptor: descriptor, factory)
            case .createUnixConnection: try await loop.createUnixConnection(fileDescriptor: descriptor, factory)
            case .connectAcceptedSocket: try await loop.connectAcceptedSocket(fileDescriptor: descriptor, factory)
            }
        }
    }

    @Test(arguments: Call.allCases)
    func socketCarriesDataBothWaysAndIsClosedByItsTransport(call: Call) async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { theirs.close() }
            try theirs.setNonBlocking()
            let (transport, guest) = try await call.make(on: loop, mine.descriptor) { Guest(loop) }
            #expect(guest.events == ["made"])
            #expect(transport.fileDescriptor == mine.descriptor)
            transport.write("ping")
            #expect(try await loop.sockRecv(theirs.descriptor, 100) == Array("ping".utf8))
            try await loop.sockSendAll(theirs.descriptor, Array("pong".utf8))
            #expect(try await guest.text(4) == "pong")
            try await guest.leave()
            #expect(try await loop.sockRecv(theirs.descriptor, 100) == [])
            #expect(transport.fileDescriptor == -1)
        }
    }

    @Test func blockingTCPSocketIsAdopted() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop, echoes: true) }
            let address = try #require(server.addresses.first)
            let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            try await loop.sockConnect(socket.descriptor, address)
            #expect(fcntl(socket.descriptor, F_SETFL, 0) == 0)
            let (transport, guest) = try await loop.createConnection(fileDescriptor: socket.descriptor) { Guest(loop) }
            #expect(try socket.isNonBlocking())
            #expect(try socket.option(.noDelay) != 0)
            #expect(transport.remoteAddress == address)
            #expect(transport.localAddress == socket.address)
            transport.write("echo")
            #expect(try await guest.text(4) == "echo")
            try await guest.leave()
            try await server.shutDown()
        }
    }

    @Test func acceptedTCPSocketBecomesATransport() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            defer { listener.close() }
            let (client, visitor) = try await loop.createConnection(host: "127.0.0.1", port: listener.port) {
                Guest(loop)
            }
            let (accepted, _) = listener.accept()
            let (transport, guest) = try await loop.connectAcceptedSocket(fileDescriptor: accepted) {
                Guest(loop, echoes: true)
            }
            #expect(transport.remoteAddress == client.localAddress)
            client.write("echo")
            #expect(try await visitor.text(4) == "echo")
            try await visitor.leave()
            try await guest.lost.value
            #expect(guest.events == ["made", "eof", "lost"])
        }
    }

    // MARK: - Refused

    @Test(arguments: Call.allCases)
    func datagramSocketIsRefusedAndStaysOpen(call: Call) async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair(type: SystemConstant.datagram)
            defer { for socket in [mine, theirs] { socket.close() } }
            let identity = mine.identity
            let error = await errorThrown { try await call.make(on: loop, mine.descriptor) { Guest(loop) } }
            #expect(loopCode(error) == .invalidArgument)
            #expect(text(of: error).contains("A Stream Socket was expected"))
            #expect(mine.identity == identity)
        }
    }

    @Test(arguments: Call.allCases)
    func descriptorThatIsNoSocketIsRefused(call: Call) async throws {
        try await onLoop { loop in
            let file = open("/dev/null", O_RDWR)
            defer { close(file) }
            let error = await errorThrown { try await call.make(on: loop, file) { Guest(loop) } }
            #expect(loopCode(error) == .invalidArgument)
            #expect(text(of: error).contains("A Stream Socket was expected"))
            #expect(fcntl(file, F_GETFD) != -1)
        }
    }

    @Test(arguments: Call.allCases)
    func negativeDescriptorIsRefused(call: Call) async throws {
        try await onLoop { loop in
            let error = await errorThrown { try await call.make(on: loop, -1) { Guest(loop) } }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    @Test(arguments: Call.allCases)
    func descriptorThatIsNotOpenIsRefusedAsBad(call: Call) async throws {
        try await onLoop { loop in
            // No process has so many.
            let error = await errorThrown { try await call.make(on: loop, Int32.max - 1) { Guest(loop) } }
            #expect(systemCode(error) == .badDescriptor)
        }
    }

    @Test func internetSocketIsRefusedAsUnixConnection() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            defer { listener.close() }
            let error = await errorThrown {
                try await loop.createUnixConnection(fileDescriptor: listener.descriptor) { Guest(loop) }
            }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    @Test func descriptorOfATransportIsRefused() async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { theirs.close() }
            let (transport, guest) = try await loop.createConnection(fileDescriptor: mine.descriptor) { Guest(loop) }
            let error = await errorThrown {
                try await loop.createConnection(fileDescriptor: mine.descriptor) { Guest(loop) }
            }
            #expect(loopCode(error) == .descriptorInUse)
            #expect(!transport.isClosing)
            try await guest.leave()
        }
    }

    @Test func descriptorOfAServerIsRefused() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let descriptor = try #require(server.fileDescriptors.first)
            let asConnection = await errorThrown {
                try await loop.createConnection(fileDescriptor: descriptor) { Guest(loop) }
            }
            #expect(loopCode(asConnection) == .descriptorInUse)
            let asServer = await errorThrown { try await loop.createServer(fileDescriptor: descriptor) { Guest(loop) } }
            #expect(loopCode(asServer) == .descriptorInUse)
            try await server.shutDown()
        }
    }

    @Test func twoTasksCannotAdoptTheSameDescriptor() async {
        // A number that is closed twice may have become somebody else's: not in the process of other tests.
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let (mine, theirs) = try SystemSocket.pair()
                let guests = [Guest(loop), Guest(loop)]
                let tasks = guests.map { guest in
                    loop.createTask {
                        try await loop.createConnection(fileDescriptor: mine.descriptor) { guest }.transport
                    }
                }
                var failures: [EventLoopError.Code?] = []
                for task in tasks {
                    if let error = await errorThrown(by: { try await task.value }) { failures.append(loopCode(error)) }
                }
                #expect(failures == [.descriptorInUse])
                for guest in guests where guest.transport != nil { try await guest.leave() }
                theirs.close()
            }
        }
    }

    // MARK: - Whose the descriptor is

    @Test(arguments: Call.allCases)
    func errorOfTheFactoryLeavesTheDescriptorToTheCaller(call: Call) async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { for socket in [mine, theirs] { socket.close() } }
            let identity = mine.identity
            let error = await errorThrown {
                try await call.make(on: loop, mine.descriptor) { throw TestError(name: "factory") }
            }
            #expect(error as? TestError == TestError(name: "factory"))
            try await loop.polls()
            #expect(mine.identity == identity)
            #expect(loop.openStreams == [:])
            // It can be used again.
            let (_, guest) = try await loop.createConnection(
                fileDescriptor: try mine.duplicate().descriptor
            ) { Guest(loop) }
            try await guest.leave()
        }
    }

    @Test(arguments: Call.allCases)
    func cancelBeforeTheTransportLeavesTheDescriptorToTheCaller(call: Call) async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { for socket in [mine, theirs] { socket.close() } }
            let identity = mine.identity
            let guest = Guest(loop)
            let task = loop.createTask { try await call.make(on: loop, mine.descriptor) { guest }.transport }
            try await loop.rounds(1)
            task.cancel()
            #expect(await settled(task) == "cancelled")
            try await loop.polls()
            #expect(mine.identity == identity)
            #expect(guest.events == [])
            #expect(loop.openStreams == [:])
        }
    }

    @Test(arguments: 0..<6)
    func cancelAtAnyRoundMeansTheCallersDescriptorOrAResult(rounds: Int) async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            defer { theirs.close() }
            let identity = mine.identity
            let (guest, result) = (Guest(loop), Variable<Transport>())
            let task = loop.createTask {
                result.value = try await loop.createConnection(fileDescriptor: mine.descriptor) { guest }.transport
            }
            try await loop.rounds(rounds)
            task.cancel()
            _ = await settled(task)
            if result.value == nil {
                #expect(guest.events == [])
                #expect(mine.identity == identity)
                mine.close()
            } else {
                #expect(guest.events == ["made"])
                try await guest.leave()
            }
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test func cancelledCallDoesNotCloseANumberThatWasUsedAgain() async throws {
        try await onLoop { loop in
            let (mine, theirs) = try SystemSocket.pair()
            let (other, others) = try SystemSocket.pair()
            defer { for socket in [mine, theirs, other, others] { socket.close() } }
            let identity = other.identity
            let task = loop.createTask {
                try await loop.createConnection(fileDescriptor: mine.descriptor) { Guest(loop) }.transport
            }
            try await loop.rounds(1)
            task.cancel()
            // The caller gave its descriptor up, and the number went to another socket.
            #expect(dup2(other.descriptor, mine.descriptor) == mine.descriptor)
            #expect(await settled(task) == "cancelled")
            try await loop.polls()
            #expect(mine.identity == identity)
        }
    }
}
