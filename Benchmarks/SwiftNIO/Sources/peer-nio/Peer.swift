// Every workload on SwiftNIO, one process for each:
//   peer-nio BENCH [N]
//   peer-nio echo HOST PORT [MODE] | echo-unix PATH [MODE] | http HOST PORT [MODE]

import NIOCore
import NIOPosix
import NativeWorkloads

@main
struct Peer {
    static func main() throws {
        Measure.peer = "nio"
        switch Order<Mode>.read() {
        case .server(let http, let place, let mode): try serve(http: http, at: place, mode)
        case .workload(let bench, let count): run(bench, count)
        }
    }

    private static func run(_ bench: String, _ given: Int?) {
        let (many, fewer) = (given ?? 1_000_000, given ?? 100_000)
        switch bench {
        case "call_soon": Callbacks.measure(bench, many) { $0.chain() }
        case "call_soon_batch": Callbacks.measure(bench, many) { $0.batch() }
        case "call_later": Callbacks.measure(bench, fewer) { $0.scheduleTimers() }
        case "timer_cancel": Callbacks.measure(bench, many) { $0.cancelTimers() }
        case "call_soon_threadsafe": Callbacks.measure(bench, many) { $0.post() }
        case "run_in_executor": Callbacks.measure(bench, fewer) { $0.submitJobs() }
        case "wakeup_pingpong": wakeupPingpong(fewer)
        case "task_switch": onLoop { _ in await taskSwitch(many) }
        case "task_spawn": onLoop { _ in await taskSpawn(many) }
        case "queue": onLoop { _ in await queue(many) }
        case "sleep":
            onLoop { loop in
                try await sleepers(fewer) { try await loop.scheduleTask(in: .milliseconds(1)) {}.futureResult.get() }
            }
        case "future_await":
            onLoop { loop in
                try await futureAwait(many) {
                    let promise = loop.makePromise(of: Void.self)
                    loop.execute { promise.succeed() }
                    try await promise.futureResult.get()
                }
            }
        default: Measure.skip(bench, "there is no such workload")
        }
    }

    /// A task on a new loop, whose children stay there.
    private static func onLoop(_ body: @escaping @Sendable (any EventLoop) async throws -> Void) {
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        runTask(on: LoopExecutor(loop)) { try await body(loop) }
    }
}
