// What the loop knows of the tasks that run on it.

/// A task as the loop sees it: something with a name that can be cancelled.
protocol ScheduledTask: AnyObject {
    var name: String { get set }
    var origin: SourceLocation { get }
    /// Its place in the order in which the loop's tasks were created.
    var number: Int { get }
    var isDone: Bool { get }
    var isCancelled: Bool { get }
    var cancelling: Int { get }
    /// Whether it counts among the program's tasks: one that serves a generator does not.
    var isListed: Bool { get }

    @discardableResult func cancel() -> Bool
    @discardableResult func uncancel() -> Int

    /// A part of the task begins that can be cancelled by itself.
    func enter(_ scope: CancellationScope)
    func leave(_ scope: CancellationScope)
    /// The same as `cancel()`, but Swift's flag is set inside of the scope only.
    @discardableResult func cancel(in scope: CancellationScope) -> Bool
    /// What the task waits for now.
    var suspension: (any Suspension)? { get }

    /// The task waits for `suspension` from now on, which `cancel()` will cancel. A cancellation that is due already
    /// is delivered through it.
    func willSuspend(on suspension: any Suspension)
    /// The task goes on. Throws if a cancellation came after it had been woken.
    func didResume() throws
    /// Whether a cancellation was due; it counts as delivered now.
    func takePendingCancellation() -> Bool
    /// A cancellation was delivered to code that cannot pass it on: the next wait gets it again.
    func redeliverCancellation()
}

/// A part of a task. It runs in a Swift task of its own, so that Swift's flag, which nobody can reset, is clean outside of it;
/// to asyncio's eyes, and for `currentTask`, it is the same task.
@usableFromInline
final class CancellationScope {
    var swift = SwiftTaskHandle()
}

/// The Swift task that runs some code of a task, and Swift's flag for that code.
@usableFromInline
struct SwiftTaskHandle {
    private var task: Task<Void, Never>?
    /// Known from the first step on, when there is no handle yet.
    var identity: UnsafeRawPointer?
    private var isFlagDue = false

    /// Sets Swift's flag; if there is no handle yet, for the step that runs now and as soon as there is one.
    mutating func cancel() {
        if let task { return task.cancel() }
        isFlagDue = true
        if identity == SwiftTaskIdentity.current { withUnsafeCurrentTask { $0?.cancel() } }
    }

    /// The Swift task has been started, and goes on.
    mutating func attach(_ started: Task<Void, Never>) {
        task = started
        if isFlagDue { started.cancel() }
    }

    /// The Swift task has ended.
    mutating func detach() {
        task = nil
        identity = nil
    }
}

/// What a suspended task waits for.
protocol Suspension: AnyObject {
    /// Ends the wait with a cancellation; false if it had ended already.
    func cancelSuspension() -> Bool
    /// Wakes one task that waits, by its identity, although what it waits for has not come.
    func release(waiter identity: UnsafeRawPointer)
    /// The futures whose end is waited for, for the call graph.
    var awaited: [AnyObject] { get }
}

extension Suspension {
    var awaited: [AnyObject] { [] }
}

/// The identity of a Swift task: the address of the runtime's object, which its job has too.
enum SwiftTaskIdentity {
    /// The Swift task that runs on this thread now.
    @inline(__always)
    static var current: UnsafeRawPointer? { System.currentTask }

    /// The Swift task behind a job; for a job that is no task, an address that no task has.
    static func of(_ job: UnownedJob) -> UnsafeRawPointer {
        // SAFETY: `UnownedJob` is a frozen struct of one reference to the runtime's job, the head of a task.
        unsafeBitCast(job, to: UnsafeRawPointer.self)
    }

    /// The Swift task that a continuation suspends.
    static func of(_ continuation: UnsafeContinuation<Void, Never>) -> UnsafeRawPointer {
        // SAFETY: `UnsafeContinuation` is a frozen struct of one reference to the runtime's task object.
        unsafeBitCast(continuation, to: UnsafeRawPointer.self)
    }
}

extension EventLoop {
    /// Every task once, although some have several Swift tasks, in the order in which they were created.
    var distinctTasks: [any ScheduledTask] {
        var seen: Set<Int> = []
        return tasks.values.filter { seen.insert($0.number).inserted }.sorted { $0.number < $1.number }
    }

    /// The task of ours that runs now; nil in a callback and in a Swift task that is none of ours.
    @inline(__always)
    var currentScheduledTask: (any ScheduledTask)? {
        guard let identity = SwiftTaskIdentity.current else { return nil }
        return tasks[identity]
    }
}
