// Signals as events of the loop.

internal import CLibuv

/// Calls back on the loop when the process gets a signal. libuv: uv_signal_t
final class UVSignal: UVHandle {
    private var callback: (Int32) -> Void = { _ in }

    init(on loop: UVLoop) throws {
        try super.init(
            UV_SIGNAL, of: uv_signal_t.self, on: loop, operation: "uv_signal_init", initialize: uv_signal_init)
    }

    func start(_ signal: Int32, _ callback: @escaping (Int32) -> Void) throws {
        self.callback = callback
        try uvCheck(
            uv_signal_start(pointer(as: uv_signal_t.self), signalDidArrive, signal), "uv_signal_start",
            subject: "signal \(signal)")
    }

    func stop() {
        guard isOpen else { return }
        uv_signal_stop(pointer(as: uv_signal_t.self))
        callback = { _ in }
    }

    fileprivate func fire(_ signal: Int32) { callback(signal) }

    /// Ctrl-C.
    static let interrupt = SIGINT

    /// Whether nobody has changed what the process does on `signal`.
    static func hasDefaultAction(_ signal: Int32) -> Bool { asyncio_signal_is_default(signal) != 0 }
}

private func signalDidArrive(_ handle: UnsafeMutablePointer<uv_signal_t>?, _ signal: Int32) {
    uvOwner(handle?.pointee.data, as: UVSignal.self)?.fire(signal)
}
