// Every workload on this library, one process for each:
//   peer BENCH [N]
//   peer echo HOST PORT [MODE] [--loops N] | echo-unix PATH [MODE] | http HOST PORT [MODE] [--loops N]

import AsyncIO
import Glibc

@main
struct Peer {
    static func main() throws {
        var arguments = CommandLine.arguments
        let loops = takeLoops(from: &arguments)
        guard arguments.count > 1 else {
            return usage()
        }
        let bench = arguments[1]
        func count(_ standard: Int) -> Int { arguments.count > 2 ? Int(arguments[2]) ?? standard : standard }

        switch bench {
        case "echo", "http":
            guard arguments.count > 3, let port = Int(arguments[3]) else { return usage() }
            let mode = mode(arguments.dropFirst(4).first)
            if let loops {
                try serve(bench, host: arguments[2], port: port, mode, loops: loops)
            } else {
                try serve(bench, at: .tcp(host: arguments[2], port: port), mode)
            }
        case "echo-unix":
            guard arguments.count > 2 else { return usage() }
            try serve(bench, at: .unix(path: arguments[2]), mode(arguments.dropFirst(3).first))
        case "call_soon": try Callbacks.measure(bench, count(1_000_000)) { $0.chain() }
        case "call_soon_captures": try Callbacks.measure(bench, count(1_000_000)) { $0.chain(0) }
        case "call_soon_batch": try Callbacks.measure(bench, count(1_000_000)) { $0.batch() }
        case "call_soon_queued": try callSoonQueued(count(1000))
        case "timers_alive": try timersAlive(count(1000))
        case "call_later": try Callbacks.measure(bench, count(100_000)) { $0.scheduleTimers() }
        case "timer_cancel": try Callbacks.measure(bench, count(1_000_000)) { $0.cancelTimers() }
        case "run_in_executor": try Callbacks.measure(bench, count(100_000)) { $0.submitJobs() }
        case "call_soon_threadsafe": try callSoonThreadsafe(bench, count(1_000_000))
        case "call_soon_threadsafe_posted": try callSoonThreadsafe(bench, count(1_000_000), beforehand: true)
        case "call_soon_threadsafe_waking": try callSoonThreadsafeWaking(bench, count(100_000))
        case "wakeup_pingpong": try wakeupPingpong(count(100_000))
        case "task_switch": try onLoop(count(1_000_000), taskSwitch)
        case "task_spawn": try onLoop(count(1_000_000), taskSpawn)
        case "future_await": try onLoop(count(1_000_000), futureAwait)
        case "sleep": try onLoop(count(100_000), sleepers)
        case "queue": try onLoop(count(1_000_000), queue)
        case "soak": try onLoop(count(1_000_000), soak)
        case let name where roundTrips(name) != nil:
            if let workload = roundTrips(name) { try onLoop(count(100_000), workload) }
        default: print(#"{"peer":"asyncio-swift","bench":"\#(bench)","skipped":"not there yet"}"#)
        }
    }

    private static func usage() {
        print(
            """
            usage: peer BENCH [N]
                   peer echo HOST PORT [protocol|buffered|stream] [--loops N]
                   peer echo-unix PATH [protocol|buffered|stream]
                   peer http HOST PORT [protocol|buffered|stream] [--loops N]
            """)
        exit(2)
    }

    /// The N of `--loops N`, which may be anywhere; nil without it.
    private static func takeLoops(from arguments: inout [String]) -> Int? {
        guard let index = arguments.firstIndex(of: "--loops") else { return nil }
        guard index + 1 < arguments.count, let loops = Int(arguments[index + 1]), loops > 0 else {
            usage()
            return nil
        }
        arguments.removeSubrange(index...index + 1)
        return loops
    }

    private static func mode(_ name: String?) -> Mode {
        guard let mode = Mode(rawValue: name ?? Mode.protocol.rawValue) else {
            usage()
            return .protocol
        }
        return mode
    }

    private static func onLoop(
        _ count: Int,
        _ workload: nonisolated(nonsending) @escaping @Sendable (EventLoop, Int) async throws -> Void
    ) throws {
        try AsyncIO.run { loop in try await workload(loop, count) }
    }
}
