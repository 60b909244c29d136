// A small HTTP/1.1 server with keep-alive: GET and HEAD of / answer, bodies of requests are skipped.
//
//   swift run -c release HTTPServer [HOST [PORT]]       by default 127.0.0.1 8080
//   Ctrl-C stops listening, and waits for the clients that are left; a second one does not

import AsyncIO
import Glibc

/// The head of a request; nil if it is malformed.
struct Request {
    let method: Substring, path: Substring
    let keepsAlive: Bool, expectsContinue: Bool, bodyLength: Int

    init?(_ head: [UInt8]) {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard let words = lines.first?.split(separator: " "), words.count == 3, words[2].hasPrefix("HTTP/1.")
        else { return nil }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[colon...].dropFirst().split(separator: " ").joined(separator: " ").lowercased()
            let name = line[..<colon].lowercased()
            // What is there twice is joined by a comma, which no length has.
            fields[name] = fields[name].map { "\($0), \(value)" } ?? value
        }
        guard fields["transfer-encoding"] == nil, let length = Int(fields["content-length"] ?? "0"), length >= 0
        else { return nil }
        (method, path, bodyLength) = (words[0], words[1], length)
        keepsAlive = words[2] == "HTTP/1.0" ? fields["connection"] == "keep-alive" : fields["connection"] != "close"
        expectsContinue = fields["expect"] == "100-continue"
    }
}

extension StreamWriter {
    func respond(_ status: String, _ body: String, keepsAlive: Bool, headOnly: Bool = false) {
        write(
            "HTTP/1.1 \(status)\r\nContent-Type: text/plain\r\nContent-Length: \(body.utf8.count)\r\n"
                + "Connection: \(keepsAlive ? "keep-alive" : "close")\r\n\r\n" + (headOnly ? "" : body))
    }
}

/// One connection: requests one after the other, until either side has had enough.
nonisolated(nonsending) func serve(_ reader: StreamReader, _ writer: StreamWriter) async throws {
    var keepsAlive = true
    while keepsAlive {
        guard let request = Request(try await reader.readUntil("\r\n\r\n")) else {
            return writer.respond("400 Bad Request", "bad request\n", keepsAlive: false)
        }
        if request.expectsContinue { writer.write("HTTP/1.1 100 Continue\r\n\r\n") }
        var rest = request.bodyLength
        while rest > 0 { rest -= try await reader.readExactly(min(rest, 65536)).count }
        keepsAlive = request.keepsAlive
        let (status, body) = request.path == "/" ? ("200 OK", "Hello, world!\n") : ("404 Not Found", "not found\n")
        writer.respond(status, body, keepsAlive: keepsAlive, headOnly: request.method == "HEAD")
        try await writer.drain()
    }
}

let arguments = CommandLine.arguments.dropFirst()
let host = arguments.first ?? "127.0.0.1"
let port = arguments.dropFirst().first.flatMap { Int($0) } ?? 8080
do {
    try AsyncIO.run { loop in
        let server = try await loop.startServer(host: host, port: port) { reader, writer in
            do { try await serve(reader, writer) } catch is LimitOverrunError {
                writer.respond("431 Request Header Fields Too Large", "too large\n", keepsAlive: false)
            } catch is IncompleteReadError {} catch is IOError {}  // The client has gone.
            writer.close()
        }
        for address in server.addresses { print("LISTENING", address) }
        fflush(nil)
        try await server.serveForever()
    }
} catch is KeyboardInterrupt { print("stopped") } catch {
    print("HTTPServer: \(error)")
    exit(1)
}
