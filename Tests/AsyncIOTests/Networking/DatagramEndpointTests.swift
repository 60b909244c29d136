// Making datagram sockets: of paths, of existing descriptors, with options; and what waits to be sent.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Lends a new folder with a short name, and removes it.
func withTemporaryFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    var template = Array("/tmp/asyncio-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestError(name: "mkdtemp") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { rmdir(path) }
    return try await body(path)
}

@Suite struct DatagramEndpointTests {
    /// Two connected sockets with datagrams of the Unix family, both adopted.
    private func unixPair(
        _ loop: EventLoop
    ) async throws -> (own: DatagramRecorder, other: DatagramRecorder) {
        let (one, two) = try socketPair(SystemConstant.datagram)
        let own = try await loop.createDatagramEndpoint(fileDescriptor: one) { DatagramRecorder(loop) }
        let other = try await loop.createDatagramEndpoint(fileDescriptor: two) { DatagramRecorder(loop) }
        return (own.protocol, other.protocol)
    }

    @Test func adoptedPairsSendWithoutAnAddress() async throws {
        try await onLoop { loop in
            let (own, other) = try await unixPair(loop)
            own.transport?.send("question")
            try await other.untilReceived(1)
            #expect(other.texts == ["question"] && other.datagrams[0].address == .unix(""))
            other.transport?.send("answer")
            try await own.untilReceived(1)
            #expect(own.errors.isEmpty && other.errors.isEmpty)
            try await end(own, other)
        }
    }

    @Test func aLargeUnixDatagramArrivesWhole() async throws {
        // asyncio receives up to 256 KiB.
        try await onLoop { loop in
            let (own, other) = try await unixPair(loop)
            let bytes = pattern(100_000)
            own.transport?.send(bytes)
            try await other.untilReceived(1)
            #expect(other.datagrams[0].bytes.count == bytes.count)
            try await end(own, other)
        }
    }

    @Test func unixSocketsHavePathsWhichAreRemovedAtTheEnd() async throws {
        try await withTemporaryFolder { folder in
            try await onLoop { loop in
                let (server, served) = try await loop.datagramEndpoint(localAddress: .unix(folder + "/server"))
                let (client, received) = try await loop.datagramEndpoint(
                    localAddress: .unix(folder + "/client"), remoteAddress: .unix(folder + "/server"))
                #expect(server.localAddress == .unix(folder + "/server"))
                client.send("question")
                try await served.untilReceived(1)
                #expect(served.datagrams[0].address == .unix(folder + "/client"))
                server.send("answer", to: served.datagrams[0].address)
                try await received.untilReceived(1)
                try await end(served, received)
                try await loop.rounds(1)
                #expect(throws: IOError.self) { try FileIdentity(path: folder + "/server") }
                #expect(throws: IOError.self) { try FileIdentity(path: folder + "/client") }
            }
        }
    }

    @Test func aSocketThatWasLeftAtThePathIsReplaced() async throws {
        try await withTemporaryFolder { folder in
            try await onLoop { loop in
                let address = SocketAddress.unix(folder + "/stale")
                let stale = try SystemSocket(family: SystemConstant.unix, type: SystemConstant.datagram)
                try stale.bind(to: address.socketName(argument: "test"), subject: "test")
                stale.close()
                let (_, served) = try await loop.datagramEndpoint(localAddress: address)
                try await end(served)
            }
        }
    }

    #if os(Linux)
        @Test func abstractNamesCanBeSentTo() async throws {
            try await onLoop { loop in
                let name = SocketAddress.unix("\0asyncio-test-\(getpid())-\(UInt64.random(in: 0 ... .max))")
                let (_, served) = try await loop.datagramEndpoint(localAddress: name)
                let (client, received) = try await loop.createDatagramEndpoint(family: .unix) {
                    DatagramRecorder(loop)
                }
                client.send("x", to: name)
                try await received.loop.rounds(200)
                try await served.until { served.datagrams.count == 1 || !received.errors.isEmpty }
                #expect(served.texts == ["x"])
                #expect(received.errors.isEmpty)
                try await end(served, received)
            }
        }
    #endif

    @Test func anAdoptedSocketIsOwnedByTheTransport() async throws {
        try await onLoop { loop in
            let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.datagram)
            try socket.bind(to: SocketAddress.loopback.socketName(argument: "test"), subject: "test")
            let (transport, recorder) = try await loop.createDatagramEndpoint(fileDescriptor: socket.descriptor) {
                DatagramRecorder(loop)
            }
            #expect(transport.fileDescriptor == socket.descriptor)
            #expect(transport.localAddress == SocketAddress(try socket.localName()))
            #expect(throws: EventLoopError(.descriptorInUse, "")) { try loop.addReader(socket.descriptor) {} }
            await #expect(throws: EventLoopError(.descriptorInUse, "")) {
                _ = try await loop.createDatagramEndpoint(fileDescriptor: socket.descriptor) { DatagramRecorder(loop) }
            }
            try await end(recorder)
        }
    }

    @Test func otherKindsOfDescriptorsAreRefusedAndStayOpen() async throws {
        try await onLoop { loop in
            let (one, two) = try socketPair()
            let (reading, writing) = try makePipe()
            defer { for descriptor in [one, two, reading, writing] { SystemSocket(descriptor).close() } }
            for descriptor in [-1, one, reading] {
                await #expect(throws: EventLoopError.invalidArgument(""), "descriptor \(descriptor)") {
                    _ = try await loop.createDatagramEndpoint(fileDescriptor: descriptor) { DatagramRecorder(loop) }
                }
            }
            #expect(isOpen(one) && isOpen(reading))
        }
    }

    @Test func addressesAreNeededAndHaveToBeOfOneFamily() async throws {
        try await onLoop { loop in
            await #expect(throws: EventLoopError.invalidArgument("")) { _ = try await loop.datagramEndpoint() }
            await #expect(throws: EventLoopError.invalidArgument("")) {
                _ = try await loop.datagramEndpoint(
                    localAddress: .loopback, remoteAddress: SocketAddress("[::1]:9"))
            }
        }
    }

    @Test func anErrorOfTheFactoryClosesTheSocket() async throws {
        try await onLoop { loop in
            await #expect(throws: TestError()) {
                _ = try await loop.createDatagramEndpoint(localAddress: .loopback) { () -> DatagramRecorder in
                    throw TestError()
                }
            }
        }
    }

    @Test func anAddressThatIsTakenIsAnError() async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let address = server.localAddress
            await #expect(throws: IOError.self) { _ = try await loop.datagramEndpoint(localAddress: address) }
            try await end(served)
        }
    }

    @Test func nobodyCanTakeTheAddressOver() async throws {
        // asyncio has given up `reuse_address` for datagrams: another process could receive them.
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            #expect(try SystemSocket(server.fileDescriptor).option(.reuseAddress) == 0)
            try await end(served)
        }
    }

    @Test func reusePortLetsTwoSocketsHaveAnAddress() async throws {
        try await onLoop { loop in
            let first = try await loop.createDatagramEndpoint(localAddress: .loopback, reusePort: true) {
                DatagramRecorder(loop)
            }
            let second = try await loop.createDatagramEndpoint(
                localAddress: first.transport.localAddress, reusePort: true
            ) { DatagramRecorder(loop) }
            #expect(first.transport.localAddress == second.transport.localAddress)
            try await end(first.protocol, second.protocol)
        }
    }

    @Test(arguments: [true, false]) func broadcastIsAllowedOnRequest(_ allowed: Bool) async throws {
        try await onLoop { loop in
            let (transport, recorder) = try await loop.createDatagramEndpoint(
                localAddress: .loopback, allowBroadcast: allowed
            ) { DatagramRecorder(loop) }
            #expect(try SystemSocket(transport.fileDescriptor).option(.broadcast) == (allowed ? 1 : 0))
            try await end(recorder)
        }
    }

    @Test func multicastComesBackWhenTheMachineCanDoIt() async throws {
        try await onLoop { loop in
            let any = try #require(SocketAddress("0.0.0.0:0"))
            let group = try #require(IPAddress("239.255.76.67"))
            let loopback = try #require(IPAddress("127.0.0.1"))
            let (server, served) = try await loop.datagramEndpoint(localAddress: any)
            do {
                try server.joinGroup(group, interface: loopback)
                try server.setMulticastInterface(loopback)
                try server.setMulticastLoop(true)
                try server.setMulticastTimeToLive(1)
                server.send("x", to: .ip(group, try #require(server.localAddress?.port)))
                if served.errors.isEmpty {
                    try await served.untilReceived(1)
                    #expect(served.texts == ["x"])
                }
                try server.leaveGroup(group, interface: loopback)
            } catch let error as IOError {
                // A machine without multicast.
                #expect([.addressNotAvailable, .notSupported, .networkUnreachable].contains(error.code), "\(error)")
            }
            try await end(served)
            #expect(throws: EventLoopError(.transportClosing, "")) { try server.setTimeToLive(3) }
        }
    }

    // MARK: - What waits

    /// Sends until the system takes no more.
    private func fill(_ recorder: DatagramRecorder) throws -> Int {
        let transport = try #require(recorder.transport)
        var count = 0
        while transport.writeBufferSize == 0 {
            transport.send("\(count)")
            count += 1
        }
        return count
    }

    @Test func whatTheSystemDoesNotTakeWaitsInOrder() async throws {
        try await onLoop { loop in
            let (own, other) = try await unixPair(loop)
            other.transport?.pauseReading()
            var count = try fill(own)
            for _ in 0..<50 {
                own.transport?.send("\(count)")
                count += 1
            }
            other.transport?.resumeReading()
            try await other.untilReceived(count)
            #expect(other.texts == (0..<count).map(String.init))
            #expect(own.transport?.writeBufferSize == 0)
            try await end(own, other)
        }
    }

    @Test func eachDatagramThatWaitsCountsEightBytesMore() async throws {
        try await onLoop { loop in
            let (own, other) = try await unixPair(loop)
            other.transport?.pauseReading()
            _ = try fill(own)
            let before = try #require(own.transport?.writeBufferSize)
            own.transport?.send(pattern(100))
            own.transport?.send([])
            #expect(own.transport?.writeBufferSize == before + 108 + 8)
            try await end(own, other)
        }
    }

    @Test func closeSendsWhatWaits() async throws {
        try await onLoop { loop in
            let (own, other) = try await unixPair(loop)
            other.transport?.pauseReading()
            let count = try fill(own)
            own.transport?.close()
            own.transport?.send("dropped")
            try await loop.rounds(200)
            #expect(own.lostErrors.isEmpty && own.transport?.isClosing == true)
            other.transport?.resumeReading()
            try await own.untilLost()
            try await other.untilReceived(count)
            #expect(other.texts == (0..<count).map(String.init))
            try await end(other)
        }
    }

    @Test func abortDropsWhatWaits() async throws {
        try await onLoop { loop in
            let (own, other) = try await unixPair(loop)
            other.transport?.pauseReading()
            _ = try fill(own)
            own.transport?.abort()
            try await own.untilLost()
            #expect(own.lostErrors[0] == nil)
            try await end(other)
        }
    }

    @Test func theProtocolIsPausedAboveTheHighMarkAndGoesOnAtTheLowOne() async throws {
        try await onLoop { loop in
            let (own, other) = try await unixPair(loop)
            other.transport?.pauseReading()
            let count = try fill(own)
            try own.transport?.setWriteBufferLimits(high: 100, low: 0)
            while own.events.last != "pause" { own.transport?.send([]) }
            #expect((101...108).contains(own.transport?.writeBufferSize ?? 0))
            other.transport?.resumeReading()
            try await other.untilReceived(count)
            try await own.until { own.events.last == "resume" }
            #expect(own.events == ["made", "pause", "resume"])
            try await end(own, other)
        }
    }

    @Test func loweringTheHighMarkPausesAtOnce() async throws {
        try await onLoop { loop in
            let (own, other) = try await unixPair(loop)
            other.transport?.pauseReading()
            _ = try fill(own)
            try own.transport?.setWriteBufferLimits(high: 0)
            #expect(own.events == ["made", "pause"])
            try await end(own, other)
        }
    }
}
