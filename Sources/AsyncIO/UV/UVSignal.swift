// Signals as events of the loop.

internal import CLibuv

/// Calls back on the loop when the process gets a signal. libuv: uv_signal_t
final class UVSignal: UVHandle {
    private var callback: (Int32) -> Void = { _ in }

    init(on loop: UVLoop) throws {
        try super.init(
            UV_SIGNAL, of: uv_signal_t.self, on: loop, operation: "uv_signal_init", initialize: uv_signal_init)
        do { try loop.tryToPollSignals() } catch {
            close()
            throw error
        }
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
        TerminalGuard.signalsDidChange()
    }

    override func didClose() { TerminalGuard.signalsDidChange() }

    fileprivate func fire(_ signal: Int32) { callback(signal) }

    /// Whether nobody has changed what the process does on `signal`.
    static func hasDefaultAction(_ signal: Int32) -> Bool {
        asyncio_signal_is_default(signal) != 0 || TerminalGuard.watches(signal)
    }
}

/// The numbers of signals, which differ between systems, and their names.
enum SignalNumber {
    static let hangUp = SIGHUP
    static let interrupt = SIGINT
    static let quit = SIGQUIT
    static let abort = SIGABRT
    static let kill = SIGKILL
    static let segmentationViolation = SIGSEGV
    static let pipe = SIGPIPE
    static let alarm = SIGALRM
    static let terminate = SIGTERM
    static let user1 = SIGUSR1
    static let user2 = SIGUSR2
    static let child = SIGCHLD
    static let `continue` = SIGCONT
    static let stop = SIGSTOP
    static let terminalStop = SIGTSTP
    static let windowChange = SIGWINCH

    /// The numbers that a signal may have.
    static let valid: ClosedRange<Int32> = 1...asyncio_last_signal()

    static let names: [Int32: String] = [
        SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP",
        SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGUSR1: "SIGUSR1",
        SIGSEGV: "SIGSEGV", SIGUSR2: "SIGUSR2", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM",
        SIGCHLD: "SIGCHLD", SIGCONT: "SIGCONT", SIGSTOP: "SIGSTOP", SIGTSTP: "SIGTSTP", SIGTTIN: "SIGTTIN",
        SIGTTOU: "SIGTTOU", SIGURG: "SIGURG", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ", SIGVTALRM: "SIGVTALRM",
        SIGPROF: "SIGPROF", SIGWINCH: "SIGWINCH", SIGIO: "SIGIO", SIGSYS: "SIGSYS",
    ]
}

private func signalDidArrive(_ handle: UnsafeMutablePointer<uv_signal_t>?, _ signal: Int32) {
    withUVOwner(handle?.pointee.data, as: UVSignal.self) { $0.fire(signal) }
}
