// Scheduling: callbacks for the next round, and for a point in time.

extension EventLoop {
    /// Schedules a callback for the next round. Callbacks run in the order in which they were scheduled.
    ///
    /// An error that it throws goes to the exception handler. On a closed loop the callback is dropped, the mistake
    /// is reported, and the handle is a cancelled one.
    ///
    /// asyncio: loop.call_soon · libuv: uv_check_t, uv_idle_t
    @inlinable
    @discardableResult
    public func callSoon(
        fileID: StaticString = #fileID, line: UInt = #line, _ callback: @escaping () throws -> Void
    ) -> Handle {
        let ticket = pushReady(callback)
        if _slowPath(remembersOrigins) { rememberOrigin(ticket, SourceLocation(fileID: fileID, line: line)) }
        return Handle(ReadyHandleReference(loop: self, ticket: ticket))
    }

    @usableFromInline
    func pushReady(_ callback: @escaping () throws -> Void) -> Int {
        guard canSchedule("callSoon") else { return -1 }
        return ready.pointee.ring.push(.callback(callback))
    }

    @usableFromInline
    func rememberOrigin(_ ticket: Int, _ origin: SourceLocation) { if ticket >= 0 { origins?[ticket] = origin } }

    func withdrawReady(ticket: Int) {
        guard canTouch("Handle.cancel") else { return }
        _ = ready.pointee.ring.replace(ticket, with: .cancelled)
        origins?[ticket] = nil
    }

    /// Schedules a callback for `delay` from now, never earlier. Zero and negative delays run in the next round,
    /// still in the order of their deadlines.
    ///
    /// asyncio: loop.call_later · libuv: uv_timer_t
    @discardableResult
    public func callLater(
        after delay: Duration, fileID: StaticString = #fileID, line: UInt = #line,
        _ callback: @escaping () throws -> Void
    ) -> TimerHandle {
        schedule(
            callback, at: time().advanced(by: delay), call: "callLater",
            origin: remembersOrigins ? SourceLocation(fileID: fileID, line: line) : nil)
    }

    /// Schedules a callback for a point in time. Equal deadlines run in the order in which they were scheduled; one
    /// that has passed runs in the next round.
    ///
    /// asyncio: loop.call_at · libuv: uv_timer_t
    @discardableResult
    public func callAt(
        _ when: Instant, fileID: StaticString = #fileID, line: UInt = #line, _ callback: @escaping () throws -> Void
    ) -> TimerHandle {
        readClock()
        return schedule(
            callback, at: when, call: "callAt",
            origin: remembersOrigins ? SourceLocation(fileID: fileID, line: line) : nil)
    }

    private func schedule(
        _ callback: @escaping () throws -> Void, at when: Instant, call: StaticString, origin: SourceLocation?
    ) -> TimerHandle {
        guard canSchedule(call) else {
            let dead = TimerHandle(when: when, .none, loop: nil, origin: origin)
            dead.cancel()
            return dead
        }
        let handle = TimerHandle(when: when, .callback(callback), loop: self, origin: origin)
        timers.insert(handle, deadline: when.nanoseconds)
        return handle
    }

    /// A timer in the heap was cancelled.
    func timerDied() {
        guard canTouch("TimerHandle.cancel") else { return }
        timers.entryDied()
        if timers.wantsCompaction {
            timers.compact { timer in
                if timer.isDead { timer.leaveHeap() }
                return timer.isDead
            }
        }
    }

    // MARK: - The right thread

    /// Whether something may be scheduled: this is the loop's thread and the loop is open.
    @inline(__always)
    func canSchedule(_ call: StaticString) -> Bool {
        if _fastPath(executor.isOnLoopThread && phase == .running) { return true }
        return canScheduleWhileNotRunning(call)
    }

    @inline(never)
    private func canScheduleWhileNotRunning(_ call: StaticString) -> Bool {
        guard canTouch(call) else { return false }
        if phase == .closed || phase == .closing {
            callExceptionHandler(
                ExceptionContext(message: "\(call): Event loop is closed", exception: EventLoopError.closed))
            return false
        }
        // What was posted before comes before.
        if phase == .idle { executor.inbox.drain(into: ready, willWait: false) }
        return true
    }

    /// Stops the program if another thread runs this loop.
    @inline(__always)
    @discardableResult
    func canTouch(_ call: StaticString) -> Bool {
        if _fastPath(executor.isOnLoopThread) { return true }
        return canTouchWhileNotRunning(call)
    }

    /// The same for code that is inlined elsewhere.
    @usableFromInline
    func checkThread(_ call: StaticString) { canTouch(call) }

    @inline(never)
    private func canTouchWhileNotRunning(_ call: StaticString) -> Bool {
        precondition(
            !executor.isRunning,
            """
            EventLoop.\(call) was called on a thread other than the one that runs the loop. Loops and what belongs to \
            them stay on their thread: use loop.executor.callSoonThreadsafe { loop in … } or \
            await loop.executor.run { loop in … } from elsewhere.
            """)
        return true
    }
}
