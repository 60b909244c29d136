// What asyncio raises as RuntimeError or ValueError from its loop, as one open type.

/// A loop, a runner or a task was used in a way that its state does not allow.
///
/// The codes are open: compare ``code`` with the constants that matter to you and treat the rest by
/// ``message``.
///
/// asyncio: RuntimeError, ValueError
public struct EventLoopError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What went wrong, as a value to compare.
    public struct Code: Hashable, Sendable {
        private let name: String

        private init(_ name: String) { self.name = name }

        /// The loop has been closed.
        public static let closed = Code("closed")
        /// The loop runs already, or another loop runs on this thread.
        public static let alreadyRunning = Code("alreadyRunning")
        /// No loop runs on this thread.
        public static let noRunningLoop = Code("noRunningLoop")
        /// No loop runs on this thread and none was set.
        public static let noCurrentLoop = Code("noCurrentLoop")
        /// `stop()` came before the future that was waited for.
        public static let stoppedBeforeCompletion = Code("stoppedBeforeCompletion")
        /// The future belongs to another loop.
        public static let foreignLoop = Code("foreignLoop")
        /// The runner has been closed.
        public static let runnerClosed = Code("runnerClosed")
        /// The executor has been shut down.
        public static let executorShutDown = Code("executorShutDown")
        /// A task awaited its own result.
        public static let awaitsItself = Code("awaitsItself")
        /// The operation does not exist for this kind of object.
        public static let unsupported = Code("unsupported")
        /// An async generator was used while it was running, or went on yielding while it was closed.
        public static let generatorBusy = Code("generatorBusy")
        /// An argument is not acceptable: asyncio's ValueError. The message names it.
        public static let invalidArgument = Code("invalidArgument")
        /// The object is not in the state for this: a lock that nobody has was released, and the like.
        public static let invalidState = Code("invalidState")
        /// The transport is closing or closed.
        public static let transportClosing = Code("transportClosing")
        /// Something was written after the end of the stream had been written.
        public static let writeAfterEOF = Code("writeAfterEOF")
        /// A file is being sent through the transport.
        public static let sendfileInProgress = Code("sendfileInProgress")
        /// The server has been closed.
        public static let serverClosed = Code("serverClosed")
        /// The server is being served by another task.
        public static let alreadyServing = Code("alreadyServing")
        /// Another task reads from the stream.
        public static let alreadyReading = Code("alreadyReading")
        /// The descriptor belongs to a transport.
        public static let descriptorInUse = Code("descriptorInUse")
        /// `getBuffer` returned no room.
        public static let emptyBuffer = Code("emptyBuffer")
    }

    /// The kind of mistake.
    public let code: Code
    /// What happened, in asyncio's words where it has some.
    public let message: String

    /// Creates an error; useful in tests and in programs that offer the same interface.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }

    /// Errors with the same code are equal, whatever their message says.
    public static func == (left: EventLoopError, right: EventLoopError) -> Bool { left.code == right.code }

    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }

    static let closed = EventLoopError(.closed, "Event loop is closed")
    static func invalidArgument(_ message: String) -> EventLoopError { EventLoopError(.invalidArgument, message) }
    static let noRunningLoop = EventLoopError(.noRunningLoop, "no running event loop")
}
