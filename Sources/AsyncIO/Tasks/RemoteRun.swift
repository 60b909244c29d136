// Entering a loop from any task or thread, and waiting for the answer there.

extension LoopExecutor {
    /// Runs an operation as a task of the loop, from any task, and returns its result to where it was called.
    ///
    /// ```swift
    /// let count = try await executor.run { loop in loop.allTasks.count }
    /// ```
    ///
    /// **Cancellation:** cancelling the task that waits cancels the task on the loop; what that throws comes back.
    ///
    /// - Throws: what the operation throws; ``EventLoopError`` `.closed` if the loop has closed, or closes before the
    ///   operation has ended.
    ///
    /// asyncio: run_coroutine_threadsafe · libuv: uv_async_send
    public func run<Value>(
        fileID: StaticString = #fileID, line: UInt = #line,
        _ body: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> sending Value
    ) async throws -> Value {
        let origin = SourceLocation(fileID: fileID, line: line)
        let call = PendingCall<Value>(executor: self)
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                call.begin(continuation)
                guard open(call), (try? callSoonThreadsafe { loop in call.start(on: loop, origin, body) }) != nil else {
                    return call.end(.failure(EventLoopError.closed))
                }
            }
        } onCancel: {
            call.cancel()
        }
        if case .failure(is CancellationError) = result.value {
            // The error delivers it: the task of a loop that waited here does not get another at its next await.
            _ = (try? EventLoop.running)?.currentScheduledTask?.takePendingCancellation()
        }
        // SAFETY: the operation sent its result away; it crosses exactly once, to here.
        nonisolated(unsafe) let value = try result.value.get()
        return value
    }
}

/// A call into the loop whose caller waits for the answer somewhere else.
private final class PendingCall<Value>: RemoteCall {
    typealias Answer = UncheckedTransfer<Result<Value, any Error>>

    private let executor: LoopExecutor
    private let lock = PthreadLock()
    // SAFETY: touched only while holding `lock`.
    private nonisolated(unsafe) var continuation: UnsafeContinuation<Answer, Never>?
    // SAFETY: touched on the loop's thread only.
    private nonisolated(unsafe) var task: LoopTask<Void>?
    private nonisolated(unsafe) var isCancelled = false

    init(executor: LoopExecutor) { self.executor = executor }

    func begin(_ continuation: UnsafeContinuation<Answer, Never>) { lock.withLock { self.continuation = continuation } }

    /// On the loop's thread: makes the task.
    func start(
        on loop: EventLoop, _ origin: SourceLocation,
        _ body: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> sending Value
    ) {
        guard !isCancelled else { return end(.failure(CancellationError())) }
        let task = loop.createTask { [unowned loop] in
            do {
                self.end(.success(try await body(loop)))
            } catch {
                // Unwound by the end of the loop, and not by anybody who wanted it cancelled.
                self.end(.failure(loop.ready.pointee.isClosing ? EventLoopError.closed : error))
                throw error
            }
        }
        task.isRetrieved = true
        self.task = task
        // A task that is cancelled before it begins never gets to answer, and one that a factory refuses fails at once.
        task.addDoneCallback { task in
            if case .some(let error) = try? task.exception() { self.end(.failure(error)) }
            self.end(.failure(CancellationError()))
        }
    }

    /// From any thread: the caller was cancelled.
    func cancel() {
        let posted = try? executor.callSoonThreadsafe { _ in
            self.isCancelled = true
            self.task?.cancel()
        }
        if posted == nil { end(.failure(EventLoopError.closed)) }
    }

    /// Gives the answer; the first one counts.
    func end(_ result: sending Result<Value, any Error>) {
        let waiting = lock.withLock {
            defer { continuation = nil }
            return continuation
        }
        guard let waiting else { return }
        executor.end(self)
        // SAFETY: the one crossing of the result; see `run`.
        waiting.resume(returning: UncheckedTransfer(result))
    }

    func loopDidClose() { end(.failure(EventLoopError.closed)) }
}
