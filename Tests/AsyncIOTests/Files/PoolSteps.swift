// Going through an operation on files one call at a time, and holding threads of the pool.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Runs `body` with a loop, a folder and a pool of so many threads. Only in a process that has not used the pool yet.
func inFolder(
    poolThreads: Int, _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, String) async throws -> Void
) async throws {
    setenv("UV_THREADPOOL_SIZE", "\(poolThreads)", 1)
    try await inFolder(body)
}

/// Holds the only thread of the pool, and lets it go for one call at a time.
final class PoolSteps {
    private let loop: EventLoop
    private var gate = Gate()

    /// Takes the thread as soon as it is free.
    init(_ loop: EventLoop) throws {
        self.loop = loop
        try hold()
    }

    deinit { end() }

    private func hold() throws { try UVWork(GatedWork(gate), on: loop.uv).submit() }

    /// Waits until a call has come after what holds the thread.
    func untilCalled() async throws { try await loop.untilTrue { loop.uv.requestCount == 2 } }

    /// Waits for a call, and lets it be made. The loop has not heard of its end when this returns.
    func next() async throws {
        try await untilCalled()
        let last = gate
        gate = Gate()
        try hold()
        last.open()
        gate.waitForArrivals(1)
    }

    /// Lets everything go on.
    func end() { gate.open() }
}

private final class GatedWork: WorkItem {
    private let gate: Gate

    init(_ gate: Gate) { self.gate = gate }

    func perform() { gate.pass() }
    func end(wasCancelled: Bool) {}
}

/// A pipe with a name, whose opening keeps a thread of the pool until the other end is opened.
struct NamedPipe {
    let path: String

    init(_ path: String) {
        self.path = path
        #expect(mkfifo(path, 0o600) == 0)
    }

    /// Lets everybody go on who opens it for reading, and lets readers see the end.
    func release() {
        let end = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
        if end >= 0 { close(end) }
    }

    /// Opens it so many times, for reading, as tasks that do not end before ``end(_:)``.
    func occupy(_ count: Int, on loop: EventLoop) -> [LoopTask<AsyncFile>] {
        (0..<count).map { _ in loop.createTask { try await loop.files.open(path) } }
    }

    /// Takes back what waits, and lets the rest go on and be closed.
    func end(_ tasks: [LoopTask<AsyncFile>], on loop: EventLoop) async throws {
        for task in tasks { task.cancel() }
        for task in tasks { _ = await caught { try await task.value } }
        try await loop.untilTrue {
            release()
            return loop.uv.requestCount == 0
        }
    }
}

/// What the system knows about a file, asked for on this thread.
func systemStatus(_ path: String) -> stat? {
    var status = stat()
    return stat(path, &status) == 0 ? status : nil
}

/// Writes a file on this thread: what was in it is gone.
func writeNow(_ path: String, _ bytes: [UInt8]) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    #expect(write(file, bytes, bytes.count) == bytes.count)
    close(file)
}
