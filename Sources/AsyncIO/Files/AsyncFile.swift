// An open file: its place, the calls that are under way, and its end.

/// An open file. It keeps its own position, so that a read that is cancelled loses nothing. Several tasks may use it: reads and
/// writes at the position come one after the other, in the order in which they were asked for.
///
/// ```swift
/// try await loop.files.withFile("log.txt") { file in
///     for try await line in file.lines { print(String(decoding: line, as: UTF8.self), terminator: "") }
/// }
/// ```
///
/// At most one chunk of 64 KiB is read ahead, and only for lines. Every call is made by a thread of libuv's pool. What is no
/// regular file, a pipe or a terminal, keeps such a thread for as long as it has nothing to say; for those there are
/// ``EventLoop/connectReadPipe(fileDescriptor:_:)`` and its like.
///
/// All methods throw ``IOError`` with the path, and ``EventLoopError`` `.invalidState` after ``close()``.
///
/// asyncio: open() in a thread · libuv: uv_fs_open
public final class AsyncFile {
    private enum Phase {
        case open
        /// The descriptor is closed as soon as no call uses it.
        case closing
        case closed(IOError?)
    }

    /// The loop that the file belongs to.
    public let loop: EventLoop
    /// The path by which it was opened.
    public let path: String
    /// The system's number. The file goes on owning it.
    public let fileDescriptor: Int32

    let appends: Bool
    let alignment: Int
    /// One after the other uses the position.
    let order: Lock
    /// Whether the system takes positions; else reads and writes go on where the last one ended.
    @exclusivity(unchecked) var canSeek: Bool
    /// Where the next read of the system or the next write begins.
    @exclusivity(unchecked) var offset: Int64 = 0
    /// What was read ahead: the bytes before `offset`.
    var readAhead: StreamBuffer
    /// Somebody wrote past the position: what was read ahead may no longer be true.
    @exclusivity(unchecked) var isStale = false
    /// A call at the position, which goes on even if its task no longer waits.
    @exclusivity(unchecked) private var isMoving = false
    @exclusivity(unchecked) private var moveWaiters = Waiters()

    @exclusivity(unchecked) private var phase = Phase.open
    /// Calls that use the descriptor, or will when it is their turn.
    @exclusivity(unchecked) private var calls = 0
    @exclusivity(unchecked) private var closeWaiters: [UnsafeContinuation<Void, Never>] = []
    /// What is done as soon as no thread uses the descriptor, before it is closed.
    @exclusivity(unchecked) private var idleActions: [() -> Void] = []

    /// Takes a descriptor over.
    init(_ descriptor: Int32, path: String, mode: FileMode, loop: EventLoop) {
        self.loop = loop
        self.path = path
        fileDescriptor = descriptor
        appends = mode.contains(.append)
        alignment = mode.contains(.direct) ? 4096 : 16
        order = Lock(loop)
        canSeek = System.position(of: descriptor) != nil
        readAhead = StreamBuffer(pool: BlockPool())
    }

    deinit {
        guard case .open = phase else { return }
        if loop.executor.isOnLoopThread || !loop.executor.isRunning {
            return loop.closeForgottenFile(fileDescriptor, path)
        }
        let posted = try? loop.executor.callSoonThreadsafe { [fileDescriptor, path] loop in
            loop.closeForgottenFile(fileDescriptor, path)
        }
        if posted == nil { UVFileRequest(.close(fileDescriptor), on: loop.uv).runNow { _ in } }
    }

    /// Whether ``close()`` has been called.
    public var isClosed: Bool {
        if case .open = phase { return false }
        return true
    }

    func checkOpen(_ call: StaticString) throws {
        loop.canTouch(call)
        if isClosed { throw EventLoopError(.invalidState, "\(call): I/O operation on closed file \(path)") }
        if loop.isClosed { throw EventLoopError.closed }
    }

    // MARK: - Calls

    /// Makes a call that uses the descriptor.
    func call<Value>(
        _ call: FileCall, onEnd: ((UVFileRequest) -> Void)? = nil, _ read: @escaping (UVFileRequest) -> Value
    ) async throws -> Value {
        calls += 1
        return try await loop.fileCall(
            call, path,
            onEnd: { [self] request in
                onEnd?(request)
                callDidEnd()
            }, read)
    }

    /// The same for a call that others at the position have to come after; `moved` gets its count even if nobody waits any more.
    func move(_ call: FileCall, _ moved: @escaping (Int) -> Void) async throws -> Int {
        isMoving = true
        return try await self.call(
            call,
            onEnd: { [self] request in
                moved(request.result)
                isMoving = false
                moveWaiters.wakeAll()
            }, { $0.result })
    }

    /// Lets the system copy a part of another file to the position.
    func receive(from source: AsyncFile, offset place: Int, count: Int) async throws -> Int {
        try await inOrder("sendfile") {
            try source.checkOpen("sendfile")
            forgetReadAhead()
            // The system's own position is what counts here.
            if canSeek { try System.seek(fileDescriptor, to: Int(offset)) }
            source.calls += 1
            let call = FileCall.sendfile(
                to: fileDescriptor, from: source.fileDescriptor, offset: Int64(place), count: count)
            return try await move(call) { [self] got in
                if got > 0 { offset += Int64(got) }
                source.callDidEnd()
            }
        }
    }

    /// Shares the blocks of another file, in the place of what is in this one.
    func clone(_ source: AsyncFile) async throws {
        try checkOpen("copyfile")
        try source.checkOpen("copyfile")
        source.calls += 1
        try await call(.clone(source.fileDescriptor, fileDescriptor), onEnd: { _ in source.callDidEnd() }) { _ in }
    }

    /// Runs `body` when everybody who asked before is done with the position.
    func inOrder<Value>(_ name: StaticString, _ body: () async throws -> Value) async throws -> Value {
        try checkOpen(name)
        return try await order.withLock {
            while isMoving { try await loop.wait(in: \.moveWaiters, of: self) }
            try checkOpen(name)
            if isStale { forgetReadAhead() }
            return try await body()
        }
    }

    /// What has been read ahead is read again later; without positions it is all that there is.
    func forgetReadAhead() {
        isStale = false
        guard canSeek else { return }
        offset -= Int64(readAhead.count)
        readAhead.removeAll()
    }

    private func callDidEnd() {
        calls -= 1
        guard calls == 0 else { return }
        let actions = idleActions
        idleActions = []
        for action in actions { action() }
        if calls == 0, case .closing = phase { closeDescriptor() }
    }

    /// Takes everything out of the file, as a clean-up that no cancellation breaks off. Calls that nobody waits for any more are
    /// waited for, or a thread that is at one would write on.
    func empty() async {
        let call = FileCall.truncate(fileDescriptor, size: 0)
        if calls > 0 {
            if loop.ready.pointee.isClosing {
                idleActions.append { [loop] in UVFileRequest(call, on: loop.uv).runNow { _ in } }
                return
            }
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                idleActions.append { [loop] in loop.ready.pointee.ring.push(.resume(continuation)) }
            }
        }
        await loop.fileCallToEnd(call) { _ in }
    }

    // MARK: - The end

    /// Closes the file, once calls that a thread is at have ended. Closing twice does nothing the second time.
    ///
    /// Calls that wait for a thread of the pool are made before. Of a pipe, a device or a terminal, calls may never end: if one
    /// is under way, this returns at once, and the descriptor is closed when the call ends.
    ///
    /// **Cancellation:** does not break this off: the descriptor is closed when this returns. The task gets the cancellation at
    /// its next wait.
    ///
    /// - Throws: ``IOError``, for example `.noSpace` on file systems that find out late: what was written may be lost then.
    ///
    /// asyncio: file.close · libuv: uv_fs_close
    public func close() async throws {
        loop.canTouch("AsyncFile.close")
        switch phase {
        case .closed: return
        case .open:
            phase = .closing
            if calls == 0 {
                if loop.ready.pointee.isClosing { closeNow() } else { closeDescriptor() }
            }
        case .closing: break
        }
        if calls > 0, !canSeek { return }
        if case .closing = phase {
            if loop.ready.pointee.isClosing { throw CancellationError() }
            await withUnsafeContinuation { closeWaiters.append($0) }
        }
        if case .closed(let error?) = phase { throw error }
    }

    private func closeDescriptor() {
        loop.fileCallInBackground(.close(fileDescriptor)) { [self] in didClose($0) }
    }

    private func closeNow() { UVFileRequest(.close(fileDescriptor), on: loop.uv).runNow { didClose($0) } }

    private func didClose(_ request: UVFileRequest) {
        phase = .closed(request.result < 0 ? IOError(request, path) : nil)
        readAhead.removeAll()
        let waiters = closeWaiters
        closeWaiters = []
        for waiter in waiters { loop.ready.pointee.ring.push(.resume(waiter)) }
    }
}

extension EventLoop {
    /// Closes the descriptor of a file that was dropped open; asyncio: ResourceWarning.
    fileprivate func closeForgottenFile(_ descriptor: Int32, _ path: String) {
        fileCallInBackground(.close(descriptor))
        if debug { callExceptionHandler(ExceptionContext(message: "unclosed file \(path)")) }
    }
}
