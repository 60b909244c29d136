// The operations on sockets that belong to the program.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct SocketOperationTests {
    /// Lends two connected peers, and closes them.
    private func withPeers(
        debug: Bool = false, sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, Peer, Peer) async throws -> Void
    ) async throws {
        try await onLoop(debug: debug, sourceLocation: sourceLocation) { loop in
            let (one, two) = try await loop.tcpPair()
            let peers = (Peer(one, loop), Peer(two, loop))
            defer {
                peers.0.close()
                peers.1.close()
            }
            try await body(loop, peers.0, peers.1)
        }
    }

    @Test func aMebibyteArrivesByteForByte() async throws {
        try await withPeers { loop, one, two in
            let bytes = pattern(1 << 20)
            let sending = loop.createTask {
                try await one.send(bytes)
                one.endSending()
            }
            let all = try await two.receiveAll()
            try await sending.value
            #expect(all.count == bytes.count && checksum(all) == checksum(bytes))
        }
    }

    @Test func receivingIntoMemoryGivesTheCount() async throws {
        try await withPeers { loop, one, two in
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 1)
            defer { buffer.deallocate() }
            let receiving = loop.createTask { try await loop.sockRecv(two.descriptor, into: buffer) }
            try await loop.rounds(2)
            try await one.send("hello")
            #expect(try await receiving.value == 5)
            #expect(buffer.prefix(5).elementsEqual("hello".utf8))
            one.endSending()
            #expect(try await loop.sockRecv(two.descriptor, into: buffer) == 0)
            #expect(try await loop.sockRecv(two.descriptor, 10) == [])
        }
    }

    @Test func aRefusedConnectionIsAnError() async throws {
        try await onLoop { loop in
            let (listener, address) = try loop.listeningSocket()
            listener.close()
            let error = try await loop.untilNobodyListens {
                let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
                defer { socket.close() }
                try await loop.sockConnect(socket.descriptor, address)
            }
            #expect(systemCode(error) == .connectionRefused)
        }
    }

    @Test func namesAreLookedUpForTheFamilyOfTheSocket() async throws {
        try await onLoop { loop in
            let (listener, address) = try loop.listeningSocket()
            let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            try await loop.sockConnect(socket.descriptor, host: "localhost", port: try #require(address.port))
            let (accepted, from) = try await loop.sockAccept(listener.descriptor)
            #expect(from == SocketAddress(try socket.localName()))
            for descriptor in [listener.descriptor, socket.descriptor, accepted] { SystemSocket(descriptor).close() }
        }
    }

    @Test func unixSocketsConnectToPaths() async throws {
        try await withTemporaryFolder { folder in
            try await onLoop { loop in
                let address = SocketAddress.unix(folder + "/socket")
                let listener = try SystemSocket(family: SystemConstant.unix, type: SystemConstant.stream)
                try listener.bind(to: address.socketName(argument: "test"), subject: "test")
                try listener.listen(backlog: 5, subject: "test")
                let client = try SystemSocket(family: SystemConstant.unix, type: SystemConstant.stream)
                try await loop.sockConnect(client.descriptor, address)
                let (accepted, from) = try await loop.sockAccept(listener.descriptor)
                #expect(from == .unix(""))
                for descriptor in [listener.descriptor, client.descriptor, accepted] {
                    SystemSocket(descriptor).close()
                }
                unlink(folder + "/socket")
            }
        }
    }

    @Test func acceptedSocketsDoNotBlockAndAreNotInherited() async throws {
        try await withPeers { _, _, accepted in
            let isNonBlocking = try SystemSocket(accepted.descriptor).isNonBlocking()
            #expect(isNonBlocking)
            #expect(fcntl(accepted.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        }
    }

    @Test func acceptWaitsForAConnection() async throws {
        try await onLoop { loop in
            let (listener, address) = try loop.listeningSocket()
            let accepting = loop.createTask { try await loop.sockAccept(listener.descriptor).fileDescriptor }
            try await loop.rounds(2)
            #expect(!accepting.isDone)
            let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            try await loop.sockConnect(client.descriptor, address)
            let accepted = try await accepting.value
            for descriptor in [listener.descriptor, client.descriptor, accepted] { SystemSocket(descriptor).close() }
        }
    }

    @Test func datagramsComeWithTheirAddress() async throws {
        try await onLoop { loop in
            var sockets: [SystemSocket] = []
            for _ in 0..<2 {
                let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.datagram)
                try socket.bind(to: SocketAddress.loopback.socketName(argument: "test"), subject: "test")
                sockets.append(socket)
            }
            defer { for socket in sockets { socket.close() } }
            let addresses = try sockets.map { try #require(SocketAddress(try $0.localName())) }
            let (one, two) = (sockets[0].descriptor, sockets[1].descriptor)
            #expect(try await loop.sockSendTo(one, Array("hello".utf8), to: addresses[1]) == 5)
            let (data, from) = try await loop.sockRecvFrom(two, 100)
            #expect(data == Array("hello".utf8) && from == addresses[0])
            // An empty one, and one that is cut off.
            #expect(try await loop.sockSendTo(one, [], to: addresses[1]) == 0)
            #expect(try await loop.sockRecvFrom(two, 100).data == [])
            try await loop.sockSendTo(one, Array("hello".utf8), to: addresses[1])
            #expect(try await loop.sockRecvFrom(two, 3).data == Array("hel".utf8))
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 10, alignment: 1)
            defer { buffer.deallocate() }
            let receiving = loop.createTask {
                let (count, address) = try await loop.sockRecvFrom(two, into: buffer)
                return "\(count) \(address)"
            }
            try await loop.rounds(2)
            try await loop.sockSendTo(one, Array("x".utf8), to: addresses[1])
            #expect(try await receiving.value == "1 \(addresses[0])")
        }
    }

    @Test func sendingToADeadPortDoesNotBreakReceiving() async throws {
        try await onLoop { loop in
            let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.datagram)
            try socket.bind(to: SocketAddress.loopback.socketName(argument: "test"), subject: "test")
            let dead = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.datagram)
            try dead.bind(to: SocketAddress.loopback.socketName(argument: "test"), subject: "test")
            let address = try #require(SocketAddress(try dead.localName()))
            dead.close()
            let own = try #require(SocketAddress(try socket.localName()))
            try await loop.sockSendTo(socket.descriptor, [1], to: address)
            let receiving = loop.createTask { try await loop.sockRecvFrom(socket.descriptor, 10).data }
            try await loop.rounds(2)
            try await loop.sockSendTo(socket.descriptor, [2], to: own)
            #expect(try await receiving.value == [2])
            socket.close()
        }
    }

    // MARK: - Cancellation and turns

    @Test func cancellationEndsAWaitAtOnceAndTheNextOperationWorks() async throws {
        try await withPeers { loop, one, two in
            for _ in 0..<3 {
                let receiving = loop.createTask { try await loop.sockRecv(two.descriptor, 10) }
                try await loop.rounds(2)
                receiving.cancel()
                try await loop.rounds(2)
                #expect(outcome(of: receiving) == "cancelled")
            }
            #expect(!loop.removeReader(two.descriptor))
            try await one.send("x")
            #expect(try await two.receive(1) == Array("x".utf8))
        }
    }

    @Test func aCancelledSendCanBeFollowedByOthers() async throws {
        try await withPeers { loop, one, two in
            let sending = loop.createTask { try await loop.sockSendAll(one.descriptor, pattern(50_000_000)) }
            try await loop.rounds(3)
            #expect(!sending.isDone)
            sending.cancel()
            _ = await settled(sending)
            let next = loop.createTask {
                try await one.send("the end")
                one.endSending()
            }
            #expect(try await two.receiveAll().suffix(7) == Array("the end".utf8)[...])
            try await next.value
        }
    }

    @Test func aCancelledAcceptLosesNoConnection() async throws {
        try await onLoop { loop in
            let (listener, address) = try loop.listeningSocket()
            let accepting = loop.createTask { try await loop.sockAccept(listener.descriptor).fileDescriptor }
            try await loop.rounds(2)
            let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            try await loop.sockConnect(client.descriptor, address)
            accepting.cancel()
            var accepted = try? await accepting.value
            if accepted == nil { accepted = try await loop.sockAccept(listener.descriptor).fileDescriptor }
            for descriptor in [listener.descriptor, client.descriptor, accepted ?? -1] {
                SystemSocket(descriptor).close()
            }
        }
    }

    #if os(Linux)
        @Test func aCancelledConnectCanBeTriedAgain() async throws {
            try await onLoop { loop in
                // One connection fills the queue; the system leaves the next one unanswered until there is room.
                let (listener, address) = try loop.listeningSocket(backlog: 0)
                let filler = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
                try await loop.sockConnect(filler.descriptor, address)
                let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
                let waiting = loop.createTask { try await loop.sockConnect(socket.descriptor, address) }
                try await loop.rounds(3)
                waiting.cancel()
                #expect(await settled(waiting) == "cancelled")
                let again = loop.createTask { try await loop.sockConnect(socket.descriptor, address) }
                let accepted = try await loop.sockAccept(listener.descriptor).fileDescriptor
                #expect(await settled(again) == "value ()")
                for descriptor in [filler.descriptor, socket.descriptor, accepted, listener.descriptor] {
                    SystemSocket(descriptor).close()
                }
            }
        }
    #endif

    @Test func twoThatReceiveFromOneSocketGetTurns() async throws {
        try await withPeers { loop, one, two in
            let first = loop.createTask { try await loop.sockRecv(two.descriptor, 1) }
            let second = loop.createTask { try await loop.sockRecv(two.descriptor, 1) }
            try await loop.rounds(2)
            try await one.send("ab")
            #expect(try await first.value == Array("a".utf8))
            #expect(try await second.value == Array("b".utf8))
        }
    }

    @Test func theNextOneGoesOnWhenTheFirstIsCancelled() async throws {
        try await withPeers { loop, one, two in
            let first = loop.createTask { try await loop.sockRecv(two.descriptor, 1) }
            let second = loop.createTask { try await loop.sockRecv(two.descriptor, 1) }
            try await loop.rounds(2)
            first.cancel()
            try await one.send("a")
            #expect(try await second.value == Array("a".utf8))
            #expect(outcome(of: first) == "cancelled")
        }
    }

    @Test func receivingAndSendingWaitIndependently() async throws {
        try await withPeers { loop, one, two in
            let bytes = pattern(10_000_000)
            let receiving = loop.createTask { try await loop.sockRecv(one.descriptor, 10) }
            let sending = loop.createTask { try await loop.sockSendAll(one.descriptor, bytes) }
            try await loop.rounds(3)
            #expect(!receiving.isDone && !sending.isDone)
            try await two.send("x")
            #expect(try await receiving.value == Array("x".utf8))
            #expect(checksum(try await two.receive(bytes.count)) == checksum(bytes))
            try await sending.value
        }
    }

    @Test func aResetIsAnError() async throws {
        try await withPeers { loop, one, two in
            let receiving = loop.createTask { try await loop.sockRecv(two.descriptor, 10) }
            try await loop.rounds(2)
            one.reset()
            await #expect { try await receiving.value } throws: { ($0 as? IOError)?.code == .connectionReset }
        }
    }

    // MARK: - Mistakes

    @Test func debugModeRefusesSocketsThatBlock() async throws {
        try await onLoop(debug: true) { loop in
            let (one, two) = try socketPair()
            defer { for descriptor in [one, two] { SystemSocket(descriptor).close() } }
            await #expect(throws: EventLoopError.invalidArgument("")) { try await loop.sockRecv(one, 1) }
            await #expect(throws: EventLoopError.invalidArgument("")) { try await loop.sockSendAll(one, [1]) }
            await #expect(throws: EventLoopError.invalidArgument("")) { _ = try await loop.sockAccept(one) }
            await #expect(throws: EventLoopError.invalidArgument("")) {
                try await loop.sockConnect(one, .loopback)
            }
            try SystemSocket(one).setNonBlocking()
            try await loop.sockSendAll(one, [1])
        }
    }

    @Test func badArgumentsAreRefused() async throws {
        try await onLoop { loop in
            await #expect(throws: EventLoopError.invalidArgument("")) { try await loop.sockRecv(-1, 1) }
            await #expect(throws: EventLoopError.invalidArgument("")) { try await loop.sockRecv(0, -1) }
            await #expect(throws: IOError.self) { try await loop.sockRecv(100_000, 1) }
        }
    }
}
