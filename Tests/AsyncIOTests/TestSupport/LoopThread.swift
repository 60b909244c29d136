// How tests get a loop: each on a thread of its own, and each leaves nothing behind.

import Testing

@testable import AsyncIO

/// Runs `body` on a new thread and waits for it without blocking a thread of the cooperative pool. A body that hangs
/// ends the process.
@discardableResult
func onThread<Value: Sendable>(
    sourceLocation: Testing.SourceLocation = #_sourceLocation, _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    let ended = ThreadGate()
    let value: Value = try await withCheckedThrowingContinuation { continuation in
        do {
            try UVThread {
                let result = Watchdog.shared.watch(sourceLocation) { Result { try body() } }
                ended.open()
                continuation.resume(with: result)
            }.detach()
        } catch {
            continuation.resume(throwing: error)
        }
    }
    // Open already. It is for ThreadSanitizer, which does not see the hand-over of a result by a continuation that is
    // resumed before its task has suspended.
    ended.wait()
    return value
}

/// Lends a new loop, not running, to `body` on a thread of its own; closes it and checks that nothing is left.
@discardableResult
func withLoop<Value: Sendable>(
    debug: Bool = false, sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ body: @escaping @Sendable (EventLoop) throws -> Value
) async throws -> Value {
    try await onThread(sourceLocation: sourceLocation) {
        let loop = try EventLoop(configuration: .init(debug: debug))
        defer {
            #expect(throws: Never.self, sourceLocation: sourceLocation) { try loop.close() }
            expectNothingLeft(of: loop, sourceLocation: sourceLocation)
        }
        return try body(loop)
    }
}

/// Runs an operation on a new loop on a thread of its own; closes it and checks that nothing is left.
@discardableResult
func onLoop<Value: Sendable>(
    debug: Bool = false, sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop) async throws -> Value
) async throws -> Value {
    try await withLoop(debug: debug, sourceLocation: sourceLocation) { loop in
        try loop.runUntilComplete { [unowned loop] in try await body(loop) }
    }
}

/// A closed loop holds no handle, request, task, timer or callback.
func expectNothingLeft(of loop: EventLoop, sourceLocation: Testing.SourceLocation = #_sourceLocation) {
    #expect(loop.isClosed, sourceLocation: sourceLocation)
    #expect(loop.uv.openHandles == [:], sourceLocation: sourceLocation)
    #expect(loop.uv.requestCount == 0, sourceLocation: sourceLocation)
    let left = (tasks: loop.tasks.count, timers: loop.timers.count, callbacks: loop.ready.pointee.ring.count)
    #expect(left == (0, 0, 0), sourceLocation: sourceLocation)
}

/// Collects the reports that a loop makes to its exception handler.
final class Reports {
    private(set) var all: [ExceptionContext] = []

    init(of loop: EventLoop) {
        loop.exceptionHandler = { [weak self] _, context in self?.all.append(context) }
    }

    var messages: [String] { all.map(\.message) }
}

/// A list that callbacks append to.
final class Trace {
    private(set) var entries: [String] = []
    func callAsFunction(_ entry: String) { entries.append(entry) }
}

/// An error of the tests.
struct TestError: Error, Equatable {
    var name = "test"
}
