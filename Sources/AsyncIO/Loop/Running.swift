// Running and stopping, and which loop runs or is set on a thread.

private let runningLoops = ThreadLocal<EventLoop>()
private let currentLoops = ThreadLocal<EventLoop>()

extension EventLoop {
    /// The loop that runs on this thread.
    ///
    /// The result has no region that the compiler could check, so whoever carries it elsewhere meets the check at run
    /// time instead.
    ///
    /// - Throws: ``EventLoopError`` `.noRunningLoop`.
    ///
    /// asyncio: get_running_loop
    public static var running: EventLoop {
        get throws {
            guard let loop = runningLoops.value else { throw EventLoopError.noRunningLoop }
            return loop
        }
    }

    /// The loop that runs on this thread, else the one that ``setCurrent(_:)`` set for it.
    ///
    /// - Throws: ``EventLoopError`` `.noCurrentLoop`.
    ///
    /// asyncio: get_event_loop
    public static var current: EventLoop {
        get throws {
            if let loop = runningLoops.value ?? currentLoops.value { return loop }
            throw EventLoopError(.noCurrentLoop, "There is no current event loop in this thread")
        }
    }

    /// Sets the loop that ``current`` returns on this thread while none runs; nil unsets it.
    ///
    /// asyncio: set_event_loop
    public static func setCurrent(_ loop: EventLoop?) { currentLoops.set(loop) }

    /// Runs until ``stop()`` is called. If it was called before, exactly one pass is made.
    ///
    /// - Throws: ``EventLoopError`` `.closed`, or `.alreadyRunning` if this loop or another one runs on this
    ///   thread; ``KeyboardInterrupt`` if a callback or task let one out.
    ///
    /// asyncio: loop.run_forever · libuv: uv_run
    public func runForever() throws {
        try checkCanRun()
        phase = .running
        executor.enter()
        runningLoops.set(self)
        executor.inbox.drain(into: ready, willWait: false)
        do {
            defer {
                runningLoops.set(nil)
                ready.pointee.polls = false
                try? mainQueuePoll?.watch([])
                executor.leave()
                phase = .idle
                stopping = false
            }
            try serveMainQueueIfOnMainThread()
            // A stop that came inside a nested call of libuv's must not end the run early.
            repeat { uv.run() } while !stopping && interruption == nil
        }
        if let interruption {
            self.interruption = nil
            throw interruption
        }
    }

    /// Ends the run after the current pass: what is ready now still runs, what that adds waits for the next run.
    ///
    /// Call it from the loop's thread; from elsewhere, `executor.callSoonThreadsafe { $0.stop() }`.
    ///
    /// asyncio: loop.stop · libuv: uv_stop
    public func stop() {
        canTouch("stop")
        stopping = true
    }

    /// Throws unless the loop can start to run here.
    func checkCanRun() throws {
        if phase == .closed || phase == .closing { throw EventLoopError.closed }
        if phase == .running || executor.isRunning {
            throw EventLoopError(.alreadyRunning, "This event loop is already running")
        }
        if runningLoops.value != nil {
            throw EventLoopError(.alreadyRunning, "Cannot run the event loop while another loop is running")
        }
    }

    /// A loop on the main thread also serves the main dispatch queue, so that `@MainActor` code goes on.
    private func serveMainQueueIfOnMainThread() throws {
        guard System.isMainThread, let descriptor = MainDispatchQueue.descriptor else { return }
        if mainQueuePoll == nil {
            mainQueuePoll = try UVPoll(on: uv, descriptor: descriptor) { _, _ in MainDispatchQueue.drain(descriptor) }
        }
        try mainQueuePoll?.watch(.readable)
    }

    /// Runs `body` as if the loop ran: tasks that are unwound at the end find it.
    func asRunningLoop(_ body: () -> Void) {
        let before = runningLoops.value
        runningLoops.set(self)
        executor.enter()
        defer {
            executor.leave()
            runningLoops.set(before)
        }
        body()
    }
}
