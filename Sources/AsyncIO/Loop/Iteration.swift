// One iteration: what happens before the poll, and the rounds of callbacks after it.

/// How much may run between two polls of the operating system.
enum IterationBudget {
    /// Rounds go on without a poll until this many callbacks have run. A single round is never cut short.
    static let callbacks = 64
    /// The clock is read after so many callbacks, for timers and for the next bound.
    static let clockInterval = 8
    /// Rounds do not go on for longer than this.
    static let nanoseconds: Int64 = 500_000
}

extension EventLoop {
    /// Just before the poll: takes in what other threads posted and decides whether and how long to wait.
    func prepareToPoll() {
        if ready.pointee.ring.isEmpty && !stopping {
            dropDeadTimers()
            executor.inbox.drain(into: ready, willWait: true)
            armTimer()
        }
        if ready.pointee.ring.isEmpty && !stopping { handles.idle.stop() } else { handles.idle.start() }
        ready.pointee.polls = true
    }

    /// Just after the poll: runs what is ready.
    func runAfterPoll() {
        ready.pointee.polls = false
        executor.inbox.drain(into: ready, willWait: false)
        var now = timers.isEmpty ? 0 : readClock()
        moveDueTimers()
        var budget = IterationBudget.callbacks
        var sinceClock = 0
        var end = Int64.max
        while true {
            let count = ready.pointee.ring.count
            runRound(count)
            if stopping || interruption != nil || ready.pointee.ring.isEmpty && timers.isEmpty { break }
            budget -= count
            sinceClock += count
            if budget <= 0 { break }
            if sinceClock >= IterationBudget.clockInterval {
                sinceClock = 0
                now = readClock()
                if end == .max { end = now + IterationBudget.nanoseconds }
                if now > end { break }
            }
            moveDueTimers()
            if ready.pointee.ring.isEmpty { break }
        }
        if stopping || interruption != nil { uv.stop() }
    }

    /// Makes the timers ready that are due by the last reading of the clock.
    @inline(__always)
    private func moveDueTimers() {
        while timers.earliest <= ready.pointee.lastClock {
            let timer = timers.removeFirst()
            timer.leaveHeap()
            if timer.isDead { timers.deadEntryLeft() } else { ready.pointee.ring.push(.timer(timer)) }
        }
    }

    private func dropDeadTimers() {
        while !timers.isEmpty, timers.first.isDead {
            timers.removeFirst().leaveHeap()
            timers.deadEntryLeft()
        }
    }

    /// Arms libuv's timer for the earliest deadline, rounded up to its milliseconds.
    private func armTimer() {
        let earliest = timers.earliest
        guard earliest != .max else {
            if armedDeadline != .max { handles.timer.stop() }
            armedDeadline = .max
            return
        }
        guard earliest != armedDeadline || !handles.timer.isActive else { return }
        armedDeadline = earliest
        let now = readClock()
        guard earliest > now else { return handles.timer.start(milliseconds: 0) }
        handles.timer.start(milliseconds: UInt64(min((earliest - now + 999_999) / 1_000_000, 86_400_000)))
    }

    /// Runs the first `count` entries of the ready queue, and nothing that they add.
    @inline(__always)
    private func runRound(_ count: Int) {
        if _slowPath(remembersOrigins) { return runRoundMeasured(count) }
        if _slowPath(interruption != nil) { return }
        for _ in 0..<count {
            perform(ready.pointee.ring.pop())
            if _slowPath(interruption != nil) { return }
        }
    }

    private func runRoundMeasured(_ count: Int) {
        if interruption != nil { return }
        for _ in 0..<count {
            let ticket = ready.pointee.ring.head
            let entry = ready.pointee.ring.pop()
            let origin = origins?.removeValue(forKey: ticket)
            measure(entry, origin: origin) { perform(entry, origin: origin) }
            if interruption != nil { return }
        }
    }

    /// Runs one entry. An error of a callback is reported and does not come out of here.
    @inline(__always)
    func perform(_ entry: consuming ReadyEntry, origin: SourceLocation? = nil) {
        switch consume entry {
        case .callback(let callback):
            do { try callback() } catch { callbackFailed(error, handle: nil, origin: origin) }
        case .job(let job):
            run(job)
        case .isolatedJob(let job):
            job.runSynchronously(
                isolatedTo: executor.asUnownedSerialExecutor(), taskExecutor: executor.asUnownedTaskExecutor())
        case .resume(let continuation):
            if let job = ReadyQueue.resume(continuation, in: ready) { run(job) }
        case .timer(let timer):
            switch timer.takeAction() {
            case .callback(let callback):
                do { try callback() } catch { callbackFailed(error, handle: timer, origin: timer.timerOrigin) }
            case .sleeper(let continuation):
                ready.pointee.ring.push(.resume(continuation))
            case .none: break
            }
        case .posted(let place):
            performPosted(place, origin)
        case .cancelled:
            break
        }
    }

    /// Not inlined: callbacks of the loop's own thread would pay for its registers.
    @inline(never)
    private func performPosted(_ place: PostedCallback.Reference, _ origin: SourceLocation?) {
        do { try PostedCallback.perform(place, on: self) } catch { callbackFailed(error, handle: nil, origin: origin) }
    }

    /// Runs a part of a task, and what has to go on in the same turn.
    @inline(__always)
    private func run(_ job: UnownedJob) {
        job.runSynchronously(on: executor.asUnownedTaskExecutor())
        while _slowPath(ready.pointee.followUp != nil), let next = ready.pointee.followUp {
            ready.pointee.followUp = nil
            next.runSynchronously(on: executor.asUnownedTaskExecutor())
        }
    }

    /// Lets a task go on that input woke. If nothing is ahead of it that is now, inside of libuv's callback, while what came
    /// is still in the processor's cache; else in its turn. The caller returns to libuv right after this.
    @inline(__always)
    func resumeAfterInput(_ continuation: UnsafeContinuation<Void, Never>) {
        guard ready.pointee.polls, ready.pointee.ring.isEmpty, !remembersOrigins, !stopping, interruption == nil else {
            ready.pointee.ring.push(.resume(continuation))
            return
        }
        ready.pointee.polls = false
        perform(.resume(continuation))
        ready.pointee.polls = true
    }

    /// Lets go of every timer without running it.
    func forgetTimers() {
        while !timers.isEmpty { timers.removeFirst().abandon() }
    }
}
