// What futures of every type have in common: state, callbacks, waiting and cancellation.

/// A future without the type of its value: the base class of ``Future`` and ``LoopTask``.
public class AnyFuture {
    @usableFromInline
    @frozen
    enum State: UInt8 {
        case pending
        case finished
        case failed
        case cancelled
    }

    /// Whoever waits for the end of a future.
    enum Observer {
        case task(UnsafeContinuation<Void, Never>)
        case callback(id: Int, (AnyFuture) throws -> Void)
    }

    private enum Observers {
        case none
        case one(Observer)
        case many([Observer])
    }

    /// The loop that the future belongs to.
    ///
    /// asyncio: Future.get_loop
    public final let loop: EventLoop

    // None of these is accessed while another access to it goes on: they are read and written whole.
    @usableFromInline
    @exclusivity(unchecked) final var state = State.pending
    @exclusivity(unchecked) private final var observers = Observers.none
    @exclusivity(unchecked) private final var nextID = 0
    @usableFromInline
    @exclusivity(unchecked) final var error: (any Error)?
    /// Whether somebody has seen the error.
    @usableFromInline
    @exclusivity(unchecked) final var isRetrieved = false

    @usableFromInline
    init(on loop: EventLoop) { self.loop = loop }

    deinit {
        if state == .failed && !isRetrieved { reportNeverRetrieved() }
    }

    /// Whether there is a result, an error or a cancellation.
    ///
    /// asyncio: Future.done
    public final var isDone: Bool { state != .pending }

    /// Whether it was cancelled.
    ///
    /// asyncio: Future.cancelled
    public final var isCancelled: Bool { state == .cancelled }

    /// Cancels the future: who awaits it gets a `CancellationError`, in the next round. A task passes
    /// the cancellation on to what it waits for.
    ///
    /// - Returns: false if it was done already.
    ///
    /// asyncio: Future.cancel
    @discardableResult
    public func cancel() -> Bool {
        loop.canTouch("Future.cancel")
        guard state == .pending else { return false }
        complete(.cancelled)
        return true
    }

    // MARK: - Completion

    /// Ends the future and schedules whoever waits for it.
    @usableFromInline
    final func complete(_ newState: State) {
        assert(state == .pending && newState != .pending)
        state = newState
        let observers = self.observers
        self.observers = .none
        switch observers {
        case .none: break
        case .one(let observer): schedule(observer)
        case .many(let all): for observer in all { schedule(observer) }
        }
    }

    @inline(__always)
    private final func schedule(_ observer: Observer) {
        switch observer {
        case .task(let continuation):
            loop.ready.pointee.ring.push(.resume(continuation))
        case .callback(_, let body):
            guard !loop.ready.pointee.isClosing else { return }
            loop.ready.pointee.ring.push(.callback { try body(self) })
        }
    }

    @usableFromInline
    final func checkPending(_ call: StaticString) throws {
        loop.canTouch(call)
        if let refusal = refusal(of: call) { throw refusal }
        switch state {
        case .pending: return
        case .cancelled: throw InvalidStateError("\(call): the future was cancelled")
        case .finished, .failed: throw InvalidStateError("\(call): the future is done already")
        }
    }

    /// Why a result or an error cannot be set from outside; nil if it can.
    func refusal(of call: StaticString) -> (any Error)? { nil }

    // MARK: - Observers

    final func addObserver(_ observer: Observer) {
        switch observers {
        case .none: observers = .one(observer)
        case .one(let first): observers = .many([first, observer])
        case .many(var all):
            observers = .none
            all.append(observer)
            observers = .many(all)
        }
    }

    /// Wakes a task that waits, although the future is not done.
    final func release(waiter identity: UnsafeRawPointer) {
        func isWaiter(_ observer: Observer) -> Bool {
            if case .task(let continuation) = observer { return SwiftTaskIdentity.of(continuation) == identity }
            return false
        }
        if let observer = removeObserver(where: isWaiter) { schedule(observer) }
    }

    private final func removeObserver(where matches: (Observer) -> Bool) -> Observer? {
        switch observers {
        case .one(let observer) where matches(observer):
            observers = .none
            return observer
        case .many(var all):
            guard let index = all.firstIndex(where: matches) else { return nil }
            let removed = all.remove(at: index)
            observers = all.isEmpty ? .none : .many(all)
            return removed
        default:
            return nil
        }
    }

    /// Adds a callback, or schedules it if the future is done already.
    final func addCallback(_ body: @escaping (AnyFuture) throws -> Void) -> DoneCallbackToken {
        loop.canTouch("Future.addDoneCallback")
        nextID += 1
        let observer = Observer.callback(id: nextID, body)
        if state == .pending { addObserver(observer) } else { schedule(observer) }
        return DoneCallbackToken(future: ObjectIdentifier(self), id: nextID)
    }

    /// Removes a callback that has not been scheduled.
    ///
    /// - Returns: how many were removed: 1, or 0 if it was removed before or the future is done.
    ///
    /// asyncio: Future.remove_done_callback
    @discardableResult
    public final func removeDoneCallback(_ token: DoneCallbackToken) -> Int {
        loop.canTouch("Future.removeDoneCallback")
        let removed = removeObserver { observer in
            if token.future == ObjectIdentifier(self), case .callback(token.id, _) = observer { return true }
            return false
        }
        return removed == nil ? 0 : 1
    }

    /// What somebody who waits for this waits for, for the call graph.
    var awaited: [AnyObject] { [self] }

    // MARK: - Reports

    /// What reports call this object.
    var reportName: String { "Future" }
    var reportTaskName: String? { nil }
    var reportOrigin: SourceLocation? { nil }

    /// Called from `deinit`; the object itself cannot be handed out any more.
    private final func reportNeverRetrieved() {
        let remains = Future<Never>(loop: loop, failed: error)
        var context = ExceptionContext(message: "\(reportName) exception was never retrieved", exception: error)
        context.subject = remains
        context.taskName = reportTaskName
        context.origin = reportOrigin
        if loop.executor.isOnLoopThread || !loop.executor.isRunning {
            loop.callExceptionHandler(context)
        } else {
            // The last reference was dropped on a foreign thread: the report is made on the loop's.
            let transfer = UncheckedTransfer(context)  // SAFETY: only the loop's thread touches it from here on.
            _ = try? loop.executor.callSoonThreadsafe { loop in loop.callExceptionHandler(transfer.value) }
        }
    }
}

/// Names a callback of a future, to remove it again.
public struct DoneCallbackToken: Hashable, Sendable {
    let future: ObjectIdentifier
    let id: Int
}

extension ExceptionContext {
    /// The future or task that the report is about. After "exception was never retrieved" it is a
    /// stand-in with the same error, for the original is gone.
    ///
    /// asyncio: context["future"]
    public var future: AnyFuture? { subject as? AnyFuture }
}
