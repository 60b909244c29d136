// Every workload on this library, one process for each:
//   peer BENCH [N]
//   peer echo HOST PORT [MODE] [--loops N] | echo-unix PATH [MODE] | http HOST PORT [MODE] [--loops N]

import AsyncIO
import Glibc

@main
struct Peer {
    static func main() throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        let loops = takeLoops(from: &arguments)
        guard let bench = arguments.first else { usage() }
        switch bench {
        case "echo", "http":
            guard (3...4).contains(arguments.count), let port = Int(arguments[2]) else { usage() }
            let mode = mode(arguments.dropFirst(3).first)
            if let loops {
                try serve(bench, host: arguments[1], port: port, mode, loops: loops)
            } else {
                try serve(bench, at: .tcp(host: arguments[1], port: port), mode)
            }
        case "echo-unix":
            guard (2...3).contains(arguments.count), loops == nil else { usage() }
            try serve(bench, at: .unix(path: arguments[1]), mode(arguments.dropFirst(2).first))
        default:
            guard loops == nil else { usage() }
            try run(bench, arguments.dropFirst().map(positive))
        }
    }

    private static func run(_ bench: String, _ numbers: [Int]) throws {
        let takesSize = ["call_soon_queued", "timers_alive", "loops"].contains(bench)
        guard numbers.count <= (takesSize ? 2 : 1) else { usage() }
        func count(_ standard: Int) -> Int { numbers.first ?? standard }
        let second = numbers.dropFirst().first

        switch bench {
        case "call_soon": try Callbacks.measure(bench, count(1_000_000)) { $0.chain() }
        case "call_soon_captures": try Callbacks.measure(bench, count(1_000_000)) { $0.chain(0) }
        case "call_soon_batch": try Callbacks.measure(bench, count(1_000_000)) { $0.batch() }
        case "call_soon_queued": try callSoonQueued(count(1000), rounds: second)
        case "timers_alive": try timersAlive(count(1000), count: second ?? 100_000)
        case "call_later": try Callbacks.measure(bench, count(100_000)) { $0.scheduleTimers() }
        case "timer_cancel": try Callbacks.measure(bench, count(1_000_000)) { $0.cancelTimers() }
        case "run_in_executor": try Callbacks.measure(bench, count(100_000)) { $0.submitJobs() }
        case "call_soon_threadsafe": try callSoonThreadsafe(bench, count(1_000_000))
        case "call_soon_threadsafe_posted": try callSoonThreadsafe(bench, count(1_000_000), beforehand: true)
        case "call_soon_threadsafe_waking": try callSoonThreadsafeWaking(bench, count(100_000))
        // A hop there is one back as well.
        case "wakeup_pingpong": try wakeupPingpong((count(100_000) + 1) / 2 * 2)
        case "task_switch": try onLoop(count(1_000_000), taskSwitch)
        case "task_spawn": try onLoop(count(1_000_000), taskSpawn)
        case "future_await": try onLoop(count(1_000_000), futureAwait)
        case "sleep": try onLoop(count(100_000), sleepers)
        case "queue": try onLoop(count(1_000_000), queue)
        case "loops": try loopsAtOnce(count(2), second ?? 1_000_000)
        case "soak": try onLoop(count(1_000_000), soak)
        case let name where roundTrips(name) != nil:
            if let workload = roundTrips(name) { try onLoop(count(100_000), workload) }
        default: print(#"{"peer":"asyncio-swift","bench":"\#(bench)","skipped":"there is no such workload"}"#)
        }
    }

    private static func usage() -> Never {
        let text = """
            usage: peer BENCH [N]
                   peer call_soon_queued [SIZE [ROUNDS]] | timers_alive [SIZE [COUNT]] | loops [LOOPS [COUNT]]
                   peer echo HOST PORT [protocol|buffered|stream] [--loops N]
                   peer echo-unix PATH [protocol|buffered|stream]
                   peer http HOST PORT [protocol|buffered|stream] [--loops N]
            Numbers are above 0.

            """
        _ = write(STDERR_FILENO, text, text.utf8.count)
        exit(2)
    }

    private static func positive(_ text: String) -> Int {
        guard let number = Int(text), number > 0 else { usage() }
        return number
    }

    /// The N of `--loops N`, which may be anywhere; nil without it.
    private static func takeLoops(from arguments: inout [String]) -> Int? {
        guard let index = arguments.firstIndex(of: "--loops") else { return nil }
        guard index + 1 < arguments.count else { usage() }
        let loops = positive(arguments[index + 1])
        arguments.removeSubrange(index...index + 1)
        return loops
    }

    private static func mode(_ name: String?) -> Mode {
        guard let name else { return .protocol }
        guard let mode = Mode(rawValue: name) else { usage() }
        return mode
    }

    private static func onLoop(
        _ count: Int,
        _ workload: nonisolated(nonsending) @escaping @Sendable (EventLoop, Int) async throws -> Void
    ) throws {
        try AsyncIO.run { loop in try await workload(loop, count) }
    }
}
