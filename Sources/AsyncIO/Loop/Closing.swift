// The end of a loop: nothing is lost silently.

extension EventLoop {
    /// How many entries of the ready queue the unwinding of left-over tasks may take, and some more for each task.
    private static let unwindingBudget = 100_000
    /// After so many waits that it was refused one after the other a task is taken for one that never ends.
    private static let refusedWaits = 100_000

    /// Frees everything. Callbacks and timers that have not run are dropped.
    ///
    /// Tasks that have not ended are reported ("Task was destroyed but it is pending!") and unwound: the await that
    /// they are in, and every later one in the library, throws `CancellationError`, so that their `defer` blocks run.
    /// Work that was given to libuv's pool is waited for. Closing a closed loop does nothing.
    ///
    /// - Throws: ``EventLoopError`` `.alreadyRunning` if the loop runs.
    ///
    /// asyncio: loop.close · libuv: uv_loop_close
    public func close() throws {
        if phase == .closed || phase == .closing { return }
        canTouch("close")
        guard phase == .idle else { throw EventLoopError(.alreadyRunning, "Cannot close a running event loop") }
        phase = .closing
        executor.inbox.close(into: ready)
        ready.pointee.isClosing = true
        asRunningLoop {
            forgetTimersExceptSleepers()
            unwindTasks()
        }
        forgetTimers()
        for attachment in slots.attachments { attachment.loopWillClose() }
        closeHandles()
        asRunningLoop { discardReadyEntries() }
        phase = .closed
        reportTasksThatNeverEnd()
        executor.failOpenCalls()
        for attachment in slots.attachments { attachment.loopDidClose() }
        slots.removeAttachments()
        // Handlers stay, for what is still reported; a factory has nothing to make any more.
        slots.taskFactory = nil
    }

    private func forgetTimersExceptSleepers() {
        // What the callbacks hold goes away after the heap is in order again: it may cancel other timers.
        var dropped: [TimerHandle.Action] = []
        timers.compact { timer in
            if case .sleeper = timer.action { return false }
            dropped.append(timer.abandon())
            return true
        }
        dropped.removeAll()
    }

    /// Cancels every task that is left, and runs tasks, and nothing else, until they have ended.
    private func unwindTasks() {
        for task in distinctTasks where task.isListed && !task.isDone {
            var context = ExceptionContext(message: "Task was destroyed but it is pending!")
            context.taskName = task.name
            context.origin = task.origin
            context.subject = task
            callExceptionHandler(context)
        }
        for task in distinctTasks where !task.isDone { task.cancel() }
        for (identity, suspension) in foreignWaits { suspension.release(waiter: identity) }
        discardReadyEntries()
    }

    /// What every wait does once the loop closes: it throws. A task that goes on for ever all the same is left where it
    /// is, for nothing else could run beside it.
    func refuseToWait() async throws {
        let waiter = SwiftTaskIdentity.current
        unwinding = (waiter, waiter == unwinding.waiter ? unwinding.waits + 1 : 1)
        if unwinding.waits <= Self.refusedWaits { throw CancellationError() }
        unwinding = (nil, 0)
        await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
    }

    private func discardReadyEntries() {
        var budget = Self.unwindingBudget + 16 * tasks.count
        while budget > 0, !ready.pointee.ring.isEmpty {
            budget -= 1
            discard(ready.pointee.ring.pop())
        }
    }

    /// Drops a callback; lets a task go on, which is the only way to free it.
    private func discard(_ entry: consuming ReadyEntry) {
        switch consume entry {
        case .job(let job): perform(.job(job))
        case .isolatedJob(let job): perform(.isolatedJob(job))
        case .resume(let continuation): perform(.resume(continuation))
        case .timer(let timer):
            if case .sleeper(let continuation) = timer.takeAction() { perform(.resume(continuation)) }
        case .posted(let place): PostedCallback.discard(place)
        case .callback, .cancelled: break
        }
    }

    private func closeHandles() {
        handles.disconnect()
        mainQueuePoll = nil
        Self.closeAll(of: uv)
        assert(uv.openHandles.isEmpty, "handles were left open: \(uv.openHandles)")
        assert(uv.requestCount == 0, "\(uv.requestCount) requests were left open")
    }

    /// Tasks that wait for somebody else's continuation cannot be unwound: they are named here and when resumed.
    private func reportTasksThatNeverEnd() {
        var orphans: [UInt: String] = [:]
        for (identity, task) in tasks.entries {
            let name = "Task \"\(task.name)\" created at \(task.origin)"
            orphans[identity] = name
            StandardError.print(
                "\(name) waits outside of its event loop, which has closed, or took no notice of that; it will never go on."
            )
        }
        executor.setOrphans(orphans)
    }
}
