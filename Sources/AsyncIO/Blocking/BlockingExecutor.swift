// What can run blocking code for a loop.

/// Threads that run blocking work, in place of libuv's pool.
///
/// asyncio: concurrent.futures.Executor
public protocol BlockingExecutor: AnyObject, Sendable {
    /// Runs `work` on some thread, once.
    ///
    /// - Throws: ``EventLoopError`` `.executorShutDown` after ``shutdown(wait:)``.
    func submit(_ work: @escaping @Sendable () -> Void) throws

    /// Takes no more work. What was submitted still runs.
    ///
    /// - Parameter wait: waits until all of it has ended.
    func shutdown(wait: Bool)
}
