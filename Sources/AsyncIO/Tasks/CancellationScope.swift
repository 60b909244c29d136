// A part of a task that can be cancelled without the rest: what timeouts and task groups are made of.

extension EventLoop {
    /// The task that the caller runs in.
    ///
    /// - Throws: ``EventLoopError`` `.invalidState` in a callback, and in a Swift task that is none of ours.
    func requireTask(_ purpose: StaticString) throws -> any ScheduledTask {
        canTouch(purpose)
        if let task = currentScheduledTask { return task }
        throw EventLoopError(.invalidState, "\(purpose) should be used inside a task of the event loop")
    }

    /// Runs `body` as a scope of the current task. It begins, ends and goes on without giving way.
    func inScope<Value>(
        of task: any ScheduledTask, _ body: @escaping (CancellationScope) async throws -> Value
    ) async throws -> Value {
        let scoped = ScopedRun<Value>(body)
        task.enter(scoped.scope)
        // SAFETY: the task of the scope runs on the loop's thread, where all of this lives, while this one waits.
        nonisolated(unsafe) let run = scoped
        nonisolated(unsafe) let parent = task
        nonisolated(unsafe) let loop = self
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            let started = Task<Void, Never>.immediate(executorPreference: loop.executor) {
                await loop.perform(run, of: parent)
                loop.resumeWithin(continuation)
            }
            if run.result == nil { run.scope.swift.attach(started) }
        }
        task.leave(scoped.scope)
        guard let result = scoped.result else { throw CancellationError() }
        return try result.get()
    }

    private func perform<Value>(_ run: ScopedRun<Value>, of task: any ScheduledTask) async {
        let identity = SwiftTaskIdentity.current
        run.scope.swift.identity = identity
        if let identity { tasks.insert(task, for: identity) }
        let result: Result<Value, any Error>
        do { result = .success(try await run.body(run.scope)) } catch { result = .failure(error) }
        if let identity { tasks.remove(identity) }
        run.scope.swift.detach()
        run.result = result
    }

    /// Lets the rest of a task go on in the same turn in which its scope has ended.
    private func resumeWithin(_ continuation: UnsafeContinuation<Void, Never>) {
        ready.pointee.followUp = ReadyQueue.resume(continuation, in: ready)
    }
}

/// The body of a scope, and what became of it.
private final class ScopedRun<Value> {
    let scope = CancellationScope()
    let body: (CancellationScope) async throws -> Value
    var result: Result<Value, any Error>?

    init(_ body: @escaping (CancellationScope) async throws -> Value) { self.body = body }
}
