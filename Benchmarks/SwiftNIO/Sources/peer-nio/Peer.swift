// Every workload on SwiftNIO, one process for each:
//   peer-nio BENCH [N]
//   peer-nio echo HOST PORT [MODE] | echo-unix PATH [MODE] | http HOST PORT [MODE]

import Glibc
import NIOCore
import NIOPosix
import NativeWorkloads

@main
struct Peer {
    static func main() throws {
        Measure.peer = "nio"
        let arguments = CommandLine.arguments
        guard arguments.count > 1 else { usage() }
        let bench = arguments[1]
        func count(_ standard: Int) -> Int { arguments.count > 2 ? Int(arguments[2]) ?? standard : standard }
        func mode(_ position: Int) -> Mode {
            guard arguments.count > position else { return .protocol }
            guard let mode = Mode(rawValue: arguments[position]) else { usage() }
            return mode
        }

        switch bench {
        case "echo", "http":
            guard arguments.count > 3, let port = Int(arguments[3]) else { usage() }
            try serve(http: bench == "http", at: .tcp(host: arguments[2], port: port), mode(4))
        case "echo-unix":
            guard arguments.count > 2 else { usage() }
            try serve(http: false, at: .unix(path: arguments[2]), mode(3))
        case "call_soon": Callbacks.measure(bench, count(1_000_000)) { $0.chain() }
        case "call_soon_batch": Callbacks.measure(bench, count(1_000_000)) { $0.batch() }
        case "call_later": Callbacks.measure(bench, count(100_000)) { $0.scheduleTimers() }
        case "timer_cancel": Callbacks.measure(bench, count(1_000_000)) { $0.cancelTimers() }
        case "call_soon_threadsafe": Callbacks.measure(bench, count(1_000_000)) { $0.post() }
        case "run_in_executor": Callbacks.measure(bench, count(100_000)) { $0.submitJobs() }
        case "wakeup_pingpong": wakeupPingpong(count(100_000))
        case "task_switch", "task_spawn", "future_await", "sleep", "queue":
            measureTasks(bench, count(bench == "sleep" ? 100_000 : 1_000_000))
        default: Measure.skip(bench, "there is no such workload")
        }
    }

    private static func measureTasks(_ bench: String, _ count: Int) {
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        let executor = LoopExecutor(loop)
        runTask(on: executor) {
            switch bench {
            case "task_switch": await taskSwitch(on: executor, count)
            case "task_spawn": await taskSpawn(on: executor, count)
            case "sleep":
                try await sleepers(on: executor, count) {
                    try await loop.scheduleTask(in: .milliseconds(1)) {}.futureResult.get()
                }
            case "queue": await queue(on: executor, count)
            default:
                try await futureAwait(count) {
                    let promise = loop.makePromise(of: Void.self)
                    loop.execute { promise.succeed() }
                    try await promise.futureResult.get()
                }
            }
        }
    }

    private static func usage() -> Never {
        complain(
            """
            usage: peer-nio BENCH [N]
                   peer-nio echo HOST PORT [protocol|stream|stream-loop]
                   peer-nio echo-unix PATH [protocol|stream|stream-loop]
                   peer-nio http HOST PORT [protocol|stream|stream-loop]
            """)
        exit(2)
    }
}
