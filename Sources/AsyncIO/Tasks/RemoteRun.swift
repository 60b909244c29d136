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
        let answer = try await call(SourceLocation(fileID: fileID, line: line), body)
        // SAFETY: the operation sent its result away; it crosses exactly once, to here.
        nonisolated(unsafe) let value = try answer.result.value.get()
        return value
    }

    /// The same, and whether the caller was cancelled meanwhile.
    ///
    /// - Throws: `CancellationError` if the caller's own loop closes, or the task of a loop had been cancelled before.
    func call<Value>(
        _ origin: SourceLocation,
        _ body: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> sending Value
    ) async throws -> RemoteAnswer<Value> {
        let call = PendingCall<Value>(executor: self)
        if let loop = try? EventLoop.running, let task = loop.currentScheduledTask {
            return try await loop.wait(for: [call], in: task, origin, body).answers[0]
        }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in call.begin(origin, body) { _ in continuation.resume() } }
        } onCancel: {
            call.cancel()
        }
        return RemoteAnswer(result: call.takeAnswer().result, callerWasCancelled: Task.isCancelled)
    }
}

/// What comes back of a call into a loop.
struct RemoteAnswer<Value> {
    let result: UncheckedTransfer<Result<Value, any Error>>
    let callerWasCancelled: Bool
}

/// A call into a loop, as the one who waits for it sees it.
protocol CancellableCall: RemoteCall {
    /// From any thread: the caller was cancelled.
    func cancel()
}

/// A call into the loop whose caller waits for the answer somewhere else.
final class PendingCall<Value>: CancellableCall {
    struct Answer {
        let result: UncheckedTransfer<Result<Value, any Error>>
        /// How many cancellations the operation has heard of.
        let cancellations: Int
    }

    private let executor: LoopExecutor
    private let lock = PthreadLock()
    // SAFETY: both are touched only while holding `lock`.
    private nonisolated(unsafe) var whenAnswered: (@Sendable (_ failed: Bool) -> Void)?
    private nonisolated(unsafe) var answer: Answer?
    // SAFETY: both are touched on the loop's thread only.
    private nonisolated(unsafe) var task: LoopTask<Void>?
    private nonisolated(unsafe) var cancellations = 0

    init(executor: LoopExecutor) { self.executor = executor }

    /// What has come back, once, after `whenAnswered` was called: it is the caller's alone then.
    func takeAnswer() -> Answer {
        lock.withLock {
            guard let answer else { preconditionFailure("The call has no answer") }
            self.answer = nil
            return answer
        }
    }

    /// From any thread, once: makes the call. `whenAnswered` is called once, on whatever thread.
    func begin(
        _ origin: SourceLocation,
        _ body: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> sending Value,
        _ whenAnswered: @escaping @Sendable (_ failed: Bool) -> Void
    ) {
        lock.withLock { self.whenAnswered = whenAnswered }
        guard executor.open(self),
            (try? executor.callSoonThreadsafe { loop in self.start(on: loop, origin, body) }) != nil
        else { return end(.failure(EventLoopError.closed)) }
    }

    /// On the loop's thread: makes the task.
    private func start(
        on loop: EventLoop, _ origin: SourceLocation,
        _ body: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> sending Value
    ) {
        // The cancellation of a Swift task may come first.
        guard cancellations == 0 else { return end(.failure(CancellationError()), cancellations) }
        let task = loop.createTask { [unowned loop] in
            do {
                let value = try await body(loop)
                // One that the operation has not heard of is the caller's again.
                let isLate = loop.currentScheduledTask?.takePendingCancellation() ?? false
                self.end(.success(value), self.cancellations - (isLate ? 1 : 0))
            } catch {
                // Unwound by the end of the loop, and not by anybody who wanted it cancelled.
                self.end(.failure(loop.ready.pointee.isClosing ? EventLoopError.closed : error), self.cancellations)
                throw error
            }
        }
        task.isRetrieved = true
        self.task = task
        // A task that is cancelled before it begins never gets to answer, and one that a factory refuses fails at once.
        task.addDoneCallback { task in
            if case .some(let error) = try? task.exception() { self.end(.failure(error), self.cancellations) }
            self.end(.failure(CancellationError()), self.cancellations)
        }
    }

    func cancel() {
        let posted = try? executor.callSoonThreadsafe { _ in
            self.cancellations += 1
            self.task?.cancel()
        }
        if posted == nil { end(.failure(EventLoopError.closed)) }
    }

    /// Gives the answer; the first one counts.
    private func end(_ result: sending Result<Value, any Error>, _ cancellations: Int = 0) {
        let failed = if case .failure = result { true } else { false }
        // SAFETY: the one crossing of the result; see `run`.
        let answer = Answer(result: UncheckedTransfer(result), cancellations: cancellations)
        let tell = lock.withLock { () -> (@Sendable (Bool) -> Void)? in
            defer { whenAnswered = nil }
            if whenAnswered != nil { self.answer = answer }
            return whenAnswered
        }
        guard let tell else { return }
        executor.end(self)
        tell(failed)
    }

    func loopDidClose() { end(.failure(EventLoopError.closed)) }
}
