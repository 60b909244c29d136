// What happens between the end of main and the closing of the loop, in asyncio's order.

extension EventLoop {
    /// How long the default executor may take to finish, as in asyncio.
    private static let executorTimeout = Duration.seconds(300)

    /// Cancels all tasks, while the loop does not run: none makes another step before it hears of it.
    func cancelLeftOverTasks() -> [AnyLoopTask] {
        let leftOver = allTasks
        for task in leftOver { task.cancel() }
        return leftOver
    }

    /// Waits for cancelled tasks, reports those that failed, closes generators and the executor.
    func tearDown(_ leftOver: [AnyLoopTask]) async throws {
        for task in leftOver {
            guard let future = task.base as? AnyFuture, !future.isDone else { continue }
            try await future.waitUntilDone()
        }
        for task in leftOver {
            guard let future = task.base as? AnyFuture, let error = future.error else { continue }
            future.isRetrieved = true
            var context = ExceptionContext(
                message: "unhandled exception during AsyncIO.run() shutdown", exception: error)
            context.subject = future
            context.taskName = task.name
            context.origin = task.origin
            callExceptionHandler(context)
        }
        await shutdownAsyncGenerators()
        try await shutdownDefaultExecutor(timeout: Self.executorTimeout)
    }
}
