// What can go wrong with streams and files beyond the errors of the system.

/// The stream ended before everything that was asked for had come.
///
/// asyncio: IncompleteReadError
public struct IncompleteReadError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What had come before the end.
    public let partial: [UInt8]
    /// How many bytes were expected; nil if a separator was.
    public let expected: Int?

    /// Creates the error.
    public init(partial: [UInt8], expected: Int?) {
        self.partial = partial
        self.expected = expected
    }

    /// asyncio's words for it.
    public var description: String {
        "\(partial.count) bytes read on a total of \(expected.map(String.init) ?? "undefined") expected bytes"
    }
}

/// No separator was found within the limit of the stream's buffer. What has come stays in the buffer.
///
/// asyncio: LimitOverrunError
public struct LimitOverrunError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened.
    public let message: String
    /// How many bytes can be read without going past a separator.
    public let consumed: Int

    /// Creates the error.
    public init(_ message: String, consumed: Int) {
        self.message = message
        self.consumed = consumed
    }

    /// The message.
    public var description: String { message }
}

/// The system cannot send this file to this socket by itself, and sending it in pieces was not allowed.
///
/// asyncio: SendfileNotAvailableError
public struct SendfileNotAvailableError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why not.
    public let message: String

    /// Creates the error.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}

/// Several failures of one operation.
///
/// asyncio: ExceptionGroup
public struct ExceptionGroup: Error, CustomStringConvertible {
    /// What failed.
    public let message: String
    /// The failures, in the order in which they came.
    public let errors: [any Error]

    /// Creates the group.
    public init(_ message: String, _ errors: [any Error]) {
        self.message = message
        self.errors = errors
    }

    /// The message and every failure.
    public var description: String {
        let list = errors.map { "\n  - \($0)" }.joined()
        return "\(message) (\(errors.count) sub-exception\(errors.count == 1 ? "" : "s"))\(list)"
    }
}
