// Terminals get their normal mode back, however the process ends. The one file that uses terminal.h: see there. Nothing
// here may be inlined into other files, which would get static state of their own with it.

internal import CLibuv

/// A terminal whose mode has been changed, until ``release()``.
final class TerminalGuard {
    private let terminal: UnsafeMutablePointer<asyncio_terminal>
    private var isReleased = false

    /// Remembers the mode that the terminal has. From now on it gets it back at exit, and when a signal ends the
    /// process.
    @inline(never)
    init(descriptor: Int32) throws(IOError) {
        _ = System.ignoreBrokenPipes
        var terminal: UnsafeMutablePointer<asyncio_terminal>?
        try uvCheck(asyncio_terminal_enter(descriptor, &terminal), "tcgetattr")
        guard let terminal else { preconditionFailure("a terminal without a record") }
        self.terminal = terminal
    }

    /// Gives the terminal its mode back, unless somebody else has changed it too and still needs that.
    @inline(never)
    func release() {
        guard !isReleased else { return }
        isReleased = true
        // A terminal that has gone has no mode.
        _ = asyncio_terminal_leave(terminal)
    }

    deinit { release() }

    /// Whether the terminal got its mode back although somebody still needs the other one.
    var wasReset: Bool {
        @inline(never) get { asyncio_terminal_was_reset(terminal) != 0 }
    }

    /// Gives all terminals their modes back, from any thread.
    @inline(never)
    static func resetAll() { asyncio_terminals_reset() }

    /// Whether the signal has a handler that does nothing but this, in the place of none.
    @inline(never)
    static func watches(_ signal: Int32) -> Bool { asyncio_terminals_own(signal) != 0 }

    /// A handler of libuv's has gone, and with it ours.
    @inline(never)
    static func signalsDidChange() { asyncio_terminals_refresh() }
}
