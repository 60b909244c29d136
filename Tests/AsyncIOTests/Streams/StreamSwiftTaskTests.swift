// Streams in Swift's own tasks: actors on the loop, and child tasks of its tasks.

import Testing

@testable import AsyncIO

/// An actor that lives on a loop and talks to a server.
private actor Client {
    let executor: LoopExecutor

    init(_ executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    func ask(_ port: Int, _ lines: [String]) async throws -> [String] {
        let (reader, writer) = try await EventLoop.running.openConnection(host: "127.0.0.1", port: port)
        var answers: [String] = []
        for line in lines {
            writer.write(line + "\n")
            try await writer.drain()
            answers.append(asText(try await reader.readLine()))
        }
        writer.writeEOF()
        for try await chunk in reader { answers.append(asText(chunk)) }
        writer.close()
        try await writer.waitClosed()
        return answers
    }

    /// Waits for a line that never comes.
    func wait(_ port: Int) async throws {
        let (reader, writer) = try await EventLoop.running.openConnection(host: "127.0.0.1", port: port)
        writer.write("waiting\n")
        _ = try await reader.readLine()
        _ = try await reader.readLine()
    }
}

@Suite struct StreamSwiftTaskTests {
    private static func echoServer(_ loop: EventLoop) async throws -> (server: Server, port: Int) {
        let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
            for try await line in reader.lines {
                writer.write(line)
                try await writer.drain()
            }
        }
        return (server, try #require(server.addresses.first?.port))
    }

    @Test func actorOnTheLoopReadsAndWrites() async throws {
        let answers = try await onLoop { loop in
            let (server, port) = try await Self.echoServer(loop)
            let client = Client(loop.executor)
            let answers = try await client.ask(port, ["one", "two"])
            server.close()
            try await server.waitClosed()
            return answers
        }
        #expect(answers == ["one\n", "two\n"])
    }

    @Test func swiftTasksOfAnActorReadAndWrite() async throws {
        let answers = try await onLoop { loop in
            let (server, port) = try await Self.echoServer(loop)
            let client = Client(loop.executor)
            let tasks = (0..<10).map { n in Task { try await client.ask(port, ["\(n)", "again"]) } }
            var answers: [[String]] = []
            for task in tasks { answers.append(try await task.value) }
            server.close()
            try await server.waitClosed()
            return answers
        }
        #expect(answers == (0..<10).map { ["\($0)\n", "again\n"] })
    }

    @Test func childTasksOfATaskReadAndWrite() async throws {
        let answers = try await onLoop { loop in
            let (server, port) = try await Self.echoServer(loop)
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for n in 0..<10 {
                    group.addTask {
                        let (reader, writer) = try await EventLoop.running.openConnection(host: "127.0.0.1", port: port)
                        writer.write("child \(n)\n")
                        let answer = asText(try await reader.readLine())
                        writer.close()
                        try await writer.waitClosed()
                        return answer
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            server.close()
            try await server.waitClosed()
            return answers.sorted()
        }
        #expect(answers == (0..<10).map { "child \($0)\n" })
    }

    @Test func cancelledSwiftTaskStopsReadingAndItsConnectionIsClosed() async throws {
        let isCancelled = try await onLoop { loop in
            let client = Client(loop.executor)
            let isWaiting = loop.createFuture(of: Void.self)
            let isOver = loop.createFuture(of: Bool.self)
            let server = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                writer.write(try await reader.readLine())
                try isWaiting.setResult(())
                try isOver.setResult(try await reader.read().isEmpty)
            }
            let port = try #require(server.addresses.first?.port)
            let task = Task { try await client.wait(port) }
            try await isWaiting.value
            task.cancel()
            let isCancelled = await caught { try await task.value } is CancellationError
            let sawTheEnd = try await isOver.value
            server.close()
            try await server.waitClosed()
            return isCancelled && sawTheEnd
        }
        #expect(isCancelled)
    }

    @Test(arguments: [false, true])
    func bytesInTheRoundOfAChildsCancellationAreReadOrStay(cancelsFirst: Bool) async throws {
        let text = try await onLoop { loop in
            let reader = UncheckedTransfer(try StreamReader(loop: loop))  // SAFETY: used on the loop's thread only.
            return try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { asText(try await reader.value.read(3)) }
                try await loop.rounds(3)
                if cancelsFirst { group.cancelAll() }
                reader.value.feedData(octets("abcdef"))
                if !cancelsFirst { group.cancelAll() }
                var text = ""
                do { text += try await group.next() ?? "" } catch is CancellationError {}
                reader.value.feedEOF()
                return text + asText(try await reader.value.read())
            }
        }
        #expect(text == "abcdef")
    }

    @Test func secondReadIsRefusedWhileAChildWaits() async throws {
        let (code, text) = try await onLoop { loop in
            let reader = UncheckedTransfer(try StreamReader(loop: loop))  // SAFETY: used on the loop's thread only.
            async let first = reader.value.readExactly(3)
            try await loop.rounds(3)
            let code = loopCode(await caught { try await reader.value.readLine() })
            reader.value.feedData(octets("abc"))
            return (code, asText(try await first))
        }
        #expect(code == .alreadyReading)
        #expect(text == "abc")
    }
}
