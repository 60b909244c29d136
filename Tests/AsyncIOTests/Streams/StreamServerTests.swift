// openConnection and startServer: echo, the end of handlers, their errors, and who keeps a connection open.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct StreamServerTests {
    private static func echo(_ reader: StreamReader, _ writer: StreamWriter) async throws {
        for try await chunk in reader {
            writer.write(chunk)
            try await writer.drain()
        }
    }

    /// Sends a text, ends the writing side and returns the answer.
    private static func ask(
        _ connection: (reader: StreamReader, writer: StreamWriter), _ text: String
    ) async throws -> String {
        connection.writer.write(text)
        connection.writer.writeEOF()
        let answer = try await connection.reader.read()
        connection.writer.close()
        try await connection.writer.waitClosed()
        return asText(answer)
    }

    private static func port(of server: Server) throws -> Int { try #require(server.addresses.first?.port) }

    // MARK: - Echo

    @Test func serverEchoesOverTCP() async throws {
        let answers = try await onLoop { loop in
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                try await Self.echo(reader, writer)
            }
            return try await server.withClosing {
                var answers: [String] = []
                for text in ["first", "second", ""] {
                    let connection = try await loop.openConnection(host: "127.0.0.1", port: Self.port(of: server))
                    answers.append(try await Self.ask(connection, text))
                }
                return answers
            }
        }
        #expect(answers == ["first", "second", ""])
    }

    @Test func serverEchoesOverAUnixSocket() async throws {
        let folder = ScratchFolder()
        let path = folder.path + "/echo"
        let answer = try await onLoop { loop in
            let server = try await loop.startUnixServer(path: path) { reader, writer in
                try await Self.echo(reader, writer)
            }
            return try await server.withClosing {
                try await Self.ask(try await loop.openUnixConnection(path: path), "unix")
            }
        }
        #expect(answer == "unix")
        withExtendedLifetime(folder) {}
    }

    @Test func bothEndsKnowTheAddresses() async throws {
        let (client, accepted, listening) = try await onLoop { loop in
            let seen = loop.createFuture(of: [SocketAddress?].self)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                try seen.setResult([writer.remoteAddress, writer.localAddress])
                _ = try await reader.read()
            }
            return try await server.withClosing {
                let (_, writer) = try await loop.openConnection(host: "127.0.0.1", port: Self.port(of: server))
                let client = [writer.localAddress, writer.remoteAddress]
                let accepted = try await seen.value
                writer.close()
                try await writer.waitClosed()
                return (client, accepted, server.addresses.first)
            }
        }
        #expect(client == accepted)
        #expect(client.last == listening)
    }

    @Test func limitReachesTheReaders() async throws {
        let (code, mine) = try await onLoop { loop in
            let seen = loop.createFuture(of: (any Error)?.self)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0, limit: 5) { reader, writer in
                try seen.setResult(await caught { try await reader.readUntil("|") })
                writer.write("0123456789|")
            }
            return try await server.withClosing {
                let (reader, writer) = try await loop.openConnection(
                    host: "127.0.0.1", port: Self.port(of: server), limit: 6)
                writer.write("0123456789|")
                let mine = await caught { try await reader.readUntil("|") }
                return (try await seen.value is LimitOverrunError, mine is LimitOverrunError)
            }
        }
        #expect(code)
        #expect(mine)
    }

    @Test func refusedConnectionsFail() async throws {
        let codes = try await onLoop { loop in
            let server = try await loop.startServer(host: "127.79.1.2", port: 0) { _, _ in }
            let port = try Self.port(of: server)
            server.close()
            try await server.waitClosed()
            let refused = try await loop.untilNobodyListens {
                try await loop.openConnection(host: "127.79.1.2", port: port).writer.transport.abort()
            }
            return [
                systemCode(refused),
                systemCode(await caught { try await loop.openUnixConnection(path: "/tmp/asyncio-test-none/none") }),
            ]
        }
        #expect(codes == [.connectionRefused, .noSuchFile])
    }

    // MARK: - The end of a handler

    @Test func connectionIsClosedWhenTheHandlerReturns() async throws {
        let text = try await onLoop { loop in
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { _, writer in writer.write("bye") }
            return try await server.withClosing {
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: Self.port(of: server))
                let text = asText(try await reader.read())
                writer.close()
                return text
            }
        }
        #expect(text == "bye")
    }

    @Test func errorOfAHandlerIsReportedAndClosesItsConnectionOnly() async throws {
        let (messages, error, subject, texts) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                let line = try await reader.readLine()
                if line == octets("fail\n") { throw TestError() }
                writer.write(line)
                try await Self.echo(reader, writer)
            }
            return try await server.withClosing {
                let port = try Self.port(of: server)
                let good = try await loop.openConnection(host: "127.0.0.1", port: port)
                good.writer.write("hello\n")
                var texts = [asText(try await good.reader.readLine())]
                let bad = try await loop.openConnection(host: "127.0.0.1", port: port)
                bad.writer.write("fail\n")
                texts.append(asText(try await bad.reader.read()))
                bad.writer.close()
                texts.append(try await Self.ask(good, "still there"))
                let report = reports.all.first
                return (reports.messages, report?.exception as? TestError, report?.transport != nil, texts)
            }
        }
        #expect(messages == ["Unhandled exception in client_connected_cb"])
        #expect(error == TestError())
        #expect(subject)
        #expect(texts == ["hello\n", "", "still there"])
    }

    @Test func cancelledHandlerClosesItsConnectionSilently() async throws {
        let (messages, text) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let started = loop.createFuture(of: AnyLoopTask.self)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, _ in
                if let task = loop.currentTask { try started.setResult(task) }
                _ = try await reader.read()
            }
            return try await server.withClosing {
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: Self.port(of: server))
                try await started.value.cancel()
                let text = asText(try await reader.read())
                writer.close()
                return (reports.messages, text)
            }
        }
        #expect(messages == [])
        #expect(text == "")
    }

    @Test func cancelledHandlerClosesItsConnectionAlsoIfSomebodyHoldsTheReader() async throws {
        let text = try await onLoop { loop in
            let kept = Variable<StreamReader>()
            let started = loop.createFuture(of: AnyLoopTask.self)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, _ in
                kept.value = reader
                if let task = loop.currentTask { try started.setResult(task) }
                // The cancellation is swallowed here, and due again at the end.
                try? await loop.sleep(for: .seconds(3600))
                throw CancellationError()
            }
            return try await server.withClosing {
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: Self.port(of: server))
                try await started.value.cancel()
                let text = asText(try await reader.read())
                writer.close()
                return text
            }
        }
        #expect(text == "")
    }

    @Test func handlerThatReturnsCancelledClosesItsConnectionToo() async throws {
        let isClosed = try await onLoop { loop in
            let kept = Variable<StreamReader>()
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, _ in
                kept.value = reader
                // It is not delivered any more: the task that returns is cancelled.
                loop.currentTask?.cancel()
            }
            return try await server.withClosing {
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: Self.port(of: server))
                try await loop.untilTrue { kept.value != nil }
                try await loop.rounds(5)
                let isClosed = kept.value?.core.transport?.isClosing ?? true
                kept.value = nil
                _ = try await reader.read()
                writer.close()
                return isClosed
            }
        }
        #expect(isClosed)
    }

    // MARK: - A connection that breaks

    @Test func resetIsThrownByReadDrainAndWaitClosed() async throws {
        let codes = try await onLoop { loop in
            let (listener, address) = try Self.listen()
            let connecting = loop.createTask {
                try await loop.openConnection(host: "127.0.0.1", port: try #require(address.port))
            }
            let accepted = try await loop.sockAccept(listener).fileDescriptor
            let (reader, writer) = try await connecting.value
            writer.write("never read")
            try await loop.sockSendAll(accepted, octets("abc"))
            let first = try await reader.read(1)
            #expect(first == octets("a"))
            Self.reset(accepted)
            Glibc.close(listener)
            var codes = [systemCode(await caught { try await writer.waitClosed() })]
            codes.append(systemCode(await caught { try await reader.read(1) }))
            codes.append(systemCode(await caught { try await writer.drain() }))
            codes.append(systemCode(reader.exception))
            return codes
        }
        #expect(codes == Array(repeating: .connectionReset, count: 4))
    }

    /// A socket that listens on 127.0.0.1.
    private static func listen() throws -> (descriptor: Int32, address: SocketAddress) {
        let socket = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
        try socket.bind(to: IPAddress.loopback.socketName(port: 0), subject: "loopback")
        try socket.listen(backlog: 5, subject: "loopback")
        return (socket.descriptor, try #require(SocketAddress(try socket.localName())))
    }

    /// Closes a connection so that the other end gets an error.
    private static func reset(_ descriptor: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        Glibc.close(descriptor)
    }

    // MARK: - Who keeps a connection open

    @Test func readerThatIsKeptKeepsTheConnectionOpen() async throws {
        let (isClosing, text) = try await onLoop { loop in
            let kept = loop.createFuture(of: StreamReader.self)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, _ in
                try kept.setResult(reader)
            }
            return try await server.withClosing {
                let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: Self.port(of: server))
                let accepted = Variable(try await kept.value)
                try await loop.rounds(5)
                writer.write("still there")
                writer.writeEOF()
                let text = asText(try await accepted.value?.read() ?? [])
                let isClosing = reader.isAtEOF
                accepted.value?.core.transport?.close()
                _ = try await reader.read()
                writer.close()
                return (isClosing, text)
            }
        }
        #expect(!isClosing)
        #expect(text == "still there")
    }

    @Test func connectionWhoseReaderAndWriterAreGoneIsClosed() async throws {
        let text = try await onLoop { loop in
            let pair = Variable<StreamPair>()
            pair.value = try await StreamPair.connected(loop)
            let far = try #require(pair.value?.far)
            pair.value?.near.writer.write("last words")
            pair.value = nil
            let text = asText(try await far.reader.read())
            far.writer.close()
            try await far.writer.waitClosed()
            return text
        }
        #expect(text == "last words")
    }

    @Test func clientThatKeepsItsReaderOnlyReadsOn() async throws {
        let text = try await onLoop { loop in
            let release = loop.createFuture(of: Void.self)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { _, writer in
                try await release.value
                writer.write("answer")
            }
            return try await server.withClosing {
                let port = try Self.port(of: server)
                let reader = try await loop.openConnection(host: "127.0.0.1", port: port).reader
                try await loop.rounds(5)
                try release.setResult(())
                return asText(try await reader.read())
            }
        }
        #expect(text == "answer")
    }

    @Test func descriptorIsTheStreamsAfterOpenConnection() async throws {
        let (text, code) = try await onLoop { loop in
            let (first, second) = try socketPair()
            let near = try await loop.openConnection(fileDescriptor: first)
            let far = try await loop.openConnection(fileDescriptor: second)
            let code = loopCode(await caught { try await loop.openConnection(fileDescriptor: first) })
            far.writer.write("x")
            let text = asText(try await near.reader.readExactly(1))
            for connection in [near, far] {
                connection.writer.close()
                try await connection.writer.waitClosed()
            }
            return (text, code)
        }
        #expect(text == "x")
        #expect(code == .descriptorInUse)
    }
}
