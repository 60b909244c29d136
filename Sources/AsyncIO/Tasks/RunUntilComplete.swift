// Running a loop for the sake of one result.

extension EventLoop {
    /// Runs the loop until the future is done, and returns its result.
    ///
    /// - Throws: what the future throws; ``EventLoopError`` `.foreignLoop` if it belongs to another loop,
    ///   `.stoppedBeforeCompletion` if ``stop()`` came first, `.alreadyRunning` or `.closed`;
    ///   ``KeyboardInterrupt`` if one broke the run. The loop can be run again after all of them but `.closed`.
    ///
    /// asyncio: loop.run_until_complete · libuv: uv_run
    public func runUntilComplete<Value>(_ future: Future<Value>) throws -> Value {
        try checkCanRun()
        guard future.loop === self else {
            throw EventLoopError(.foreignLoop, "The future belongs to a different loop than the one that is to run")
        }
        return try run(until: future)
    }

    /// Runs an operation as a task until it has ended, and returns its result.
    ///
    /// - Throws: what the operation throws; otherwise as for a future.
    ///
    /// asyncio: loop.run_until_complete · libuv: uv_run
    public func runUntilComplete<Value>(
        fileID: StaticString = #fileID, line: UInt = #line,
        _ operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) throws -> Value {
        try checkCanRun()
        let task = createTask(fileID: fileID, line: line, operation)
        do {
            return try run(until: task)
        } catch {
            // The caller has no other way to see the error of the task that was made here.
            if task.isDone { task.isRetrieved = true }
            throw error
        }
    }

    private func run<Value>(until future: Future<Value>) throws -> Value {
        // The callback may be left in the queue when an error breaks the run; it must not stop the next one.
        var isOver = false
        let token = future.addDoneCallback { [unowned self] _ in if !isOver { stop() } }
        defer {
            isOver = true
            future.removeDoneCallback(token)
        }
        try runForever()
        guard future.isDone else {
            throw EventLoopError(.stoppedBeforeCompletion, "Event loop stopped before Future completed.")
        }
        return try future.result()
    }
}
