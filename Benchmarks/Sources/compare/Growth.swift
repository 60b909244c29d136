// What an operation costs when there is more and more of something. Peers take turns at each size, so that what else
// the machine does meets all of them.

import AsyncIO

/// What is drawn over the sizes.
struct Curve {
    let name: String
    /// What the sizes count, and what an operation is.
    let sizes: String
    let title: String

    private static let toLibuv = " · ratio to libuv, lower is better"
    static let all = [
        Curve(name: "call_soon_queued", sizes: "callbacks queued", title: "ns for a callback" + toLibuv),
        Curve(name: "timers_alive", sizes: "timers alive", title: "ns to replace a timer by another" + toLibuv),
        Curve(
            name: "connections", sizes: "connections",
            title: "the server's CPU time in µs for an echo of 1 KiB" + toLibuv),
        Curve(
            name: "size", sizes: "bytes in a message",
            title: "the server's CPU time in µs for an echo, 10 connections" + toLibuv),
        Curve(
            name: "loops", sizes: "loops of the server",
            title: "the server's CPU time in µs for an echo of 1 KiB, 100 connections"),
        Curve(
            name: "loops_in_process", sizes: "loops at once",
            title: "callbacks and task switches in a second, on all loops, and the CPU time of one · ratio to one loop"),
    ]
}

extension Comparison {
    func runGrowth(_ round: Int) async throws {
        let ends = peers.filter { ["asyncio-swift", "libuv"].contains($0.name) }
        try await grow("call_soon_queued", [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000], ends, round)
        try await grow("timers_alive", [10, 100, 1000, 10_000, 100_000, 1_000_000], ends, round)

        let servers = servers(of: ends)
        for connections in options.quick ? [10, 1000] : [10, 100, 1000, 10_000] {
            let load = Load(bench: "echo", connections: connections, size: 1024)
            try await grow("connections", connections, servers, round, load)
        }
        let sizes = [64, 256, 1024, 4096, 16384, 65536, 262_144, 1_048_576]
        for size in options.quick ? [64, 1_048_576] : sizes {
            try await grow("size", size, servers, round, Load(bench: "echo", connections: 10, size: size))
        }
        try await growLoops(round)
    }

    private func mark(_ curve: String, _ size: Int) -> Mark {
        [("curve", .string(curve)), ("x", .number(Double(size)))]
    }

    private func grow(_ bench: String, _ sizes: [Int], _ peers: [Peer], _ round: Int) async throws {
        for size in sizes where !options.quick || size <= 100_000 {
            for peer in inTurn(peers, round) {
                try await record(
                    "growth", "\(bench) \(size) \(peer.name)", [("peer", .string(peer.name))] + mark(bench, size)
                ) {
                    try await programs.line(peer.command + [bench, String(size)], limit: .seconds(120))
                }
            }
        }
    }

    private func grow(
        _ curve: String, _ size: Int, _ servers: [ServerPeer], _ round: Int, _ load: Load
    ) async throws {
        for server in inTurn(servers, round) {
            try await measure("growth", server, load, tags: mark(curve, size))
        }
    }

    /// The load has one thread, and shares the processors with the loops: a second loop cannot show in the rate, only
    /// in what a request costs. What loops do without a load shows whether they stand in each other's way.
    private func growLoops(_ round: Int) async throws {
        let ours = peers.filter { $0.name == "asyncio-swift" }
        for loops in inTurn([1, 2], round) {
            for server in inTurn(servers(of: ours), round) {
                let load = Load(bench: "echo", connections: 100, size: 1024)
                try await measure("growth", server, load, loops: loops, tags: mark("loops", loops))
            }
        }
        for loops in inTurn([1, 2], round) {
            for peer in ours {
                let name = "loops_in_process"
                let mark: Mark = [("peer", .string(peer.name))] + mark(name, loops)
                try await record("growth", "\(name) \(loops) \(peer.name)", mark) {
                    let count = options.quick ? "100000" : "1000000"
                    return try await programs.line(
                        peer.command + ["loops", String(loops), count], limit: .seconds(120))
                }
            }
        }
    }
}
