// The tasks of a program that hangs, at a signal.

extension EventLoop {
    /// In debug mode, prints ``taskTree()`` to standard error whenever the process gets a signal, for example 10 (SIGUSR1 on
    /// Linux). Without debug mode it does nothing.
    ///
    /// - Parameter signal: the signal's number; nil stops that.
    /// - Throws: ``IOError`` if the signal cannot be caught.
    ///
    /// libuv: uv_signal_start
    public func dumpTasks(onSignal signal: Int32?) throws {
        canTouch("dumpTasks")
        (slots.dumpSignal as? UVSignal)?.close()
        slots.dumpSignal = nil
        guard debug, let signal else { return }
        let handle = try UVSignal(on: uv)
        do { try handle.start(signal) { [unowned self] _ in dumpTasks() } } catch {
            handle.close()
            throw error
        }
        slots.dumpSignal = handle
    }
}
