// asyncio's few errors with a meaning of their own, under their names.

/// The operation does not fit the state of the future: a result that is not set yet, or set twice.
///
/// asyncio: InvalidStateError
public struct InvalidStateError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the state was, in asyncio's words where it has some.
    public let message: String

    /// Creates an error with a message.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}

/// The program was interrupted by Ctrl-C.
///
/// ``run(debug:configuration:fileID:line:_:)`` and ``Runner`` throw it when SIGINT ended the run. Thrown by a callback or out of a task, it
/// leaves `runForever()` and `runUntilComplete(_:)` at once, as in Python, and the loop can be run again.
///
/// asyncio: KeyboardInterrupt
public struct KeyboardInterrupt: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error.
    public init() {}

    /// A word for logs.
    public var description: String { "interrupted" }
}

/// Something took longer than it was allowed to.
///
/// asyncio: TimeoutError
public struct TimeoutError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error.
    public init() {}

    /// A word for logs.
    public var description: String { "timed out" }
}

/// The barrier was reset or aborted while the task waited for it, or is broken.
///
/// asyncio: BrokenBarrierError
public struct BrokenBarrierError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened.
    public let message: String

    /// Creates the error.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}

/// The queue has nothing to take without waiting.
///
/// asyncio: QueueEmpty
public struct QueueEmpty: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error.
    public init() {}

    /// A word for logs.
    public var description: String { "the queue is empty" }
}

/// The queue has no room to put something without waiting.
///
/// asyncio: QueueFull
public struct QueueFull: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error.
    public init() {}

    /// A word for logs.
    public var description: String { "the queue is full" }
}

/// The queue has been shut down.
///
/// asyncio: QueueShutDown
public struct QueueShutDown: Error, Hashable, Sendable, CustomStringConvertible {
    /// Creates the error.
    public init() {}

    /// A word for logs.
    public var description: String { "the queue has been shut down" }
}
