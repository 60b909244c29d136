// Every workload on Dispatch and Swift's default executor, one process for each:
//   peer-dispatch BENCH [N]
//   peer-dispatch echo HOST PORT [MODE] | echo-unix PATH [MODE] | http HOST PORT [MODE]

import Dispatch
import Glibc
import NativeWorkloads

/// How a server is written.
enum Mode: String, CaseIterable {
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
        switch Order<Mode>.read() {
        case .server(let http, .tcp(let host, let port), let mode): serve(listen(host: host, port: port), http, mode)
        case .server(let http, .unix(let path), let mode): serve(listen(path: path), http, mode)
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
        case "task_switch": runTask(on: nil) { await taskSwitch(many) }
        case "task_spawn": runTask(on: nil) { await taskSpawn(many) }
        case "future_await": runTask(on: nil) { try await futureAwait(many, resolvedByTask) }
        case "sleep": runTask(on: nil) { try await sleepers(fewer) { try await Task.sleep(for: .milliseconds(1)) } }
        case "queue": runTask(on: nil) { await queue(many) }
        case "wakeup_pingpong": Measure.skip(bench, "two queues are not two threads")
        default: Measure.skip(bench, "there is no such workload")
        }
    }

    /// By a task on the same executor: a callback on the queue would cost two wake-ups of threads.
    private static func resolvedByTask() async {
        await withUnsafeContinuation { (future: UnsafeContinuation<Void, Never>) in
            Task { future.resume() }
        }
    }

    private static func serve(_ listener: Int32, _ http: Bool, _ mode: Mode) -> Never {
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
}
