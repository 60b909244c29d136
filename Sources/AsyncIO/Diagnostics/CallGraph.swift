// Who waits for whom.

/// A task, and the tasks that wait for it, directly or through `gather`, `wait` and task groups.
///
/// asyncio: FutureCallGraph (3.14)
public struct CallGraph: Sendable, CustomStringConvertible {
    /// The task's name.
    public let name: String
    /// Where it was created.
    public let origin: SourceLocation
    /// The tasks that wait for it.
    public let awaitedBy: [CallGraph]
    /// Whether the task stands further up in the graph already: tasks wait for each other in a circle.
    public let isCycle: Bool
    /// Whether the task stands elsewhere in the graph already, with the tasks that wait for it.
    public let isRepeated: Bool

    /// The graph as a tree, the task first and those that wait for it below.
    public var description: String { lines(depth: 0).joined(separator: "\n") }

    private func lines(depth: Int) -> [String] {
        let indent = String(repeating: "    ", count: depth)
        let relation = depth == 0 ? "" : "awaited by "
        let note = isCycle ? " (a cycle: it waits for itself)" : isRepeated ? " (see above)" : ""
        let own = "\(indent)\(relation)Task \"\(name)\" created at \(origin)\(note)"
        return [own] + awaitedBy.flatMap { $0.lines(depth: depth + 1) }
    }
}

/// What the tasks of a loop wait for at this moment.
private struct WaitingTasks {
    let tasks: [any ScheduledTask]
    /// The tasks that wait for a task, by its identity.
    private(set) var waiting: [ObjectIdentifier: [any ScheduledTask]] = [:]
    /// The tasks that a task waits for, by its identity.
    private(set) var awaited: [ObjectIdentifier: [any ScheduledTask]] = [:]

    init(of loop: EventLoop) {
        tasks = loop.distinctTasks.filter { $0.isListed && !$0.isDone }
        for task in tasks {
            for case let other as any ScheduledTask in task.suspension?.awaited ?? [] where other.isListed {
                waiting[ObjectIdentifier(other), default: []].append(task)
                awaited[ObjectIdentifier(task), default: []].append(other)
            }
            awaited[ObjectIdentifier(task)]?.sort { $0.number < $1.number }
        }
    }

    /// Every task is followed up once: there may be many ways to it.
    func graph(of task: any ScheduledTask) -> CallGraph {
        var path: Set<ObjectIdentifier> = []
        var followed: Set<ObjectIdentifier> = []

        func follow(_ task: any ScheduledTask) -> CallGraph {
            let identity = ObjectIdentifier(task)
            let isCycle = path.contains(identity)
            let isRepeated = !followed.insert(identity).inserted
            let above = isRepeated ? [] : waiting[identity] ?? []
            path.insert(identity)
            let awaitedBy = above.map(follow)
            if !isCycle { path.remove(identity) }
            return CallGraph(
                name: task.name, origin: task.origin, awaitedBy: awaitedBy, isCycle: isCycle,
                isRepeated: isRepeated && !isCycle)
        }

        return follow(task)
    }
}

extension EventLoop {
    /// Who waits for a task, and who waits for those; nil for a task that has ended.
    ///
    /// - Parameter task: the task; nil is the current one.
    ///
    /// asyncio: capture_call_graph (3.14)
    public func captureCallGraph(of task: AnyLoopTask? = nil) -> CallGraph? {
        canTouch("captureCallGraph")
        guard let task = task?.base ?? currentScheduledTask, !task.isDone else { return nil }
        return WaitingTasks(of: self).graph(of: task)
    }

    /// Who waits for a task, and who waits for those; nil for a task that has ended.
    ///
    /// asyncio: capture_call_graph (3.14)
    public func captureCallGraph<Value>(of task: LoopTask<Value>) -> CallGraph? {
        captureCallGraph(of: AnyLoopTask(task))
    }

    /// Prints to standard error who waits for the current task.
    ///
    /// asyncio: print_call_graph (3.14)
    public func printCallGraph() {
        StandardError.print(captureCallGraph()?.description ?? "No task runs here.")
    }

    /// Prints to standard error who waits for a task.
    ///
    /// asyncio: print_call_graph (3.14)
    public func printCallGraph<Value>(of task: LoopTask<Value>) {
        StandardError.print(captureCallGraph(of: task)?.description ?? "Task \"\(task.name)\" has ended.")
    }

    /// All tasks as a tree: each above the tasks that it waits for. A task that several wait for is spelled out once; tasks
    /// that wait for each other in a circle are reported.
    ///
    /// asyncio: python -m asyncio pstree (3.14)
    public func taskTree() -> String {
        canTouch("taskTree")
        let waiting = WaitingTasks(of: self)
        var lines: [String] = []
        var shown: Set<ObjectIdentifier> = []

        func show(_ task: any ScheduledTask, indent: String, isLast: Bool, isRoot: Bool) {
            let branch = isRoot ? "" : isLast ? "└── " : "├── "
            let isKnown = !shown.insert(ObjectIdentifier(task)).inserted
            let note = isKnown ? " (see above)" : ""
            lines.append("\(indent)\(branch)(T) \(task.name)  \(task.origin)\(note)")
            if isKnown { return }
            let below = waiting.awaited[ObjectIdentifier(task)] ?? []
            let deeper = isRoot ? "" : isLast ? "    " : "│   "
            for (index, child) in below.enumerated() {
                show(child, indent: indent + deeper, isLast: index == below.count - 1, isRoot: false)
            }
        }

        for task in waiting.tasks where waiting.waiting[ObjectIdentifier(task)] == nil {
            show(task, indent: "", isLast: true, isRoot: true)
        }
        // What is left waits in circles.
        for task in waiting.tasks where !shown.contains(ObjectIdentifier(task)) {
            lines.append("cycle:")
            show(task, indent: "", isLast: true, isRoot: true)
        }
        return lines.isEmpty ? "no tasks" : lines.joined(separator: "\n")
    }

    /// Prints ``taskTree()`` to standard error.
    ///
    /// asyncio: python -m asyncio pstree (3.14)
    public func dumpTasks() { StandardError.print(taskTree()) }
}
