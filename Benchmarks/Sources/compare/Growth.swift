// What an operation costs when there is more and more of something.

import AsyncIO

extension Comparison {
    func runGrowth(_ round: Int) async throws {
        let ends = peers.filter { ["asyncio-swift", "libuv"].contains($0.name) }
        for peer in inTurn(ends, round) {
            try await grow(peer, "call_soon_queued", [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000])
            try await grow(peer, "timers_alive", [10, 100, 1000, 10_000, 100_000, 1_000_000])
        }
        let servers = ends.flatMap { peer in peer.modes.map { ServerPeer(peer: peer, mode: $0) } }
        for connections in options.quick ? [10, 1000] : [10, 100, 1000, 10_000] {
            try await grow("connections", connections, servers, round) {
                Load(bench: "echo", connections: $0, size: 1024)
            }
        }
        let sizes = [64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576]
        for size in options.quick ? [64, 1_048_576] : sizes {
            try await grow("size", size, servers, round) { Load(bench: "echo", connections: 10, size: $0) }
        }
        for loops in [1, 2] {
            for server in servers where server.peer.name == "asyncio-swift" {
                let load = Load(bench: "echo", connections: 100, size: 1024)
                try await measure("growth", server, load, loops: loops, tags: mark("loops", loops))
            }
        }
    }

    private func mark(_ curve: String, _ size: Int) -> [(key: String, value: JSON)] {
        [("curve", .string(curve)), ("x", .number(Double(size)))]
    }

    private func grow(_ peer: Peer, _ bench: String, _ sizes: [Int]) async throws {
        for size in sizes where !options.quick || size <= 100_000 {
            try await record(
                "growth", "\(bench) \(size) \(peer.name)", [("peer", .string(peer.name))] + mark(bench, size)
            ) {
                try await programs.line(peer.command + [bench, String(size)], limit: .seconds(120))
            }
        }
    }

    private func grow(
        _ curve: String, _ size: Int, _ servers: [ServerPeer], _ round: Int, _ load: (Int) -> Load
    ) async throws {
        for server in inTurn(servers, round) {
            try await measure("growth", server, load(size), tags: mark(curve, size))
        }
    }
}
