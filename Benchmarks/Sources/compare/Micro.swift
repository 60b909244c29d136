// Workloads in a process: callbacks, timers, threads and tasks.

import AsyncIO

struct MicroWorkload {
    let name: String
    let count: Int
    /// Wall time contains waiting: what counts is the processor's time.
    var byCPU = false

    static let all = [
        MicroWorkload(name: "call_soon", count: 1_000_000),
        MicroWorkload(name: "call_soon_batch", count: 1_000_000),
        MicroWorkload(name: "call_later", count: 100_000, byCPU: true),
        MicroWorkload(name: "timer_cancel", count: 1_000_000),
        MicroWorkload(name: "call_soon_threadsafe", count: 1_000_000),
        // A hop between threads that sleep costs tens of microseconds.
        MicroWorkload(name: "wakeup_pingpong", count: 20_000),
        MicroWorkload(name: "run_in_executor", count: 100_000),
        MicroWorkload(name: "task_switch", count: 1_000_000),
        MicroWorkload(name: "task_spawn", count: 1_000_000),
        MicroWorkload(name: "future_await", count: 1_000_000),
        MicroWorkload(name: "sleep", count: 100_000, byCPU: true),
        MicroWorkload(name: "queue", count: 1_000_000),
    ]
}

extension Comparison {
    func runMicro(_ round: Int) async throws {
        for workload in MicroWorkload.all {
            for peer in inTurn(peers, round) {
                // Timers must be as many for all: the cost of one depends on the others.
                let divisor = workload.byCPU || workload.name == "wakeup_pingpong" ? 1 : peer.divisor
                let count = workload.count / (options.quick ? 10 : 1) / divisor
                let mark: Mark = [("peer", .string(peer.name)), ("bench", .string(workload.name))]
                try await record("micro", "\(workload.name) \(peer.name)", mark) {
                    try await programs.line(peer.command + [workload.name, String(count)], limit: .seconds(120))
                }
            }
        }
    }
}
