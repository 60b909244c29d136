// Several loops on several threads, for programs that need more than one processor.

import Synchronization

/// Loops that run on threads of their own.
///
/// ```swift
/// try await EventLoopGroup.with(count: 4) { group in
///     let servers = try await group.startServer(host: "127.0.0.1", port: 8888) { reader, writer in
///         for try await line in reader.lines { writer.write(line) }
///     }
///     try await servers.waitClosed()
/// }
/// ```
///
/// The group is `Sendable`; the loops are not. What is to happen on a loop goes there through its executor: `group.next()`
/// gives one after the other, ``onEach(fileID:line:_:)`` uses all of them.
///
/// A group lives until ``shutdown(deadline:)``. One that is dropped without it says so on standard error, and ends as if
/// it had been shut down with the deadline of 30 seconds. What runs on the loops and holds the group keeps it from being
/// dropped.
///
/// The loops have no Ctrl-C and serve no main queue: that is for the loop of ``run(debug:configuration:fileID:line:_:)``. A
/// `stop()` of one of them ends a pass, and the loop goes on; so does a ``KeyboardInterrupt``, which is reported.
///
/// libuv: uv_thread_create, uv_loop_t
public final class EventLoopGroup: Sendable {
    /// How long ``shutdown(deadline:)`` waits at most unless it is told.
    public static let defaultShutdownDeadline = Duration.seconds(30)

    /// What a loop may take, after the deadline, to close at once. It is over in no time unless something blocks the
    /// thread.
    static let closingTime = Duration.seconds(5)

    /// The loops, in their order.
    public let executors: [LoopExecutor]

    let ending: GroupShutdown
    private let turn = Atomic<UInt>(0)

    /// Starts threads with a loop each. The loops run when this returns; the calling thread is blocked until then, which is
    /// some tenths of a millisecond.
    ///
    /// - Parameters:
    ///   - count: how many loops; nil is as many as processors may be used.
    ///   - name: threads are called by this and a number, as in `loop-0`. Systems keep 15 bytes of it: a longer name is
    ///     cut, the number is not.
    ///   - configuration: how the loops are set up.
    /// - Throws: ``EventLoopError`` `.invalidArgument` for a count that is not positive; ``IOError`` if there are no
    ///   descriptors or threads for all of the loops: then none is left.
    ///
    /// libuv: uv_thread_create, uv_loop_init, uv_available_parallelism
    public init(
        count: Int? = nil, name: String = "loop", configuration: EventLoop.Configuration = .init()
    ) throws {
        let count = count ?? System.parallelism
        guard count > 0 else { throw EventLoopError.invalidArgument("count: must be positive, but is \(count)") }
        var threads: [LoopThread] = []
        do {
            for number in 0..<count {
                threads.append(
                    try LoopThread(name: Self.threadName(name, number), configuration: configuration))
            }
        } catch {
            // They have nothing to do yet, so they end at once.
            for thread in threads { thread.tell(.close) }
            for thread in threads { thread.join() }
            throw error
        }
        executors = threads.map(\.executor)
        ending = GroupShutdown(threads)
    }

    private static func threadName(_ name: String, _ number: Int) -> String {
        let suffix = "-\(number)"
        var prefix = name
        while !prefix.isEmpty, prefix.utf8.count + suffix.utf8.count > 15 { prefix.removeLast() }
        return prefix + suffix
    }

    deinit {
        do {
            guard
                try ending.beginUnlessBegun(
                    deadline: Self.defaultShutdownDeadline, closingTime: Self.closingTime)
            else { return }
        } catch {
            ending.abandon()
        }
        StandardError.print("An EventLoopGroup was dropped without shutdown(): its loops are being ended.")
    }

    /// Makes a group, lends it to `body`, and shuts it down, whether the body succeeds or fails.
    ///
    /// **Cancellation:** that of the body; the shutdown is awaited all the same, but for a second cancellation of a loop's
    /// task.
    ///
    /// - Parameters:
    ///   - count: how many loops; nil is as many as processors may be used.
    ///   - name: as for ``init(count:name:configuration:)``.
    ///   - configuration: how the loops are set up.
    ///   - shutdownDeadline: as for ``shutdown(deadline:)``.
    ///   - body: uses the group.
    /// - Throws: what the body throws; else what ``shutdown(deadline:)`` throws, or the creation of the group.
    public static func with<Value>(
        count: Int? = nil, name: String = "loop", configuration: EventLoop.Configuration = .init(),
        shutdownDeadline: Duration? = defaultShutdownDeadline, _ body: (EventLoopGroup) async throws -> Value
    ) async throws -> Value {
        let group = try EventLoopGroup(count: count, name: name, configuration: configuration)
        let value: Value
        do {
            value = try await body(group)
        } catch {
            // What went wrong first explains more than what the cleaning up adds to it.
            try? await group.end(deadline: shutdownDeadline)
            throw error
        }
        try await group.end(deadline: shutdownDeadline)
        return value
    }

    /// A shutdown whose wait is not cut short by a cancellation that came before it.
    private func end(deadline: Duration?) async throws {
        if try ending.begin(deadline: deadline, closingTime: Self.closingTime) == .late { return }
        try await ending.wait(isShielded: true)
    }

    /// How many loops there are.
    public var count: Int { executors.count }

    /// The next loop, in turn. From any thread.
    public func next() -> LoopExecutor {
        let number = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return executors[Int(number % UInt(executors.count))]
    }

    /// Runs an operation on every loop at once, as a task of it, and returns the results in the order of the loops.
    ///
    /// If one fails the others are cancelled and awaited. It may be called from anywhere, also from one of the loops.
    ///
    /// **Cancellation:** cancels the operations and waits for them.
    ///
    /// - Throws: what the first operation to fail throws; ``EventLoopError`` `.closed` after the end of the group.
    public func onEach<Value: Sendable>(
        fileID: StaticString = #fileID, line: UInt = #line,
        _ body: nonisolated(nonsending) @Sendable @escaping (EventLoop) async throws -> Value
    ) async throws -> [Value] {
        if let loop = try? EventLoop.running, let task = loop.currentScheduledTask {
            let calls = executors.map { PendingCall<Value>(executor: $0) }
            let origin = SourceLocation(fileID: fileID, line: line)
            let (answers, firstFailure) = try await loop.wait(for: calls, in: task, origin) { try await body($0) }
            if let firstFailure { _ = try answers[firstFailure].result.value.get() }
            return try answers.map { try $0.result.value.get() }
        }
        return try await withThrowingTaskGroup(of: (Int, Value).self) { tasks in
            for (number, executor) in executors.enumerated() {
                tasks.addTask {
                    (number, try await executor.run(fileID: fileID, line: line) { try await body($0) })
                }
            }
            var values = [Value?](repeating: nil, count: executors.count)
            for try await (number, value) in tasks { values[number] = value }
            return values.compactMap(\.self)
        }
    }

    /// Ends the loops in order, and the threads.
    ///
    /// Servers stop listening; the tasks of each loop are cancelled and awaited; async generators and the default executor
    /// are closed; connections of servers are closed when what was written to them has been sent; the loops are closed and
    /// the threads joined.
    ///
    /// What is not done by the deadline is closed all the same: tasks that go on after their cancellation are reported and
    /// unwound as by ``EventLoop/close()``. Nothing can end a thread that synchronous code blocks, nor work in libuv's pool:
    /// some seconds after the deadline such a thread is named on standard error and left behind.
    ///
    /// The second call waits for the first, and may bring its deadline forward; when all is over it returns at once.
    ///
    /// **Cancellation:** ends the wait; the shutdown goes on.
    ///
    /// - Parameter deadline: how long it may take in order; nil is as long as it needs.
    /// - Throws: ``TimeoutError`` if it was not done by the deadline; ``EventLoopError`` `.invalidState` on one of the
    ///   group's own loops, whose tasks it would have to wait for: there, begin it without waiting, with
    ///   `Task.detached { try await group.shutdown() }`; ``IOError`` if no thread can be started for it.
    ///
    /// libuv: uv_loop_close, uv_thread_join
    public func shutdown(deadline: Duration? = defaultShutdownDeadline) async throws {
        try await shutdown(deadline: deadline, closingTime: Self.closingTime)
    }

    func shutdown(deadline: Duration?, closingTime: Duration) async throws {
        if executors.contains(where: { $0.isOnLoopThread }) {
            throw EventLoopError(
                .invalidState,
                """
                EventLoopGroup.shutdown() was called on one of the group's own loops, which cannot wait for its own end. \
                Call it from elsewhere, or do not wait for it: Task.detached { try await group.shutdown() }
                """)
        }
        if try ending.begin(deadline: deadline, closingTime: closingTime) == .late { return }
        try await ending.wait()
    }
}
