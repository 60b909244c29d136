// Debug mode: how long callbacks and steps of tasks take.

/// A callback, timer or step of a task that held up the loop for longer than
/// ``EventLoop/slowCallbackDuration``.
public struct SlowCallback: Sendable, CustomStringConvertible {
    /// What it was: `<Task "Task-3">`, `<Handle>`, `<TimerHandle when=…>`.
    public let name: String
    /// Where the callback or task was created, if that is known.
    public let origin: SourceLocation?
    /// How long it took.
    public let duration: Duration

    /// `Executing <Task "Task-3"> created at Module/File.swift:12 took 0.123 seconds`.
    public var description: String {
        let place = origin.map { " created at \($0)" } ?? ""
        let microseconds = duration.clampedNanoseconds / 1000
        let fraction = String(microseconds % 1_000_000 + 1_000_000).dropFirst().prefix(3)
        return "Executing \(name)\(place) took \(microseconds / 1_000_000).\(fraction) seconds"
    }
}

extension EventLoop {
    /// Runs `body`, which performs `entry`, and reports it if that took long.
    func measure(_ entry: borrowing ReadyEntry, origin: SourceLocation?, _ body: () -> Void) {
        let subject = describe(entry, origin: origin)
        let duration = time(body)
        guard duration >= slowCallbackDuration, let (name, origin) = subject else { return }
        reportSlow(SlowCallback(name: name, origin: origin, duration: duration))
    }

    /// Runs a call of a protocol; in debug mode, reports it if it took long.
    @inline(__always)
    func observing(_ call: @autoclosure () -> String, _ body: () -> Void) {
        if _fastPath(!remembersOrigins) { return body() }
        let duration = time(body)
        if duration >= slowCallbackDuration {
            reportSlow(SlowCallback(name: "<\(call())>", origin: nil, duration: duration))
        }
    }

    private func time(_ body: () -> Void) -> Duration {
        let start = System.nanoseconds
        body()
        return .nanoseconds(System.nanoseconds - start)
    }

    private func reportSlow(_ slow: SlowCallback) {
        if let slowCallbackHandler { slowCallbackHandler(slow) } else { StandardError.print(slow.description) }
    }

    private func describe(
        _ entry: borrowing ReadyEntry, origin: SourceLocation?
    ) -> (name: String, origin: SourceLocation?)? {
        switch copy entry {
        case .callback, .posted: return ("<Handle>", origin)
        case .timer(let timer): return ("<TimerHandle when=\(timer.when)>", timer.timerOrigin)
        case .job(let job), .isolatedJob(let job): return describe(task: SwiftTaskIdentity.of(job))
        case .resume(let continuation):
            return describe(task: SwiftTaskIdentity.of(continuation))
        case .cancelled: return nil
        }
    }

    private func describe(task identity: UnsafeRawPointer) -> (name: String, origin: SourceLocation?) {
        guard let task = tasks[identity] else { return ("<Swift task>", nil) }
        return ("<Task \"\(task.name)\">", task.origin)
    }
}
