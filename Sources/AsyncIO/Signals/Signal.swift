// Signals by name.

/// A signal of the operating system. The set is open: any number can be wrapped.
///
/// asyncio: signal.SIGTERM and the like
public struct Signal: RawRepresentable, Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The system's number.
    public let rawValue: Int32

    /// Wraps the system's number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Wraps the system's number.
    public init(integerLiteral value: Int32) { rawValue = value }

    /// The terminal is gone; by convention, "read your configuration again".
    public static let hangUp = Signal(rawValue: SignalNumber.hangUp)
    /// Ctrl-C.
    public static let interrupt = Signal(rawValue: SignalNumber.interrupt)
    /// Ctrl-\.
    public static let quit = Signal(rawValue: SignalNumber.quit)
    /// `abort()` was called.
    public static let abort = Signal(rawValue: SignalNumber.abort)
    /// The process is ended; it cannot be caught.
    public static let kill = Signal(rawValue: SignalNumber.kill)
    /// Memory was accessed that is not there.
    public static let segmentationViolation = Signal(rawValue: SignalNumber.segmentationViolation)
    /// Something was written that nobody reads.
    public static let pipe = Signal(rawValue: SignalNumber.pipe)
    /// The alarm clock.
    public static let alarm = Signal(rawValue: SignalNumber.alarm)
    /// Please end: what service managers and `kill` send.
    public static let terminate = Signal(rawValue: SignalNumber.terminate)
    /// For the program's own use.
    public static let user1 = Signal(rawValue: SignalNumber.user1)
    /// For the program's own use.
    public static let user2 = Signal(rawValue: SignalNumber.user2)
    /// A child has changed its state. Reserved for ``ChildProcess``.
    public static let child = Signal(rawValue: SignalNumber.child)
    /// Go on after a stop.
    public static let `continue` = Signal(rawValue: SignalNumber.continue)
    /// The process is stopped; it cannot be caught.
    public static let stop = Signal(rawValue: SignalNumber.stop)
    /// Ctrl-Z.
    public static let terminalStop = Signal(rawValue: SignalNumber.terminalStop)
    /// The terminal's window has another size.
    public static let windowChange = Signal(rawValue: SignalNumber.windowChange)

    /// The usual name, for example `SIGTERM`.
    public var description: String { SignalNumber.names[rawValue] ?? "signal \(rawValue)" }

    /// Throws unless the loop can watch for the signal.
    func checkCatchable() throws {
        guard SignalNumber.valid.contains(rawValue) else {
            throw EventLoopError.invalidArgument("signal: \(rawValue) is not a signal's number")
        }
        guard self != .kill, self != .stop else {
            throw EventLoopError.invalidArgument("signal: sig \(rawValue) (\(self)) cannot be caught")
        }
        guard self != .child else {
            throw EventLoopError.invalidArgument("signal: \(self) is reserved for the loop's child processes")
        }
    }
}
