// Ctrl-C while a runner runs.

/// Turns SIGINT into the cancellation of a task.
final class InterruptHandler {
    private let signal: UVSignal
    /// How many interrupts have come.
    private(set) var count = 0

    /// Nil where Ctrl-C is not ours: off the main thread, or if the program handles it itself, or if libuv
    /// cannot watch signals.
    init?(loop: EventLoop, task: AnyFuture) {
        guard System.isMainThread, UVSignal.hasDefaultAction(UVSignal.interrupt),
            let signal = try? UVSignal(on: loop.uv)
        else { return nil }
        self.signal = signal
        let started: Void? = try? signal.start(UVSignal.interrupt) { [unowned self, unowned loop] _ in
            count += 1
            if count == 1, !task.isDone {
                task.cancel()
            } else {
                loop.interruptRun(KeyboardInterrupt())
                // The program does not react: the next one shall reach the system.
                signal.stop()
            }
        }
        guard started != nil else {
            signal.close()
            return nil
        }
    }

    /// Gives SIGINT back.
    func stop() {
        signal.stop()
        signal.close()
    }
}
