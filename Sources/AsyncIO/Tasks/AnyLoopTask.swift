// Tasks whose result does not matter: the current one, all of them.

/// A task of a loop without the type of its result.
///
/// asyncio: Task
public struct AnyLoopTask: Equatable, CustomStringConvertible {
    let base: any ScheduledTask

    init(_ base: any ScheduledTask) { self.base = base }

    /// Forgets the type of a task's result.
    public init<Value>(_ task: LoopTask<Value>) { base = task }

    /// The task's name, for reports.
    public var name: String {
        get { base.name }
        nonmutating set { base.name = newValue }
    }

    /// Where the task was created.
    public var origin: SourceLocation { base.origin }
    /// Whether the task has ended.
    public var isDone: Bool { base.isDone }
    /// Whether the task ended by being cancelled.
    public var isCancelled: Bool { base.isCancelled }
    /// How many requests to cancel have not been taken back.
    public var cancelling: Int { base.cancelling }

    /// Asks the task to end; see ``LoopTask/cancel()``.
    @discardableResult
    public func cancel() -> Bool { base.cancel() }

    /// Takes back one request to cancel; see ``LoopTask/uncancel()``.
    @discardableResult
    public func uncancel() -> Int { base.uncancel() }

    /// The task with the type of its result; nil if that is another one.
    public func typed<Value>(_: Value.Type = Value.self) -> LoopTask<Value>? { base as? LoopTask<Value> }

    /// Whether both are the same task.
    public static func == (left: AnyLoopTask, right: AnyLoopTask) -> Bool { left.base === right.base }

    /// The name and origin.
    public var description: String { "<Task \"\(name)\" created at \(origin)>" }
}

/// Whether both are the same task.
public func === <Value>(left: AnyLoopTask?, right: LoopTask<Value>?) -> Bool { left?.base === right }

/// Whether both are different tasks.
public func !== <Value>(left: AnyLoopTask?, right: LoopTask<Value>?) -> Bool { left?.base !== right }

extension EventLoop {
    /// The task that runs now; nil in a plain callback, and in a child task of Swift's own task groups.
    ///
    /// asyncio: current_task
    public var currentTask: AnyLoopTask? { currentScheduledTask.map { AnyLoopTask($0) } }

    /// The tasks that have not ended.
    ///
    /// asyncio: all_tasks
    public var allTasks: [AnyLoopTask] {
        canTouch("allTasks")
        return distinctTasks.filter { $0.isListed && !$0.isDone }.map { AnyLoopTask($0) }
    }
}

extension ExceptionContext {
    /// The task that the report is about.
    ///
    /// asyncio: context["task"]
    public var task: AnyLoopTask? { (subject as? any ScheduledTask).map { AnyLoopTask($0) } }
}
