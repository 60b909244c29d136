// The tasks of a program that hangs, at a signal.

extension EventLoop {
    /// In debug mode, prints ``taskTree()`` to standard error whenever the process gets a signal, for example
    /// ``Signal/user1``. Without debug mode it does nothing.
    ///
    /// - Parameter signal: the signal; nil stops that.
    /// - Throws: ``IOError`` if the signal cannot be caught.
    ///
    /// libuv: uv_signal_start
    public func dumpTasks(onSignal signal: Signal?) throws {
        canTouch("dumpTasks")
        (slots.dumpSignal as? UVSignal)?.close()
        slots.dumpSignal = nil
        guard debug, let signal else { return }
        try signal.checkCatchable()
        slots.dumpSignal = try watch(signal) { [unowned self] in dumpTasks() }
    }
}
