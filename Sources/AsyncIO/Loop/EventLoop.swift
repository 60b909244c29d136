// The event loop: what it is made of, and its birth.

/// An event loop: runs callbacks, timers and tasks on one thread.
///
/// A loop is not `Sendable`, nor is anything that belongs to it: the compiler rejects touching them from another
/// thread. ``executor`` is the one face of the loop that other threads may hold.
///
/// ```swift
/// let loop = try EventLoop()
/// loop.callSoon { print("hello"); loop.stop() }
/// try loop.runForever()
/// try loop.close()
/// ```
///
/// asyncio: EventLoop · libuv: uv_loop_t
public final class EventLoop {
    enum Phase {
        case idle
        case running
        case closing
        case closed
    }

    /// How a loop is set up.
    public struct Configuration: Sendable {
        /// Debug mode; nil takes it from the environment: `ASYNCIO_DEBUG=1`.
        public var debug: Bool?
        /// In debug mode, callbacks and steps of tasks that take this long are reported.
        public var slowCallbackDuration: Duration

        /// Creates a configuration.
        public init(debug: Bool? = nil, slowCallbackDuration: Duration = .milliseconds(100)) {
            self.debug = debug
            self.slowCallbackDuration = slowCallbackDuration
        }
    }

    /// The loop for other threads: posts callbacks, runs tasks and actors. Sendable.
    public let executor: LoopExecutor

    // SAFETY: owned by `executor`, which lives as long as this object.
    let ready: UnsafeMutablePointer<ReadyQueue>
    let uv: UVLoop
    let handles: PhaseHandles
    let slots = LoopSlots()
    // Only accessed in single steps on the loop's thread.
    @exclusivity(unchecked) var phase = Phase.idle
    @exclusivity(unchecked) var stopping = false
    /// An error that leaves the run at once, in the manner of Python's KeyboardInterrupt.
    @exclusivity(unchecked) var interruption: (any Error)?
    @exclusivity(unchecked) var timers = DeadlineHeap<TimerHandle>()
    @exclusivity(unchecked) var armedDeadline = Int64.max
    @exclusivity(unchecked) var tasks = PointerTable<any ScheduledTask>()
    /// How many tasks the loop has had.
    @exclusivity(unchecked) var tasksCreated = 0
    /// What Swift tasks wait for that are none of the loop's own, by their identity.
    @exclusivity(unchecked) var foreignWaits: [UnsafeRawPointer: any Suspension] = [:]
    /// While the loop closes: the Swift task that gave up waiting last, and how often one after the other.
    @exclusivity(unchecked) var unwinding: (waiter: UnsafeRawPointer?, waits: Int) = (nil, 0)
    /// Where the callbacks in the ready queue come from, by ticket; only in debug mode.
    var origins: [Int: SourceLocation]?
    var mainQueuePoll: UVPoll?

    /// Reports to this instead of ``defaultExceptionHandler(_:)`` what nobody else can catch: errors of
    /// callbacks and of tasks that are never awaited. An error that the handler throws is reported too.
    ///
    /// asyncio: loop.set_exception_handler, loop.get_exception_handler
    public var exceptionHandler: ((EventLoop, ExceptionContext) throws -> Void)?

    /// Gets the slow callbacks of debug mode; nil prints them to standard error.
    public var slowCallbackHandler: ((SlowCallback) -> Void)?

    /// In debug mode, callbacks and steps of tasks that take this long or longer are reported.
    ///
    /// asyncio: loop.slow_callback_duration
    public var slowCallbackDuration: Duration

    /// Debug mode: reports slow callbacks, and remembers where callbacks were scheduled. It may be switched while
    /// the loop runs.
    ///
    /// asyncio: loop.set_debug, loop.get_debug
    public var debug: Bool {
        didSet {
            guard debug != oldValue else { return }
            remembersOrigins = debug
            origins = debug ? [:] : nil
        }
    }

    /// The same as ``debug``, where inlined code can read it.
    @usableFromInline
    @exclusivity(unchecked) private(set) var remembersOrigins: Bool

    /// Creates a loop. It is not set as the current one.
    ///
    /// - Throws: ``IOError`` when the system has no descriptors left for it.
    ///
    /// asyncio: new_event_loop · libuv: uv_loop_init
    public init(configuration: Configuration = .init()) throws {
        uv = try UVLoop()
        executor = LoopExecutor()
        ready = executor.ready
        do {
            handles = try PhaseHandles(on: uv)
        } catch {
            Self.closeAll(of: uv)
            throw error
        }
        slowCallbackDuration = configuration.slowCallbackDuration
        debug = configuration.debug ?? (System.environment("ASYNCIO_DEBUG").map { $0 != "" && $0 != "0" } ?? false)
        remembersOrigins = debug
        origins = debug ? [:] : nil
        handles.connect(to: self)
        executor.inbox.connect(handles.wake.waker)
        readClock()
    }

    deinit {
        guard phase != .closed else { return }
        StandardError.print("An event loop was dropped without close(): its callbacks and timers are lost.")
        forgetTimers()
        handles.disconnect()
        executor.inbox.close(into: ready)
        ready.pointee.isClosing = true
        while !ready.pointee.ring.isEmpty { executor.drop(ready.pointee.ring.pop()) }
        executor.failOpenCalls()
        Self.closeAll(of: uv)
    }

    /// Closes whatever is open on a libuv loop that nobody will run again, and the loop; waits for work in the pool.
    static func closeAll(of uv: UVLoop) {
        uv.closeRemainingHandles()
        while (try? uv.close()) == nil { uv.runOnce() }
    }

    /// Whether the loop runs now.
    ///
    /// asyncio: loop.is_running
    public var isRunning: Bool { phase == .running }

    /// Whether the loop has been closed.
    ///
    /// asyncio: loop.is_closed
    public var isClosed: Bool { phase == .closed }

    /// Now, on the loop's clock: read fresh, in nanoseconds.
    ///
    /// asyncio: loop.time · libuv: uv_hrtime
    public func time() -> Instant { Instant(nanoseconds: readClock()) }

    /// Reads the clock, and notes that timers up to now are due.
    @inline(__always)
    @discardableResult
    func readClock() -> Int64 {
        let now = System.nanoseconds
        ready.pointee.lastClock = now
        return now
    }

    /// The version of libuv that the program runs with.
    public static var libuvVersion: String { System.libuvVersion }
}

/// The libuv handles that every loop has.
final class PhaseHandles {
    let wake: UVAsync
    let idle: UVIdle
    let timer: UVTimer
    private let prepare: UVPrepare
    private let check: UVCheck

    init(on uv: UVLoop) throws {
        wake = try UVAsync(on: uv)
        idle = try UVIdle(on: uv)
        timer = try UVTimer(on: uv)
        prepare = try UVPrepare(on: uv, loopWillPoll)
        check = try UVCheck(on: uv, loopDidPoll)
    }

    /// The handles do not keep the loop alive: it disconnects in `deinit`, before it goes away.
    func connect(to loop: EventLoop) {
        // SAFETY: as said; the two functions below are the only ones that use it.
        let context = Unmanaged.passUnretained(loop).toOpaque()
        prepare.context = context
        check.context = context
    }

    func disconnect() {
        prepare.context = nil
        check.context = nil
    }
}

private func loopWillPoll(_ context: UnsafeMutableRawPointer) {
    // SAFETY: the context is a loop that is connected, and that runs: whoever runs it keeps it alive.
    Unmanaged<EventLoop>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.prepareToPoll() }
}

private func loopDidPoll(_ context: UnsafeMutableRawPointer) {
    // SAFETY: as for `loopWillPoll`.
    Unmanaged<EventLoop>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.runAfterPoll() }
}

/// State of an upper layer that lives as long as its loop.
protocol LoopAttachment: AnyObject {
    /// The loop begins to close its handles: the last moment to use them.
    func loopWillClose()
    /// The loop has closed: lets go of what would keep itself alive.
    func loopDidClose()
}

extension LoopAttachment {
    func loopWillClose() {}
}

/// What upper layers keep with a loop.
final class LoopSlots {
    @exclusivity(unchecked) var taskFactory: AnyObject?
    @exclusivity(unchecked) var generators: (any LoopAttachment)?
    @exclusivity(unchecked) var blocking: (any LoopAttachment)?
    @exclusivity(unchecked) var network: (any LoopAttachment)?
    @exclusivity(unchecked) var signals: (any LoopAttachment)?
    @exclusivity(unchecked) var processes: (any LoopAttachment)?
    @exclusivity(unchecked) var files: (any LoopAttachment)?
    var dumpSignal: AnyObject?

    /// Each of the layers that have state here.
    var attachments: [any LoopAttachment] {
        [generators, blocking, processes, files, signals, network].compactMap { $0 }
    }

    func removeAttachments() {
        generators = nil
        blocking = nil
        processes = nil
        files = nil
        signals = nil
        network = nil
    }
}
