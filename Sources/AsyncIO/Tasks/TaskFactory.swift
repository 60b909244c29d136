// Creating tasks, and who decides how.

/// Makes the tasks of a loop, in place of the default.
///
/// asyncio: the callable of loop.set_task_factory
public protocol TaskFactory {
    /// Makes a task, as a rule with ``LoopTask/init(loop:name:eagerStart:fileID:line:operation:)``.
    func makeTask<Value>(
        loop: EventLoop, name: String?, operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) -> LoopTask<Value>
}

/// Starts tasks at once: their first step runs inside of `createTask`, and a task that needs no waiting is done when it
/// returns.
///
/// asyncio: eager_task_factory
public struct EagerTaskFactory: TaskFactory, Sendable {
    /// Creates the factory.
    public init() {}

    /// Makes a task that has begun.
    public func makeTask<Value>(
        loop: EventLoop, name: String?, operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) -> LoopTask<Value> {
        LoopTask(loop: loop, name: name, eagerStart: true, operation: operation)
    }
}

private final class FactoryBox {
    let factory: any TaskFactory
    init(_ factory: any TaskFactory) { self.factory = factory }
}

extension EventLoop {
    /// Makes the tasks of this loop; nil is the default.
    ///
    /// asyncio: loop.set_task_factory, loop.get_task_factory
    public var taskFactory: (any TaskFactory)? {
        get { (slots.taskFactory as? FactoryBox)?.factory }
        set { slots.taskFactory = newValue.map { FactoryBox($0) } }
    }

    /// Creates a task. Its first step runs in the next round. On a closed loop the task fails at once, with
    /// ``EventLoopError`` `.closed`.
    ///
    /// ```swift
    /// let greeting = loop.createTask(name: "greeter") {
    ///     try await loop.sleep(for: .seconds(1))
    ///     return "hello"
    /// }
    /// print(try await greeting.value)
    /// ```
    ///
    /// - Parameters:
    ///   - name: a name for reports; nil makes it `Task-N`.
    ///   - eagerStart: true runs the first step here and now, false does not; nil leaves it to the task factory.
    ///   - operation: the operation; it stays on the loop's thread, with all that it captures.
    ///
    /// asyncio: loop.create_task
    @inlinable
    @discardableResult
    public func createTask<Value>(
        name: String? = nil, eagerStart: Bool? = nil, fileID: StaticString = #fileID, line: UInt = #line,
        _ operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) -> LoopTask<Value> {
        let origin = SourceLocation(fileID: fileID, line: line)
        if eagerStart == nil, hasTaskFactory { return makeTaskByFactory(name: name, origin: origin, operation) }
        return LoopTask(
            loop: self, name: name, eagerStart: eagerStart ?? false, isListed: true, origin: origin,
            operation: operation)
    }

    @usableFromInline
    var hasTaskFactory: Bool { slots.taskFactory != nil }

    @usableFromInline
    func makeTaskByFactory<Value>(
        name: String?, origin: SourceLocation, _ operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) -> LoopTask<Value> {
        guard let factory = taskFactory else {
            return LoopTask(loop: self, name: name, isListed: true, origin: origin, operation: operation)
        }
        let task = factory.makeTask(loop: self, name: name, operation: operation)
        if let name { task.name = name }
        task.origin = origin
        return task
    }
}
