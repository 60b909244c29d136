// A task of the loop: an async operation with asyncio's name, cancellation and life cycle.

/// An operation of an event loop: async code that runs on the loop's thread, with a future for its result.
///
/// The loop keeps a task alive until it has ended. Neither what the operation captures nor its result need be
/// `Sendable`: they never leave the thread.
///
/// Cancellation is asyncio's: ``cancel()`` is delivered once, as a `CancellationError`, by the `await` of this
/// library that the task is in or gets to next. It may be caught, and cleaning up may await. Swift's own flag,
/// `Task.isCancelled`, is set as well for code that knows no better; it stays set.
///
/// asyncio: Task
public final class LoopTask<Value>: Future<Value>, ScheduledTask {
    /// What a task runs.
    public typealias Operation = nonisolated(nonsending) () async throws -> Value

    // Read and written whole, never while another access goes on.
    @usableFromInline
    @exclusivity(unchecked) var operation: Operation?
    @usableFromInline
    @exclusivity(unchecked) var record: TaskRecord
    @usableFromInline
    @exclusivity(unchecked) var cancellation = TaskCancellation()
    @usableFromInline
    @exclusivity(unchecked) var isPassingOnCancellation = false
    @usableFromInline
    @exclusivity(unchecked) var swift = SwiftTaskHandle()
    @usableFromInline
    @exclusivity(unchecked) var scopes: [CancellationScope] = []

    /// Creates a task and schedules its first step. This is what a ``TaskFactory`` calls; programs call
    /// ``EventLoop/createTask(name:eagerStart:fileID:line:_:)``.
    ///
    /// - Parameters:
    ///   - loop: the loop that runs the task. If it has been closed the task fails at once.
    ///   - name: a name for reports; nil makes it `Task-N`.
    ///   - eagerStart: runs the first step here and now, up to the first real suspension.
    ///   - operation: the operation.
    ///
    /// asyncio: Task(coro, loop=, name=, eager_start=)
    public convenience init(
        loop: EventLoop, name: String? = nil, eagerStart: Bool = false, fileID: StaticString = #fileID,
        line: UInt = #line, operation: @escaping Operation
    ) {
        self.init(
            loop: loop, name: name, eagerStart: eagerStart, isListed: true,
            origin: SourceLocation(fileID: fileID, line: line), operation: operation)
    }

    // What handles a value is inlined into the program, where its type is known: elsewhere the runtime would look up the types
    // of the task and of `Value?` for each task.

    /// A task that is not listed does not count among the program's: it serves some other object.
    @inlinable
    init(
        loop: EventLoop, name: String?, eagerStart: Bool = false, isListed: Bool, origin: SourceLocation,
        operation: @escaping Operation
    ) {
        self.operation = operation
        record = TaskRecord(of: loop, name: name, isListed: isListed, origin: origin)
        super.init(loop: loop)
        guard mayBegin() else {
            self.operation = nil
            return
        }
        // SAFETY: the task runs on the loop's thread, where this object lives; nothing else gets at the capture.
        nonisolated(unsafe) let task = self
        if eagerStart && loop.isRunning {
            let started = Task<Void, Never>.immediate(executorPreference: loop.executor) {
                task.didBeginEagerly()
                await task.run()
            }
            didReturn(from: started)
        } else {
            // An explicit priority spares the runtime from asking for the current one.
            let started = Task<Void, Never>(executorPreference: loop.executor, priority: .medium) { await task.run() }
            willBegin(started)
        }
    }

    /// A task that does not begin, because of an error that its creator sees.
    init(refusedOn loop: EventLoop, name: String?, error: any Error) {
        record = TaskRecord(refused: name, origin: SourceLocation(fileID: #fileID, line: #line))
        super.init(loop: loop)
        refuse(error)
    }

    /// Whether the loop takes tasks; if not, this one has failed.
    @usableFromInline
    func mayBegin() -> Bool {
        if loop.canSchedule("createTask") { return true }
        refuse(EventLoopError.closed)
        return false
    }

    private func refuse(_ error: any Error) {
        self.error = error
        isRetrieved = true
        state = .failed
    }

    @usableFromInline
    func willBegin(_ started: Task<Void, Never>) {
        swift.attach(started)
        // SAFETY: `Task` is a frozen struct of one reference to the runtime's task object.
        register(unsafeBitCast(started, to: UnsafeRawPointer.self))
    }

    @usableFromInline
    func didBeginEagerly() { register(SwiftTaskIdentity.current) }

    @usableFromInline
    func didReturn(from started: Task<Void, Never>) { if state == .pending { swift.attach(started) } }

    private func register(_ identity: UnsafeRawPointer?) {
        guard let identity else { return }
        swift.identity = identity
        loop.tasks.insert(self, for: identity)
    }

    // MARK: - Running

    @inlinable
    func run() async {
        let operation = self.operation
        self.operation = nil
        guard let operation, !takePendingCancellation() else { return end(.cancelled) }
        do {
            let value = try await operation()
            if takePendingCancellation() { return end(.cancelled) }
            stored = value
            end(.finished)
        } catch {
            end(throwing: error)
        }
    }

    @usableFromInline
    func end(_ state: State) {
        if let identity = swift.identity { loop.tasks.remove(identity) }
        swift.detach()
        complete(state)
    }

    @usableFromInline
    func end(throwing error: any Error) {
        if error is CancellationError { return end(.cancelled) }
        self.error = error
        end(.failed)
        if let interrupt = error as? KeyboardInterrupt { loop.interruptRun(interrupt) }
    }

    // MARK: - Cancellation

    /// Asks the task to end: it gets a `CancellationError` at the `await` of this library that it is in, or else at
    /// the next one. What it waits for is cancelled too. A task that has not begun never begins. Every call counts,
    /// see ``cancelling``.
    ///
    /// - Returns: false if the task was done already.
    ///
    /// asyncio: Task.cancel
    @discardableResult
    public override func cancel() -> Bool {
        loop.canTouch("LoopTask.cancel")
        guard state == .pending else { return false }
        requestCancellation()
        // A task that has not begun never will; its flag stays clean in case the request is taken back.
        if operation == nil {
            swift.cancel()
            for scope in scopes { scope.swift.cancel() }
        }
        return true
    }

    func cancel(in scope: CancellationScope) -> Bool {
        guard state == .pending else { return false }
        requestCancellation()
        for inner in scopes.drop(while: { $0 !== scope }) { inner.swift.cancel() }
        return true
    }

    private func requestCancellation() {
        if let suspension = cancellation.request() {
            passOnCancellation(to: suspension)
        } else {
            cancellation.postpone()
        }
    }

    func enter(_ scope: CancellationScope) { scopes.append(scope) }
    func leave(_ scope: CancellationScope) { scopes.removeAll { $0 === scope } }
    var suspension: (any Suspension)? { cancellation.suspension }

    /// The Swift task that runs this task's code now.
    private var innermostIdentity: UnsafeRawPointer? { scopes.last?.swift.identity ?? swift.identity }

    private func passOnCancellation(to suspension: any Suspension) {
        if isPassingOnCancellation {
            // Tasks wait for each other in a circle, which leads back here: this one is woken without its answer.
            cancellation.postpone()
            if let identity = innermostIdentity, let future = suspension as? AnyFuture {
                future.release(waiter: identity)
            }
            return
        }
        isPassingOnCancellation = true
        if !suspension.cancelSuspension() { cancellation.postpone() }
        isPassingOnCancellation = false
    }

    /// How many calls of ``cancel()`` have not been taken back by ``uncancel()``.
    ///
    /// asyncio: Task.cancelling
    public var cancelling: Int { cancellation.requests }

    /// Takes back one request to cancel: for code that has caught the `CancellationError` and goes on. With the last
    /// one goes a cancellation that has not been delivered yet. Swift's `Task.isCancelled` cannot be reset.
    ///
    /// - Returns: how many requests are left.
    ///
    /// asyncio: Task.uncancel
    @discardableResult
    public func uncancel() -> Int { cancellation.withdraw() }

    func willSuspend(on suspension: any Suspension) {
        if cancellation.willSuspend(on: suspension), suspension.cancelSuspension() { cancellation.wasDelivered() }
    }

    func didResume() throws { try cancellation.didResume() }
    @usableFromInline
    func takePendingCancellation() -> Bool { cancellation.takePending() }
    func redeliverCancellation() { cancellation.postpone() }

    // MARK: - Names

    /// The task's name, for reports.
    ///
    /// asyncio: Task.get_name, Task.set_name
    public var name: String {
        get { record.name.text }
        set { record.name = .given(newValue) }
    }

    var origin: SourceLocation {
        get { record.origin }
        set { record.origin = newValue }
    }

    var number: Int { record.number }

    var isListed: Bool {
        get { record.isListed }
        set { record.isListed = newValue }
    }

    // MARK: - What a task is not

    /// The result of a task is what its operation returns, and it fails when its operation does.
    override func refusal(of call: StaticString) -> (any Error)? {
        let name = "\(call)" == "Future.setResult" ? "set_result" : "set_exception"
        return EventLoopError(.unsupported, "Task does not support \(name) operation")
    }

    override var reportName: String { "Task" }
    override var reportTaskName: String? { name }
    override var reportOrigin: SourceLocation? { origin }
}
