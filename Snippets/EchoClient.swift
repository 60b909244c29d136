// A client of EchoServer: sends lines and prints what comes back.
//
//   swift run EchoClient [HOST [PORT [LINE...]]]       by default 127.0.0.1 8888 hello

import AsyncIO
import Glibc

let arguments = CommandLine.arguments.dropFirst()
let host = arguments.first ?? "127.0.0.1"
let port = arguments.dropFirst().first.flatMap { Int($0) } ?? 8888
let lines = arguments.count > 2 ? Array(arguments.dropFirst(2)) : ["hello"]

do {
    try AsyncIO.run { loop in
        let (reader, writer) = try await loop.openConnection(host: host, port: port)
        for line in lines {
            writer.write(line + "\n")
            try await writer.drain()
            let answer = try await reader.readLine()
            if answer.isEmpty { break }
            print(String(decoding: answer, as: UTF8.self), terminator: "")
        }
        // No more from here; the server closes when it has seen that, and whatever is left comes before.
        writer.writeEOF()
        let rest = try await reader.read()
        print(String(decoding: rest, as: UTF8.self), terminator: "")
        writer.close()
        try await writer.waitClosed()
    }
} catch is KeyboardInterrupt {
    print("stopped")
} catch {
    print("EchoClient: \(error)")
    exit(1)
}
