// Children that a task waits for.

/// Tasks that belong together: ``EventLoop/withTaskGroup(_:)-((TaskGroup)->Value)`` waits for all of them, and when one fails it
/// cancels the others.
///
/// asyncio: TaskGroup
public final class TaskGroup {
    private let loop: EventLoop
    private let parent: any ScheduledTask
    private let scope: CancellationScope
    /// The children that have not ended, by the order in which they were created.
    fileprivate var children: [Int: any AnyFuture & ScheduledTask] = [:]
    private var created = 0
    private var errors: [any Error] = []
    /// Ctrl-C is thrown as it is.
    private var interrupt: KeyboardInterrupt?
    private var isLeaving = false
    private var isAborting = false
    /// The body, or the wait for the children, is being cancelled because of a child or of ``cancel()``.
    private var parentIsCancelled = false
    /// ``cancel()`` was called: the group ends without an error.
    private var wasCancelled = false
    private var isOver = false
    private var completed: GroupCompletion?

    init(loop: EventLoop, parent: any ScheduledTask, scope: CancellationScope) {
        self.loop = loop
        self.parent = parent
        self.scope = scope
    }

    /// Creates a task of the group. Children may create more children, also while the group waits for its end.
    ///
    /// In a group that is over, or in which a child has failed, the task does not begin: it fails at once with
    /// ``EventLoopError`` `.invalidState`.
    ///
    /// asyncio: TaskGroup.create_task
    @discardableResult
    public func createTask<Value>(
        name: String? = nil, eagerStart: Bool? = nil, fileID: StaticString = #fileID, line: UInt = #line,
        _ operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) -> LoopTask<Value> {
        loop.mustBeHere("TaskGroup")
        if isOver || isLeaving && children.isEmpty { return refused("TaskGroup is finished", name) }
        if isAborting { return refused("TaskGroup is shutting down", name) }
        let task = loop.createTask(name: name, eagerStart: eagerStart, fileID: fileID, line: line, operation)
        created += 1
        let number = created
        if task.isDone {
            childDidEnd(task, number)
        } else {
            children[number] = task
            // Its first step has ended the group.
            if isAborting { task.cancel() }
            task.addDoneCallback { [self] in if let task = $0 as? LoopTask<Value> { childDidEnd(task, number) } }
        }
        return task
    }

    private func refused<Value>(_ message: String, _ name: String?) -> LoopTask<Value> {
        LoopTask(refusedOn: loop, name: name, error: EventLoopError(.invalidState, message))
    }

    /// Cancels the children, and the body if it still runs, and ends the group without an error. Doing it twice does nothing
    /// the second time.
    ///
    /// asyncio: TaskGroup.cancel (3.15)
    public func cancel() {
        loop.mustBeHere("TaskGroup")
        guard !isOver, !wasCancelled else { return }
        wasCancelled = true
        if !isAborting { abort() }
        cancelParent()
    }

    private func abort() {
        isAborting = true
        for (_, child) in children.sorted(by: { $0.key < $1.key }) where !child.isDone { child.cancel() }
    }

    private func cancelParent() {
        guard !parentIsCancelled else { return }
        parentIsCancelled = true
        parent.cancel(in: scope)
    }

    private func childDidEnd<Value>(_ task: LoopTask<Value>, _ number: Int) {
        children[number] = nil
        if children.isEmpty, let completed, !completed.isDone { completed.finish(()) }
        guard !task.isCancelled, let error = try? task.exception() else { return }
        errors.append(error)
        interrupt = interrupt ?? error as? KeyboardInterrupt
        if parent.isDone {
            let message =
                "Task \"\(task.name)\" has errored out but its parent task \"\(parent.name)\" is already completed"
            return loop.callExceptionHandler(ExceptionContext(message: message, exception: error, subject: task))
        }
        if !isAborting && !parentIsCancelled {
            abort()
            cancelParent()
        }
    }

    /// The body has ended: waits for the children and makes one result of all.
    func finish<Value>(_ result: Result<Value, any Error>) async throws -> Value? {
        isLeaving = true
        var cancellation: (any Error)?
        if case .failure(let error) = result {
            if error is CancellationError { cancellation = error }
            interrupt = interrupt ?? error as? KeyboardInterrupt
            if !isAborting { abort() }
        }
        while !children.isEmpty {
            let completed = GroupCompletion(loop: loop, group: self)
            self.completed = completed
            do {
                try await completed.value
            } catch {
                if loop.ready.pointee.isClosing {
                    // No child tells its end any more.
                    self.completed = nil
                    children = [:]
                    throw error
                }
                if !isAborting {
                    cancellation = error
                    abort()
                }
            }
            self.completed = nil
        }
        isOver = true
        // Of the request that came of the group nothing is left behind.
        if parentIsCancelled && parent.uncancel() == 0 { cancellation = nil }
        if let interrupt { throw interrupt }
        if let cancellation, errors.isEmpty { throw cancellation }
        if case .failure(let error) = result, !(error is CancellationError) { errors.append(error) }
        guard errors.isEmpty else {
            if parent.cancelling > 0 {
                // Somebody outside wants the task to end: it will hear so at its next await.
                parent.uncancel()
                parent.cancel(in: scope)
            }
            throw ExceptionGroup("unhandled errors in a TaskGroup", errors)
        }
        switch result {
        case .success(let value): return value
        case .failure(let error):
            if wasCancelled { return nil }
            throw error
        }
    }
}

/// The wait for the children of a group.
private final class GroupCompletion: Future<Void> {
    private let group: TaskGroup

    init(loop: EventLoop, group: TaskGroup) {
        self.group = group
        super.init(loop: loop)
    }

    override var awaited: [AnyObject] { group.children.values.filter { !$0.isDone } }
}

extension EventLoop {
    /// Runs `body` with a group of tasks, and waits for all of them.
    ///
    /// ```swift
    /// let (a, b) = try await loop.withTaskGroup { group in
    ///     let first = group.createTask { try await fetch(1) }
    ///     let second = group.createTask { try await fetch(2) }
    ///     return try await (first.value, second.value)
    /// }
    /// ```
    ///
    /// When a child or the body fails, the others are cancelled and waited for, and an ``ExceptionGroup`` of all errors is
    /// thrown. A child that is cancelled is no error. The children stay on the loop's thread and may share what is not
    /// `Sendable`.
    ///
    /// **Cancellation:** cancels the body and all children, waits for them, and throws `CancellationError`.
    ///
    /// - Returns: what the body returns.
    /// - Throws: ``ExceptionGroup``; `CancellationError`, also after ``TaskGroup/cancel()`` if that broke the body off, so that
    ///   it has no result; ``EventLoopError`` `.invalidState` outside of a task.
    ///
    /// asyncio: TaskGroup
    @discardableResult
    public func withTaskGroup<Value>(
        _ body: @escaping (TaskGroup) async throws -> Value
    ) async throws -> Value {
        guard let value = try await runGroup(body) else { throw CancellationError() }
        return value
    }

    /// The same for a body without a result, which ends without an error after ``TaskGroup/cancel()``.
    ///
    /// **Cancellation:** cancels the body and all children, waits for them, and throws `CancellationError`.
    ///
    /// asyncio: TaskGroup
    public func withTaskGroup(_ body: @escaping (TaskGroup) async throws -> Void) async throws {
        _ = try await runGroup(body)
    }

    private func runGroup<Value>(_ body: @escaping (TaskGroup) async throws -> Value) async throws -> Value? {
        let task = try requireTask("TaskGroup")
        return try await inScope(of: task) { [self] scope in
            let group = TaskGroup(loop: self, parent: task, scope: scope)
            let result: Result<Value, any Error>
            do { result = .success(try await body(group)) } catch { result = .failure(error) }
            return try await group.finish(result)
        }
    }
}
