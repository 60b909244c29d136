// Errors of the operating system as libuv reports them.

/// An operation that the operating system, or libuv, refused.
///
/// asyncio: OSError · libuv: the negative status of every call
public struct IOError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A libuv error code: a negated `errno` on Unix systems.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// libuv's number.
        public let rawValue: Int32

        /// Wraps libuv's number.
        public init(rawValue: Int32) { self.rawValue = rawValue }
    }

    /// What kind of failure it was.
    public let code: Code
    /// What was attempted, for example `uv_signal_start`.
    public let operation: String
    /// libuv's name and text for the code, for example `EINVAL: invalid argument`.
    public let reason: String
    /// The path or address that was operated on, if there was one.
    public let subject: String?

    init(code: Code, operation: String, reason: String, subject: String? = nil) {
        self.code = code
        self.operation = operation
        self.reason = reason
        self.subject = subject
    }

    /// Operation, subject and reason in a line.
    public var description: String {
        if let subject { return "\(operation) \(subject): \(reason)" }
        return "\(operation): \(reason)"
    }
}
