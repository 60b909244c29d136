// The sections about connections: an echo server and its clients, a chat, a file that is sent.

import AsyncIO
import Glibc

/// What came out of a section was not what had to.
struct SectionFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Throws unless `condition` holds.
func verify(_ condition: Bool, _ claim: @autoclosure () -> String) throws {
    if !condition { throw SectionFailure(claim()) }
}

/// The port that a server listens on.
func port(of server: Server) throws -> Int {
    guard let port = server.addresses.first?.port else { throw SectionFailure("the server has no port") }
    return port
}

/// Lends a server to `body`. Afterwards, also after Ctrl-C, it is closed, and so is every connection that is left.
func serving<Value>(_ server: Server, _ body: (Int) async throws -> Value) async throws -> Value {
    do {
        let value = try await body(try port(of: server))
        server.close()
        try await server.waitClosed()
        return value
    } catch {
        server.close()
        server.abortClients()
        throw error
    }
}

// MARK: - Echo

/// Gives back what comes. While too much waits to go out it reads no more.
private final class Echo: StreamProtocol {
    private var transport: Transport?

    func connectionMade(_ transport: Transport) { self.transport = transport }
    func dataReceived(_ data: RawSpan) { transport?.write(data) }
    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
    func connectionLost(_ error: (any Error)?) { transport = nil }
}

/// A hundred clients send bytes of their own to a server in the same process, all at once, and compare what comes back.
func echoToHundredClients(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Echo() }
    try await serving(server) { port in
        let clients = (1...100).map { number in
            loop.createTask(name: "echo client \(number)") { try await echo(loop, port) }
        }
        var bytes = 0
        do {
            for client in clients { bytes += try await client.value }
        } catch {
            for client in clients { client.cancel() }
            throw error
        }
        ledger.count("echo server", since: begin)
        ledger.note("echo server", "\(clients.count) clients at once sent \(bytes) bytes and got them back")
    }
}

/// One client. It sends while it reads: neither side keeps everything in memory.
private func echo(_ loop: EventLoop, _ port: Int) async throws -> Int {
    let bytes = randomBytes(Int.random(in: 1...200_000))
    let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
    let sending = loop.createTask {
        for start in stride(from: 0, to: bytes.count, by: 10_000) {
            writer.write(bytes[start..<min(start + 10_000, bytes.count)])
            try await writer.drain()
        }
        writer.writeEOF()
    }
    let answer: [UInt8]
    do {
        answer = try await reader.read()
        try await sending.value
    } catch {
        sending.cancel()
        throw error
    }
    try verify(answer == bytes, "of \(bytes.count) bytes \(answer.count) came back, or others")
    writer.close()
    try await writer.waitClosed()
    return bytes.count
}

/// Bytes without a pattern. The system's generator is asked for a seed only: it would hold up the loop.
func randomBytes(_ count: Int) -> [UInt8] {
    var state = UInt64.random(in: 1 ... .max)
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        for index in buffer.indices {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            buffer.initializeElement(at: index, to: UInt8(truncatingIfNeeded: state >> 56))
        }
        initialized = count
    }
}

// MARK: - Chat

/// Who is in the chat.
private final class Room {
    private var members: [String: StreamWriter] = [:]

    /// One connection: its first line is a name, every other one goes to all others.
    func welcome(_ reader: StreamReader, _ writer: StreamWriter) async throws {
        var lines = reader.lines.makeAsyncIterator()
        guard let name = try await lines.next().map(text) else { return }
        tell("\(name) joins", except: name)
        members[name] = writer
        writer.write("\(members.count) here\n")
        defer {
            members[name] = nil
            tell("\(name) leaves", except: name)
        }
        while let line = try await lines.next() { tell("\(name): \(text(line))", except: name) }
    }

    private func tell(_ line: String, except speaker: String) {
        for (name, writer) in members where name != speaker { writer.write(line + "\n") }
    }
}

/// A line without its newline.
private func text(_ line: [UInt8]) -> String { String(decoding: line.prefix { $0 != 10 }, as: UTF8.self) }

/// Three clients talk over streams; what the first one sees is known beforehand.
func chat(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let room = Room()
    let server = try await loop.startServer(host: "127.0.0.1", port: 0) { try await room.welcome($0, $1) }
    let transcript = try await serving(server) { port in
        // Each step is confirmed by what somebody reads, so the order is fixed.
        let ann = try await enter(loop, port, "ann")
        var seen = [try await ann.line()]
        let bob = try await enter(loop, port, "bob")
        seen += [try await bob.line(), try await ann.line()]
        let cid = try await enter(loop, port, "cid")
        seen += [try await cid.line(), try await ann.line(), try await bob.line()]
        bob.writer.write("hello\n")
        seen += [try await ann.line(), try await cid.line()]
        try await cid.leave()
        seen += [try await ann.line(), try await bob.line()]
        try await bob.leave()
        seen.append(try await ann.line())
        try await ann.leave()
        return seen
    }
    let expected = [
        "1 here", "2 here", "bob joins", "3 here", "cid joins", "cid joins", "bob: hello", "bob: hello", "cid leaves",
        "cid leaves", "bob leaves",
    ]
    try verify(transcript == expected, "the chat went differently: \(transcript)")
    ledger.count("chat", since: begin)
    ledger.note("chat", "3 clients, \(transcript.count) lines as expected")
}

/// A client of the chat.
private struct Member {
    let reader: StreamReader
    let writer: StreamWriter

    func line() async throws -> String { text(try await reader.readLine()) }

    /// Says that nothing more comes, and waits for the server to close.
    func leave() async throws {
        writer.writeEOF()
        try verify(try await reader.read().isEmpty, "something came after the farewell")
        writer.close()
        try await writer.waitClosed()
    }
}

private func enter(_ loop: EventLoop, _ port: Int, _ name: String) async throws -> Member {
    let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
    writer.write("\(name)\n")
    return Member(reader: reader, writer: writer)
}

// MARK: - A file

/// Hashes what comes.
private final class Hasher: StreamProtocol {
    private var digest = FileDigest()
    let done: Future<FileDigest>

    init(_ loop: EventLoop) { done = loop.createFuture() }

    func dataReceived(_ data: RawSpan) { data.withUnsafeBytes { digest.add($0) } }

    func connectionLost(_ error: (any Error)?) throws {
        guard !done.isDone else { return }
        if let error { try done.setException(error) } else { try done.setResult(digest) }
    }
}

/// The system sends a file through a connection; the other end hashes what comes.
func sendFile(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let file = try TemporaryFile(randomBytes(3_000_000))
    defer { file.close() }
    let expected = try await loop.toThread { [path = file.path] in try hashFile(path) }
    let hasher = Hasher(loop)
    let server = try await loop.createServer(host: "127.0.0.1", port: 0) { hasher }
    let begin = loop.time()
    try await serving(server) { port in
        let (_, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
        let sent = try await loop.sendfile(writer.transport, fileDescriptor: file.descriptor)
        writer.close()
        let digest = try await hasher.done.value
        try verify(sent == expected.size, "\(sent) of \(expected.size) bytes were sent")
        try verify(digest.hash == expected.hash, "the file that came is another one")
        ledger.count("sendfile", since: begin)
        ledger.note("sendfile", "\(sent) bytes, the hash is the file's")
    }
}
