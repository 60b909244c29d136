// What happens when an object of a loop is used in a way that it does not allow.

extension EventLoop {
    /// Stops the program if `type` is used by a task of another loop, or on another thread.
    @inline(__always)
    func mustBeHere(_ type: StaticString) { if _slowPath(!executor.isOnLoopThread) { mustBeHereOrIdle(type) } }

    @inline(never)
    private func mustBeHereOrIdle(_ type: StaticString) {
        canTouch(type)
        precondition(
            (try? EventLoop.running) == nil,
            """
            This \(type) is bound to a different event loop than the one that runs here. Create one for each loop, or use \
            loop.executor.run { loop in … } of its own loop.
            """)
    }

    /// Reports what asyncio would raise from a method that does not throw here.
    func reportMisuse(_ message: String) {
        callExceptionHandler(
            ExceptionContext(message: message, exception: EventLoopError(.invalidState, message)))
    }
}
