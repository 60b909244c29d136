// The Sendable face of a loop: where other threads, tasks and actors get in.

import Synchronization

/// Runs jobs and callbacks on a loop's thread. Sendable: this is what you hand to other threads.
///
/// It can be the executor of an actor (`unownedExecutor`), the preference of a task
/// (`Task(executorPreference:)`), and it takes callbacks from any thread. Whoever backs an actor with it keeps it
/// alive, as Swift's unowned executors demand: store it in the actor.
///
/// libuv: uv_async_t
public final class LoopExecutor: TaskExecutor, SerialExecutor {
    // SAFETY: touched by the loop's thread only, which `isOnLoopThread` asks for.
    nonisolated(unsafe) let ready: UnsafeMutablePointer<ReadyQueue>
    let inbox = Inbox()
    /// The thread that is inside `run`, as a number; 0 while none is.
    private let runningThread = Atomic<UInt>(0)
    private let ledger = PthreadLock()
    // SAFETY: all three are only touched while holding `ledger`.
    private nonisolated(unsafe) var orphans: [UInt: String] = [:]
    private nonisolated(unsafe) var openCalls: [ObjectIdentifier: any RemoteCall] = [:]
    private nonisolated(unsafe) var callsEnded = false

    init() {
        ready = .allocate(capacity: 1)
        ready.initialize(to: ReadyQueue())
    }

    deinit {
        ready.deinitialize(count: 1)
        ready.deallocate()
    }

    /// Whether the calling thread runs the loop now.
    @inline(__always)
    var isOnLoopThread: Bool { runningThread.load(ordering: .relaxed) == ThreadIdentity.current.rawValue }

    /// Whether any thread runs the loop now.
    var isRunning: Bool { runningThread.load(ordering: .relaxed) != 0 }

    func enter() { runningThread.store(ThreadIdentity.current.rawValue, ordering: .releasing) }
    func leave() { runningThread.store(0, ordering: .releasing) }

    // The runtime enqueues through two doors, and what it enqueues has to be run in two ways: a job that is
    // to run isolated to an actor would be sent back for ever without that isolation, and a plain job with it would
    // be enqueued once more by every nonisolated function that it calls.

    /// Takes a job of a task that prefers this executor. Called by the Swift runtime, not by you.
    @_implements(TaskExecutor,enqueue(_:))
    public func enqueuePreferred(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isOnLoopThread {
            ready.pointee.enqueue(job)
        } else if !inbox.post(.job(job)) {
            reportOrphan(job)
        }
    }

    /// Takes a job of an actor that is backed by this executor. Called by the Swift runtime, not by you.
    @_implements(SerialExecutor,enqueue(_:))
    public func enqueueIsolated(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isOnLoopThread {
            ready.pointee.ring.push(.isolatedJob(job))
        } else if !inbox.post(.isolatedJob(job)) {
            reportOrphan(job)
        }
    }

    /// Takes a job from code that calls an executor directly.
    public func enqueue(_ job: consuming ExecutorJob) { enqueuePreferred(job) }

    /// Traps unless the calling code runs on the loop.
    public func checkIsolated() {
        precondition(isOnLoopThread, "This code is isolated to an event loop, but does not run on that loop's thread.")
    }

    /// Whether the calling code runs on the loop, in a task or in a plain callback.
    public func isIsolatingCurrentContext() -> Bool? { isOnLoopThread }

    /// This executor for Swift's runtime.
    public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// This executor for Swift's runtime.
    public func asUnownedTaskExecutor() -> UnownedTaskExecutor { UnownedTaskExecutor(ordinary: self) }

    /// Schedules a callback from any thread; it is called with the loop, on the loop's thread.
    ///
    /// Calls of one thread keep their order. From the loop's own thread this is `callSoon`. What the callback
    /// captures moves to the loop's thread: the compiler rejects going on using it outside.
    ///
    /// - Throws: ``EventLoopError`` `.closed` if the loop has closed or is closing.
    ///
    /// asyncio: loop.call_soon_threadsafe · libuv: uv_async_send
    @discardableResult
    @inlinable
    public func callSoonThreadsafe(
        _ callback: consuming sending @escaping (EventLoop) throws -> Void
    ) throws -> ThreadsafeHandle {
        ThreadsafeHandle(self, try post(callback))
    }

    @usableFromInline
    func post(_ callback: consuming sending @escaping (EventLoop) throws -> Void) throws -> PostedReference {
        if isOnLoopThread && !ready.pointee.isClosing {
            let (place, state) = inbox.place(callback)
            ready.pointee.ring.push(.posted(place))
            return PostedReference(place, state: state)
        }
        guard let posted = inbox.post(callback) else { throw EventLoopError.closed }
        return posted
    }

    /// Calls `body` on the loop's thread: now, if this is it. After the end of the loop nothing happens.
    func onLoopThread(_ body: @escaping @Sendable () -> Void) {
        if isOnLoopThread { body() } else { _ = try? callSoonThreadsafe { _ in body() } }
    }

    // MARK: - After the end

    /// Remembers the tasks that are still suspended when the loop has closed, to name them if they are resumed.
    func setOrphans(_ tasks: [UInt: String]) { ledger.withLock { orphans = tasks } }

    private func reportOrphan(_ job: UnownedJob) {
        let identity = UInt(bitPattern: SwiftTaskIdentity.of(job))
        let name = ledger.withLock { orphans[identity] } ?? "A Swift task"
        StandardError.print(
            "\(name) was resumed after its event loop had been closed. It will never go on; "
                + "cancel and await tasks before closing their loop.")
    }

    /// An entry of a loop that is gone without having been closed.
    func drop(_ entry: consuming ReadyEntry) {
        switch consume entry {
        case .job(let job), .isolatedJob(let job): reportOrphan(job)
        case .posted(let place): PostedCallback.discard(place)
        case .timer(let timer): timer.abandon()
        case .callback, .resume, .cancelled: break
        }
    }

    /// Enters a call that somebody outside waits for; false if the loop has closed.
    func open(_ call: any RemoteCall) -> Bool {
        ledger.withLock {
            if !callsEnded { openCalls[ObjectIdentifier(call)] = call }
            return !callsEnded
        }
    }

    func end(_ call: any RemoteCall) { _ = ledger.withLock { openCalls.removeValue(forKey: ObjectIdentifier(call)) } }

    /// The loop has closed: whoever still waits for an answer gets an error.
    func failOpenCalls() {
        let calls = ledger.withLock {
            callsEnded = true
            defer { openCalls = [:] }
            return Array(openCalls.values)
        }
        for call in calls { call.loopDidClose() }
    }
}

/// A call into the loop from outside, whose caller waits for the answer.
protocol RemoteCall: AnyObject, Sendable {
    func loopDidClose()
}
