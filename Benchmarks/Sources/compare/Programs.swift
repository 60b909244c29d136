// Running other programs with this library: each has a time limit, and is gone afterwards, whatever happens.

import AsyncIO
import Glibc

/// What a program has left behind.
struct Output {
    let status: Int32
    let text: String
    let errors: String
}

/// A command as people want to read it: without the folders of this machine.
private func readable(_ command: [String]) -> String {
    command.map { $0.hasPrefix("/") ? String($0.split(separator: "/").last ?? "") : $0 }.joined(separator: " ")
}

/// Which processor a program is bound to, if any.
enum Processor {
    case any, first, second
}

struct Programs {
    let loop: EventLoop
    /// Servers and load have a processor each, where there are two and `taskset` is there.
    var canPin = false

    init(_ loop: EventLoop) { self.loop = loop }

    private func pinned(_ command: [String], to processor: Processor) -> [String] {
        guard canPin, processor != .any else { return command }
        return ["taskset", "-c", processor == .first ? "0" : "1"] + command
    }

    /// Runs a program to its end, and ends it if that takes too long.
    func run(
        _ command: [String], on processor: Processor = .any, limit: Duration, workingDirectory: String? = nil
    ) async throws -> Output {
        let command = pinned(command, to: processor)
        let child = try await loop.createSubprocess(
            command[0], Array(command.dropFirst()), stdin: .null, stdout: .pipe, stderr: .pipe,
            workingDirectory: workingDirectory)
        do {
            let (text, errors) = try await loop.withTimeout(limit) { try await child.communicate() }
            return Output(
                status: child.returnCode ?? -1, text: String(decoding: text ?? [], as: UTF8.self),
                errors: String(decoding: errors ?? [], as: UTF8.self))
        } catch {
            child.kill()
            _ = try? await child.wait()
            throw error is TimeoutError ? Failure("more than \(limit): \(readable(command))") : error
        }
    }

    /// The last line that a program prints, as JSON.
    func line(_ command: [String], on processor: Processor = .any, limit: Duration) async throws -> JSON {
        let output = try await run(command, on: processor, limit: limit)
        guard output.status == 0, let last = output.text.split(separator: "\n").last, let line = JSON(last) else {
            let reason = output.errors.split(separator: "\n").last.map(String.init) ?? output.text
            throw Failure("status \(output.status): \(reason)")
        }
        return line
    }

    /// Lends a server that is up, and ends it.
    func withServer<Value>(
        _ command: [String], on processor: Processor = .first, _ body: @escaping (_ pid: Int32) async throws -> Value
    ) async throws -> Value {
        let command = pinned(command, to: processor)
        let server = try await loop.createSubprocess(
            command[0], Array(command.dropFirst()), stdin: .null, stdout: .pipe, stderr: .null)
        let result: Result<Value, any Error>
        do {
            try await loop.withTimeout(.seconds(20)) { try await Self.listening(server) }
            result = .success(try await body(server.pid))
        } catch {
            result = .failure(error is TimeoutError ? Failure("no server: \(readable(command))") : error)
        }
        await end(server)
        return try result.get()
    }

    private static func listening(_ server: ChildProcess) async throws {
        guard let output = server.stdout else { return }
        while true {
            let line = try await output.readLine()
            if line.isEmpty { throw Failure("the server has ended") }
            if line.starts(with: Array("LISTENING".utf8)) { return }
        }
    }

    private func end(_ server: ChildProcess) async {
        server.terminate()
        do {
            try await loop.withTimeout(.seconds(2)) { _ = try await server.wait() }
        } catch {
            server.kill()
            _ = try? await server.wait()
        }
    }
}
