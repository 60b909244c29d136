// What a task is called, and where it comes from.

import Synchronization

/// What reports say about a ``LoopTask``.
@usableFromInline
struct TaskRecord {
    var name: TaskName
    /// Whether it counts among the tasks that the end of a run waits for.
    var isListed: Bool
    var origin: SourceLocation
    let number: Int

    @usableFromInline
    init(of loop: EventLoop, name: String?, isListed: Bool, origin: SourceLocation) {
        loop.tasksCreated += 1
        number = loop.tasksCreated
        self.name = TaskName(name)
        self.isListed = isListed
        self.origin = origin
    }

    /// That of a task that does not begin.
    init(refused name: String?, origin: SourceLocation) {
        number = 0
        self.name = TaskName(name)
        isListed = false
        self.origin = origin
    }
}

/// A name that is spelled out only when somebody reads it.
enum TaskName {
    case number(Int)
    case given(String)

    /// One series of numbers for the process.
    private static let last = Atomic<Int>(0)

    init(_ name: String?) {
        if let name {
            self = .given(name)
        } else {
            self = .number(Self.last.wrappingAdd(1, ordering: .relaxed).newValue)
        }
    }

    var text: String {
        switch self {
        case .number(let number): "Task-\(number)"
        case .given(let name): name
        }
    }
}
