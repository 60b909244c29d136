// A chat: everyone says a name first, and every line after that goes to all others.
//
//   swift run ChatServer [HOST [PORT]]       by default 127.0.0.1 8889; talk to it with nc
//   Ctrl-C stops listening, and waits for the clients that are left; a second one does not

import AsyncIO
import Glibc

/// Who is there. All of it is on the loop's thread: no locks, and no actor.
final class Room {
    private var members: [String: StreamWriter] = [:]
    /// A member who is so many bytes behind has to leave: nobody waits for a slow reader.
    private let patience = 1 << 20

    /// One connection, from the name to the farewell.
    nonisolated(nonsending) func welcome(_ reader: StreamReader, _ writer: StreamWriter) async throws {
        writer.write("Your name?\n")
        var lines = reader.lines.makeAsyncIterator()
        guard let name = try await lines.next().map(text), !name.isEmpty else { return }
        guard members[name] == nil else { return writer.write("\(name) is here already.\n") }
        let others = members.keys.sorted()
        tellAll("* \(name) has joined")
        members[name] = writer
        defer {
            members[name] = nil
            tellAll("* \(name) has left")
        }
        writer.write("* here: \(others.isEmpty ? "nobody else" : others.joined(separator: ", "))\n")
        while let line = try await lines.next() { tellAll("<\(name)> \(text(line))", except: name) }
    }

    private func tellAll(_ line: String, except speaker: String? = nil) {
        for (name, writer) in members where name != speaker && !writer.isClosing {
            writer.write(line + "\n")
            if writer.transport.writeBufferSize > patience { writer.transport.abort() }
        }
    }

    private func text(_ line: [UInt8]) -> String {
        String(String(decoding: line, as: UTF8.self).filter { !$0.isNewline })
    }
}

let arguments = CommandLine.arguments.dropFirst()
let host = arguments.first ?? "127.0.0.1"
let port = arguments.dropFirst().first.flatMap { Int($0) } ?? 8889

do {
    try AsyncIO.run { loop in
        let room = Room()
        let server = try await loop.startServer(host: host, port: port) { reader, writer in
            do {
                try await room.welcome(reader, writer)
            } catch let error as LimitOverrunError {
                writer.write("* too long a line: \(error)\n")
            } catch is IOError {
                // The connection broke; the others have been told.
            }
            writer.close()
        }
        for address in server.addresses { print("LISTENING", address) }
        fflush(nil)
        try await server.serveForever()
    }
} catch is KeyboardInterrupt {
    print("stopped")
} catch {
    print("ChatServer: \(error)")
    exit(1)
}
