// Datagram sockets and their protocols.

import Testing

@testable import AsyncIO

/// Takes notes of a datagram socket.
final class DatagramRecorder: Journal, DatagramProtocol {
    private(set) var transport: DatagramTransport?
    private(set) var datagrams: [(bytes: [UInt8], address: SocketAddress)] = []
    private(set) var errors: [any Error] = []

    func connectionMade(_ transport: DatagramTransport) throws {
        self.transport = transport
        try note("made")
    }

    func datagramReceived(_ data: RawSpan, from address: SocketAddress) throws {
        datagrams.append((data.withUnsafeBytes { Array($0) }, address))
        try note("data")
    }

    func errorReceived(_ error: any Error) throws {
        errors.append(error)
        try note("error")
    }

    var texts: [String] { datagrams.map { String(decoding: $0.bytes, as: UTF8.self) } }
    func untilReceived(_ count: Int) async throws { try await until { datagrams.count >= count } }
}

extension EventLoop {
    func datagramEndpoint(
        localAddress: SocketAddress? = nil, remoteAddress: SocketAddress? = nil
    ) async throws -> (transport: DatagramTransport, protocol: DatagramRecorder) {
        try await createDatagramEndpoint(localAddress: localAddress, remoteAddress: remoteAddress) {
            DatagramRecorder(self)
        }
    }
}

/// Closes the sockets and waits for their ends.
func end(_ endpoints: DatagramRecorder...) async throws {
    for endpoint in endpoints {
        endpoint.actions = [:]
        endpoint.transport?.abort()
        try await endpoint.untilLost()
        #expect(endpoint.lostErrors.count == 1)
    }
}

@Suite struct DatagramTests {
    private typealias Endpoint = (transport: DatagramTransport, protocol: DatagramRecorder)

    @Test(arguments: ["127.0.0.1:0", "[::1]:0"])
    func aBoundAndAConnectedSocketExchangeDatagrams(_ text: String) async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: SocketAddress(text))
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            #expect(served.events == ["made"] && received.events == ["made"])
            #expect(client.remoteAddress == server.localAddress && server.remoteAddress == nil)
            client.send("question")
            try await served.untilReceived(1)
            #expect(served.texts == ["question"])
            #expect(served.datagrams[0].address == client.localAddress)
            server.send("answer", to: served.datagrams[0].address)
            try await received.untilReceived(1)
            #expect(received.texts == ["answer"])
            #expect(received.datagrams[0].address == server.localAddress)
            try await end(served, received)
        }
    }

    @Test func datagramsKeepTheirBoundariesAndOrder() async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            for number in 0..<20 { client.send("\(number)") }
            try await served.untilReceived(20)
            #expect(served.texts == (0..<20).map(String.init))
            try await end(served, received)
        }
    }

    @Test func anEmptyDatagramIsSentAndReceived() async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            client.send([])
            client.send("")
            client.send("x")
            try await served.untilReceived(3)
            #expect(served.texts == ["", "", "x"])
            try await end(served, received)
        }
    }

    @Test func theLargestDatagramOfUDPArrivesWhole() async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            let bytes = pattern(65507)
            client.send(bytes)
            try await served.untilReceived(1)
            #expect(served.datagrams[0].bytes == bytes)
            try await end(served, received)
        }
    }

    @Test func aDatagramThatIsTooLongIsAnErrorAndTheSocketStaysOpen() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            client.send(pattern(65508))
            #expect((received.errors.first as? IOError)?.code == .messageTooLong)
            client.send("x")
            try await served.untilReceived(1)
            #expect(received.errors.count == 1 && reports.messages == [])
            try await end(served, received)
        }
    }

    @Test func refusedDatagramsAreErrorsAndTheSocketStaysOpen() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let (gone, goneProtocol) = try await loop.datagramEndpoint(localAddress: .loopback)
            let address = try #require(gone.localAddress)
            try await end(goneProtocol)
            try await loop.rounds(1)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: address)
            try await loop.untilTrue {
                client.send("nobody is there")
                return !received.errors.isEmpty
            }
            #expect((received.errors.first as? IOError)?.code == .connectionRefused)
            #expect(!client.isClosing && reports.messages == [])
            let (_, back) = try await loop.onceFree { try await loop.datagramEndpoint(localAddress: address) }
            client.send("somebody is there")
            try await back.untilReceived(1)
            try await end(received, back)
        }
    }

    @Test func sendingElsewhereFromAConnectedSocketIsAnError() async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            client.send("x", to: SocketAddress("127.0.0.1:9"))
            #expect((received.errors.first as? EventLoopError)?.code == .invalidArgument)
            client.send("y", to: server.localAddress)
            try await served.untilReceived(1)
            #expect(served.texts == ["y"] && received.errors.count == 1)
            try await end(served, received)
        }
    }

    @Test func sendingNowhereFromASocketThatIsNotConnectedIsAnError() async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            server.send("where to?")
            #expect((served.errors.first as? IOError)?.code == .destinationRequired)
            #expect(!server.isClosing)
            try await end(served)
        }
    }

    @Test func anErrorOfDatagramReceivedIsReportedAndTheSocketStaysOpen() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            served.actions["data"] = { throw TestError() }
            client.send("one")
            client.send("two")
            try await served.untilReceived(2)
            #expect(reports.all.count == 2 && reports.all[0].exception is TestError)
            #expect(reports.all[0].datagramTransport === server)
            #expect(!server.isClosing && served.lostErrors.isEmpty)
            try await end(served, received)
        }
    }

    @Test func anErrorOfErrorReceivedIsReportedAndTheSocketStaysOpen() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            served.actions["error"] = { throw TestError() }
            server.send("where to?")
            #expect(reports.all.count == 1)
            #expect(!server.isClosing)
            try await end(served)
        }
    }

    // MARK: - Reading

    @Test func pauseHoldsDatagramsBackUntilResume() async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            server.pauseReading()
            #expect(!server.isReading)
            client.send("x")
            try await loop.rounds(200)
            #expect(served.datagrams.isEmpty)
            server.resumeReading()
            server.resumeReading()
            #expect(server.isReading)
            try await served.untilReceived(1)
            try await end(served, received)
        }
    }

    @Test func pauseInDatagramReceivedStopsAtOnce() async throws {
        try await onLoop { loop in
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            served.actions["data"] = { [unowned server] in server.pauseReading() }
            for number in 0..<5 { client.send("\(number)") }
            for count in 1...5 {
                try await served.untilReceived(count)
                try await loop.rounds(200)
                #expect(served.datagrams.count == count)
                server.resumeReading()
            }
            try await end(served, received)
        }
    }

    @Test func pauseAndResumeInConnectionMadeLeaveTheSocketReceiving() async throws {
        try await onLoop { loop in
            let recorder = DatagramRecorder(loop)
            recorder.actions["made"] = {
                recorder.transport?.pauseReading()
                recorder.transport?.resumeReading()
            }
            let (server, served) = try await loop.createDatagramEndpoint(localAddress: .loopback) { recorder }
            #expect(!server.isClosing && server.isReading)
            let (client, received) = try await loop.datagramEndpoint(remoteAddress: server.localAddress)
            client.send("x")
            try await served.until { served.datagrams.count == 1 || served.isLost }
            #expect(served.texts == ["x"] && served.lostErrors.isEmpty)
            try await end(served, received)
        }
    }

    // MARK: - The end

    @Test func closeCallsConnectionLostOnceAndSendsAreSilentAfterwards() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let (server, served) = try await loop.datagramEndpoint(localAddress: .loopback)
            let address = server.localAddress
            server.close()
            server.close()
            server.abort()
            #expect(server.isClosing && served.lostErrors.isEmpty)
            server.send("x", to: address)
            try await served.untilLost()
            server.send("x")
            server.send("x", to: SocketAddress("127.0.0.1:9"))
            server.close()
            server.abort()
            try await loop.rounds(200)
            #expect(served.events == ["made", "lost"] && served.lostErrors[0] == nil)
            #expect(reports.messages == [])
            #expect(server.fileDescriptor == -1 && server.localAddress == address)
        }
    }

    @Test func closeInConnectionMadeEndsTheSocket() async throws {
        try await onLoop { loop in
            let recorder = DatagramRecorder(loop)
            recorder.actions["made"] = { recorder.transport?.close() }
            _ = try await loop.createDatagramEndpoint(localAddress: .loopback) { recorder }
            try await recorder.untilLost()
            #expect(recorder.events == ["made", "lost"])
        }
    }
}
