// Helpers of the tests that have several threads: a gate to wait at, and a loop that serves while a test talks to it.

import Synchronization
import Testing

@testable import AsyncIO

/// A gate that threads wait at until another one opens it.
final class ThreadGate: Sendable {
    private let lock = AsyncIO.PthreadLock()
    private let changed = ConditionVariable()
    private let opened = Atomic<Bool>(false)

    func open() {
        lock.withLock {
            opened.store(true, ordering: .releasing)
            changed.broadcast()
        }
    }

    func wait() { lock.withLock { while !isOpen { lock.wait(on: changed) } } }

    var isOpen: Bool { opened.load(ordering: .acquiring) }
}

/// Runs a loop on a thread of its own while `body` uses its executor from outside; then stops and closes it.
func withServingLoop<Value>(
    debug: Bool = false, prepare: @escaping @Sendable (EventLoop) throws -> Void = { _ in },
    sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: (LoopExecutor) async throws -> Value
) async throws -> Value {
    let (executors, output) = AsyncStream.makeStream(of: LoopExecutor.self)
    async let end: Void = withLoop(debug: debug, sourceLocation: sourceLocation) { loop in
        defer { output.finish() }
        try prepare(loop)
        let executor = loop.executor
        loop.callSoon { output.yield(executor) }
        try loop.runForever()
    }
    var iterator = executors.makeAsyncIterator()
    guard let executor = await iterator.next() else {
        try await end
        throw TestError(name: "the loop ended before it began")
    }
    let result: Result<Value, any Error>
    do { result = .success(try await body(executor)) } catch { result = .failure(error) }
    _ = try? executor.callSoonThreadsafe { $0.stop() }
    try await end
    return try result.get()
}

/// The executor of a loop that has been closed.
func closedExecutor(sourceLocation: Testing.SourceLocation = #_sourceLocation) async throws -> LoopExecutor {
    try await withLoop(sourceLocation: sourceLocation) { loop in loop.executor }
}
