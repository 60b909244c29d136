// Servers under load, each in a process of its own, bound to one processor, and the load to the other.

import AsyncIO
import Glibc

/// What the load generator is asked for.
struct Load {
    /// Its first argument, which the server's depends on.
    let bench: String
    let connections: Int
    let size: Int
    /// Requests in flight on each connection.
    var depth = 1

    /// The case in a table.
    var name: String {
        let amount = size % 1024 == 0 ? "\(size / 1024) KiB" : "\(size) B"
        return (bench == "http" ? "\(connections) connections" : "\(amount) × \(connections)")
            + (depth > 1 ? ", \(depth) in flight" : "")
    }

    static func all(_ kind: Kind, quick: Bool) -> [Load] {
        switch kind {
        case .echo where quick: [Load(bench: "echo", connections: 10, size: 1024)]
        case .echo:
            [
                Load(bench: "echo", connections: 10, size: 1024),
                Load(bench: "echo", connections: 1000, size: 1024),
                Load(bench: "echo", connections: 100, size: 10240),
                Load(bench: "echo", connections: 100, size: 102400),
            ]
        case .unix where quick: [Load(bench: "echo", connections: 10, size: 1024)]
        case .unix: [1024, 10240, 102400].map { Load(bench: "echo", connections: 10, size: $0) }
        case .http where quick: [Load(bench: "http", connections: 10, size: 1)]
        case .http: [10, 100].map { Load(bench: "http", connections: $0, size: 1) }
        case .churn: [Load(bench: "churn", connections: 10, size: 1024)]
        case .idle: [Load(bench: "idle", connections: quick ? 1000 : 10_000, size: 1024)]
        case .micro, .growth: []
        }
    }
}

extension Comparison {
    func runNetwork(_ kind: Kind, _ round: Int) async throws {
        var servers = servers(of: peers)
        // The rest of what there is to know about Unix sockets shows over TCP.
        if kind == .unix && options.modes.isEmpty { servers.removeAll { $0.mode != $0.peer.modes.first } }
        for var load in Load.all(kind, quick: options.quick) {
            if [.echo, .unix, .http].contains(kind) { load.depth = options.depth }
            for server in inTurn(servers, round) {
                try await measure(kind.rawValue, server, load, overUnix: kind == .unix)
            }
        }
    }

    /// A new server for each load, so that its memory does not remember others.
    func measure(
        _ kind: String, _ server: ServerPeer, _ load: Load, overUnix: Bool = false, loops: Int? = nil, tags: Mark = []
    ) async throws {
        let mark: Mark =
            [
                ("peer", .string(server.peer.name)), ("mode", .string(server.mode)), ("case", .string(load.name)),
            ] + tags
        try await record(kind, "\(load.bench) \(load.name), \(server.name)", mark) {
            // A port may be taken by somebody else: then the next one is tried.
            for attempt in 0..<3 {
                do {
                    return try await attemptLoad(server, load, overUnix, loops)
                } catch let failure as Failure
                    where attempt < 2 && failure.description.hasPrefix("the server has ended")
                {
                    continue
                }
            }
            throw Failure("the server does not start")
        }
    }

    private func attemptLoad(
        _ server: ServerPeer, _ load: Load, _ overUnix: Bool, _ loops: Int?
    ) async throws -> JSON {
        var command = server.peer.command
        let target: String
        if overUnix {
            let path = "/tmp/compare-\(getpid()).sock"
            command += ["echo-unix", path]
            target = "unix:\(path)"
        } else {
            let port = nextPort()
            command += [load.bench == "http" ? "http" : "echo", "127.0.0.1", String(port)]
            target = "127.0.0.1:\(port)"
        }
        command.append(server.mode)
        if let loops { command += ["--loops", String(loops)] }
        let seconds = options.seconds ?? (options.quick ? 0.25 : 1)
        var generator = [
            "env", "PEER_PID=", Folder.programs + "/load", load.bench, target, String(load.connections),
            String(load.size), String(seconds),
        ]
        if load.depth > 1 { generator.append(String(load.depth)) }
        defer { if overUnix { unlink(String(target.dropFirst(5))) } }
        // Loops share what there is only if there is more than one processor.
        return try await programs.withServer(command, on: loops == nil ? .first : .any) { [programs, generator] pid in
            var command = generator
            command[1] += String(pid)
            return try await programs.line(command, on: .second, limit: .seconds(30 + 2 * seconds))
        }
    }
}
