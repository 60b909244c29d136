// The main entry point of programs.

/// Runs an operation on a new loop until it has ended, tears everything down, and returns the result.
///
/// ```swift
/// import AsyncIO
///
/// try AsyncIO.run { loop in
///     try await loop.sleep(for: .seconds(1))
///     print("hello, a second later")
/// }
/// ```
///
/// The calling thread is blocked meanwhile: call it from a synchronous `main` or a thread of your own, not from async
/// code, where it would take a thread of Swift's cooperative pool. On the main thread the loop also serves the main
/// dispatch queue, so that `@MainActor` code goes on, and Ctrl-C cancels the operation; see ``Runner/run(fileID:line:_:)``.
///
/// At the end the tasks that are left are cancelled and awaited, async generators are closed, the default executor is shut
/// down, and the loop is closed.
///
/// - Parameters:
///   - debug: debug mode; nil leaves it to the configuration and then to the environment (`ASYNCIO_DEBUG`).
///   - configuration: how the loop is set up.
///   - main: the operation. It is `@Sendable` because it begins on the loop and not where it is written.
/// - Throws: what the operation throws; ``KeyboardInterrupt`` after Ctrl-C; ``EventLoopError`` `.alreadyRunning` inside of a
///   running loop.
///
/// asyncio: run
public func run<Value>(
    debug: Bool? = nil, configuration: EventLoop.Configuration = .init(), fileID: StaticString = #fileID,
    line: UInt = #line,
    _ main: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> sending Value
) throws -> Value {
    if (try? EventLoop.running) != nil {
        throw EventLoopError(.alreadyRunning, "AsyncIO.run() cannot be called from a running event loop")
    }
    return try Runner.with(debug: debug, configuration: configuration) { runner in
        try runner.run(fileID: fileID, line: line, main)
    }
}
