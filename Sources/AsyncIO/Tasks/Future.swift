// A result that is not there yet.

/// Where a future keeps its result, under the result's own optional type: a class generic over the value would look up the
/// metadata of `Value?` whenever an object of it goes away.
public class FutureStorage<Stored>: AnyFuture {
    // Read and written whole, never while another access goes on.
    @usableFromInline
    @exclusivity(unchecked) final var stored: Stored

    @usableFromInline
    init(on loop: EventLoop, initial: Stored) {
        stored = initial
        super.init(on: loop)
    }
}

/// A result that will be set later, by a callback or a task of the same loop.
///
/// ```swift
/// let answer = loop.createFuture(of: Int.self)
/// loop.callSoon { try answer.setResult(42) }
/// print(try await answer.value)
/// ```
///
/// asyncio: Future
public class Future<Value>: FutureStorage<Value?> {
    /// Creates a future of a loop. `loop.createFuture(of:)` does the same.
    ///
    /// asyncio: Future(loop=)
    @inlinable
    public init(loop: EventLoop) { super.init(on: loop, initial: nil) }

    /// Creates a future of the running loop.
    ///
    /// - Throws: ``EventLoopError`` `.noRunningLoop`.
    ///
    /// asyncio: Future()
    public convenience init() throws { self.init(loop: try EventLoop.running) }

    /// A failed future whose error counts as seen.
    init(loop: EventLoop, failed error: (any Error)?) {
        super.init(on: loop, initial: nil)
        self.error = error
        state = .failed
        isRetrieved = true
    }

    /// Sets the result and schedules the callbacks and the tasks that wait.
    ///
    /// - Throws: ``InvalidStateError`` if the future is done, also if it was cancelled; ``EventLoopError`` `.unsupported` for a
    ///   task, whose result is what its operation returns.
    ///
    /// asyncio: Future.set_result
    @inlinable
    public final func setResult(_ value: Value) throws {
        try checkPending("Future.setResult")
        finish(value)
    }

    /// Makes the future fail and schedules the callbacks and the tasks that wait. An error that nobody retrieves is
    /// reported when the future goes away.
    ///
    /// - Throws: ``InvalidStateError`` if the future is done, also if it was cancelled; ``EventLoopError`` `.unsupported` for a
    ///   task, which fails when its operation does.
    ///
    /// asyncio: Future.set_exception
    public final func setException(_ error: any Error) throws {
        try checkPending("Future.setException")
        fail(error)
    }

    /// The result.
    ///
    /// - Throws: the error that was set; `CancellationError` if the future was cancelled;
    ///   ``InvalidStateError`` if it is not done.
    ///
    /// asyncio: Future.result
    @inlinable
    public final func result() throws -> Value {
        loop.checkThread("Future.result")
        switch state {
        case .finished: return stored.unsafelyUnwrapped
        case .failed:
            isRetrieved = true
            throw error.unsafelyUnwrapped
        case .cancelled: throw CancellationError()
        case .pending: throw InvalidStateError("Result is not set.")
        }
    }

    /// The error that was set; nil if there is a result.
    ///
    /// - Throws: `CancellationError` if the future was cancelled; ``InvalidStateError`` if it is not done.
    ///
    /// asyncio: Future.exception
    public final func exception() throws -> (any Error)? {
        loop.canTouch("Future.exception")
        switch state {
        case .finished: return nil
        case .failed:
            isRetrieved = true
            return error
        case .cancelled: throw CancellationError()
        case .pending: throw InvalidStateError("Exception is not set.")
        }
    }

    /// Calls back when the future is done, in a later round; never from inside of this call. Callbacks run in the order in
    /// which they were added. An error that one throws goes to the exception handler.
    ///
    /// asyncio: Future.add_done_callback
    @discardableResult
    public final func addDoneCallback(_ callback: @escaping (Future<Value>) throws -> Void) -> DoneCallbackToken {
        addCallback { future in
            // SAFETY: `complete` passes the future that the callback was added to.
            try callback(unsafeDowncast(future, to: Future<Value>.self))
        }
    }

    /// The result, waited for if need be. A future that is done answers at once.
    ///
    /// **Cancellation:** cancelling the task that waits cancels the future, and the wait throws
    /// `CancellationError`; see `shield` to prevent that.
    ///
    /// - Throws: the error that was set; `CancellationError`; ``EventLoopError`` `.awaitsItself` in the task that this is,
    ///   `.foreignLoop` if the future belongs to a loop that does not run.
    ///
    /// asyncio: await future
    @inlinable
    public final var value: Value {
        get async throws {
            if state == .pending { try await waitUntilDone() }
            return try result()
        }
    }

    @inlinable
    @inline(__always)
    final func finish(_ value: Value) {
        stored = value
        complete(.finished)
    }

    @inline(__always)
    final func fail(_ error: any Error) {
        self.error = error
        complete(.failed)
    }
}

extension EventLoop {
    /// Creates a future of this loop.
    ///
    /// asyncio: loop.create_future
    @inlinable
    public func createFuture<Value>(of _: Value.Type = Value.self) -> Future<Value> { Future(loop: self) }
}
