// Ctrl-C while a runner runs and while it cleans up.

/// Turns SIGINT into the cancellation of a task; a second one ends the run, and the third is the system's.
final class InterruptHandler {
    private let signal: UVSignal
    private unowned let loop: EventLoop
    private var task: AnyFuture?
    /// How many interrupts have come since the task was set.
    private(set) var count = 0

    /// Whether SIGINT has been given back to the system.
    private(set) var isSpent = false

    /// Nil where Ctrl-C is not ours: off the main thread, or if the program handles it itself, or if libuv
    /// cannot watch signals.
    init?(loop: EventLoop) {
        guard System.isMainThread, UVSignal.hasDefaultAction(SignalNumber.interrupt),
            let signal = try? UVSignal(on: loop.uv)
        else { return nil }
        self.signal = signal
        self.loop = loop
        let started: Void? = try? signal.start(SignalNumber.interrupt) { [unowned self] _ in interrupt() }
        guard started != nil else {
            signal.close()
            return nil
        }
    }

    deinit {
        signal.stop()
        signal.close()
    }

    /// The next interrupt cancels this task.
    func watch(_ task: AnyFuture) {
        self.task = task
        count = 0
    }

    private func interrupt() {
        if SignalState.isInterruptHandled { return }
        count += 1
        if count == 1, let task, !task.isDone {
            task.cancel()
        } else {
            loop.interruptRun(KeyboardInterrupt())
            // The program does not react: the next one shall reach the system.
            isSpent = true
            signal.stop()
        }
    }
}
