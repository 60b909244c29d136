// A supervisor: keeps a program running, and waits longer before each new start while it keeps failing.
//
//   swift run Supervisor PROGRAM [ARGUMENT...]     for example: swift run Supervisor sh -c 'sleep 1; exit 3'
//   It ends when the program ends by itself with status 0, or by SIGTERM or Ctrl-C, which it passes on as SIGTERM;
//   SIGHUP restarts the program

import AsyncIO
import Glibc

/// How long to wait before the next start.
struct Backoff {
    private var delay = Duration.milliseconds(100)
    private let longest = Duration.seconds(10)
    /// A program that has run so long is healthy: what went before is forgotten.
    private let healthy = Duration.seconds(5)

    mutating func next(afterRunning time: Duration) -> Duration {
        if time >= healthy { delay = .milliseconds(100) }
        defer { delay = min(delay * 2, longest) }
        return delay
    }
}

func say(_ line: String) {
    print(line)
    fflush(nil)
}

/// Asks a child to end, and insists after five seconds.
nonisolated(nonsending) func stop(_ child: ChildProcess, _ loop: EventLoop) async throws {
    child.terminate()
    do {
        try await loop.withTimeout(.seconds(5)) { _ = try await child.wait() }
    } catch is TimeoutError {
        child.kill()
        try await child.wait()
    }
}

nonisolated(nonsending) func supervise(_ loop: EventLoop, _ program: String, _ arguments: [String]) async throws {
    var backoff = Backoff()
    var restarts = 0
    var current: ChildProcess?
    let restarting = loop.createTask {
        for await _ in loop.signals(.hangUp) { current?.terminate() }
    }
    defer { restarting.cancel() }
    while true {
        let began = loop.time()
        // A group of its own: Ctrl-C in the terminal is for the supervisor, which passes it on.
        let child = try await loop.createSubprocess(program, arguments, processGroup: 0)
        current = child
        say("started \(program) as process \(child.pid)")
        let code: Int32
        do {
            code = try await child.wait()
        } catch is CancellationError {
            try await stop(child, loop)
            say("stopped \(program)")
            throw CancellationError()
        }
        if code == 0 { return say("\(program) has ended") }
        restarts += 1
        let delay = backoff.next(afterRunning: began.duration(to: loop.time()))
        say("\(program) ended with \(code); start number \(restarts + 1) in \(delay)")
        try await loop.sleep(for: delay)
    }
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard let program = arguments.first else {
    print("usage: Supervisor PROGRAM [ARGUMENT...]")
    exit(2)
}
do {
    let ended: Void? = try AsyncIO.run { loop in
        try await loop.withGracefulShutdown(deadline: .seconds(10)) {
            try await supervise(loop, program, Array(arguments.dropFirst()))
        }
    }
    if ended == nil { say("stopped by a signal") }
} catch {
    print("Supervisor: \(error)")
    exit(1)
}
