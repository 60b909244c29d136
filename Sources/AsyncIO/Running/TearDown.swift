// What happens between the end of main and the closing of the loop, in asyncio's order.

extension EventLoop {
    /// How long the default executor may take to finish, as in asyncio.
    private static let executorTimeout = Duration.seconds(300)

    /// Cancels all other tasks, waits for them, reports those that failed, closes generators and the executor.
    func tearDown() async throws {
        let current = currentTask
        let leftOver = tasks.values.filter { $0.isListed && !$0.isDone && $0 !== current?.base }
        for task in leftOver { task.cancel() }
        for task in leftOver {
            guard let future = task as? AnyFuture else { continue }
            if !future.isDone { try await future.waitUntilDone() }
            guard let error = future.error else { continue }
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
