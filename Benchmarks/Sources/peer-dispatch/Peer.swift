// Every workload on Dispatch and Swift's default executor, one process for each:
//   peer-dispatch BENCH [N]
//   peer-dispatch echo HOST PORT [MODE] | echo-unix PATH [MODE] | http HOST PORT [MODE]

import Dispatch
import Glibc
import NativeWorkloads

/// How a server is written.
enum Mode: String {
    /// Callbacks.
    case `protocol`
    /// async/await.
    case stream
}

@main
struct Peer {
    static func main() {
        Measure.peer = "dispatch"
        signal(SIGPIPE, SIG_IGN)
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
            serve(listen(host: arguments[2], port: port), http: bench == "http", mode(4))
        case "echo-unix":
            guard arguments.count > 2 else { usage() }
            serve(listen(path: arguments[2]), http: false, mode(3))
        case "call_soon": Callbacks.measure(bench, count(1_000_000)) { $0.chain() }
        case "call_soon_batch": Callbacks.measure(bench, count(1_000_000)) { $0.batch() }
        case "call_later": Callbacks.measure(bench, count(100_000)) { $0.scheduleTimers() }
        case "timer_cancel": Callbacks.measure(bench, count(1_000_000)) { $0.cancelTimers() }
        case "call_soon_threadsafe": Callbacks.measure(bench, count(1_000_000)) { $0.post() }
        case "run_in_executor": Callbacks.measure(bench, count(100_000)) { $0.submitJobs() }
        case "task_switch", "task_spawn", "future_await", "sleep", "queue":
            measureTasks(bench, count(bench == "sleep" ? 100_000 : 1_000_000))
        case "wakeup_pingpong": Measure.skip(bench, "two queues are not two threads")
        default: Measure.skip(bench, "there is no such workload")
        }
    }

    private static func measureTasks(_ bench: String, _ count: Int) {
        let loop = DispatchQueue(label: "loop")
        runTask(on: nil) {
            switch bench {
            case "task_switch": await taskSwitch(on: nil, count)
            case "task_spawn": await taskSpawn(on: nil, count)
            case "sleep": try await sleepers(on: nil, count) { try await Task.sleep(for: .milliseconds(1)) }
            case "queue": await queue(on: nil, count)
            default:
                try await futureAwait(count) {
                    await withUnsafeContinuation { (future: UnsafeContinuation<Void, Never>) in
                        loop.async { future.resume() }
                    }
                }
            }
        }
    }

    private static func serve(_ listener: Int32, http: Bool, _ mode: Mode) -> Never {
        let loop = DispatchQueue(label: "loop")
        switch mode {
        case .protocol: acceptAll(listener, on: loop) { _ = CallbackConnection($0, http: http, on: loop) }
        case .stream:
            acceptAll(listener, on: loop) { descriptor in
                let connection = StreamConnection(descriptor, on: loop)
                Task { if http { await answerRequests(connection) } else { await echo(connection) } }
            }
        }
    }

    private static func usage() -> Never {
        complain(
            """
            usage: peer-dispatch BENCH [N]
                   peer-dispatch echo HOST PORT [protocol|stream]
                   peer-dispatch echo-unix PATH [protocol|stream]
                   peer-dispatch http HOST PORT [protocol|stream]
            """)
        exit(2)
    }
}
