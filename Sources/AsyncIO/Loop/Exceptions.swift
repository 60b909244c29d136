// Errors that nobody can catch, and who is told.

/// What the exception handler gets to know about an error.
///
/// asyncio: the context dictionary of loop.call_exception_handler
public struct ExceptionContext: CustomStringConvertible {
    /// What happened.
    public var message: String
    /// The error, if there was one.
    public var exception: (any Error)?
    /// The handle of the callback that failed.
    public var handle: Handle?
    /// The name of the task that it is about.
    public var taskName: String?
    /// Where the callback or task was created. Of callbacks it is known in debug mode only.
    public var origin: SourceLocation?
    /// The future, task or async generator that it is about.
    var subject: AnyObject?

    /// Creates a context, for example for ``EventLoop/callExceptionHandler(_:)``.
    public init(message: String, exception: (any Error)? = nil) {
        self.message = message
        self.exception = exception
    }

    init(message: String, exception: (any Error)? = nil, subject: AnyObject?) {
        self.init(message: message, exception: exception)
        self.subject = subject
    }

    /// The same as ``exception``, for who looks for Swift's word.
    public var error: (any Error)? { exception }

    /// All of it in some lines, as the default handler prints it.
    public var description: String {
        var text = message
        if let taskName { text += "\n  task: \(taskName)" }
        if let handle { text += "\n  handle: \(handle)" }
        if let origin { text += "\n  created at: \(origin)" }
        if let exception { text += "\n  exception: \(exception)" }
        return text
    }
}

extension EventLoop {
    /// Reports an error that nobody can catch to ``exceptionHandler`` or, if there is none, to
    /// ``defaultExceptionHandler(_:)``. A handler that fails is reported as well; only a ``KeyboardInterrupt`` that
    /// it throws leaves the run.
    ///
    /// asyncio: loop.call_exception_handler
    public func callExceptionHandler(_ context: ExceptionContext) {
        guard let exceptionHandler else { return defaultExceptionHandler(context) }
        do {
            try exceptionHandler(self, context)
        } catch let interrupt as KeyboardInterrupt {
            interruptRun(interrupt)
        } catch {
            var failure = ExceptionContext(message: "Unhandled error in exception handler", exception: error)
            failure.message += "\n  while handling: \(context)"
            defaultExceptionHandler(failure)
        }
    }

    /// Prints the context to standard error.
    ///
    /// asyncio: loop.default_exception_handler
    public func defaultExceptionHandler(_ context: ExceptionContext) {
        StandardError.print(context.description)
    }

    /// Reports an error that an object of the loop met; one that interrupts the program does so.
    func report(_ message: String, _ error: any Error, about subject: AnyObject) {
        if let interrupt = error as? KeyboardInterrupt { return interruptRun(interrupt) }
        callExceptionHandler(ExceptionContext(message: message, exception: error, subject: subject))
    }

    func callbackFailed(_ error: any Error, handle: Handle?, origin: SourceLocation?) {
        if let interrupt = error as? KeyboardInterrupt { return interruptRun(interrupt) }
        var context = ExceptionContext(message: "Exception in callback", exception: error)
        context.handle = handle ?? SpentHandle(scheduledAt: origin)
        context.origin = origin
        callExceptionHandler(context)
    }

    /// Leaves the run with an error; what is ready stays for the next run.
    func interruptRun(_ error: any Error) {
        interruption = error
        uv.stop()
    }
}
