// An echo server: what a client sends comes back to it.
//
//   swift run EchoServer [HOST [PORT]]       by default 127.0.0.1 8888
//   Ctrl-C stops listening, and waits for the clients that are left; a second one does not

import AsyncIO
import Glibc

/// What happens on one connection.
final class Echo: StreamProtocol {
    private var transport: Transport?

    func connectionMade(_ transport: Transport) { self.transport = transport }

    func dataReceived(_ data: RawSpan) { transport?.write(data) }

    // A client that does not read is not read from either, so that what waits for it stays small.
    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
}

let arguments = CommandLine.arguments.dropFirst()
let host = arguments.first ?? "127.0.0.1"
let port = arguments.dropFirst().first.flatMap { Int($0) } ?? 8888

do {
    try AsyncIO.run { loop in
        let server = try await loop.createServer(host: host, port: port) { Echo() }
        for address in server.addresses { print("LISTENING", address) }
        fflush(nil)
        try await server.serveForever()
    }
} catch is KeyboardInterrupt {
    print("stopped")
} catch {
    print("EchoServer: \(error)")
    exit(1)
}
