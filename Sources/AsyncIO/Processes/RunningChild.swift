// A child process from its start to the end that the loop has heard of, and what the loop keeps about all of them.

/// A child process: who waits for it, and how it ended.
final class RunningChild {
    let loop: EventLoop
    let pid: Int32
    /// It lives on when the loop is closed.
    let isDetached: Bool
    /// The exit status; negative for the number of the signal that ended it; nil while it runs.
    @exclusivity(unchecked) private(set) var returnCode: Int32?
    @exclusivity(unchecked) private var handle: UVProcess?
    @exclusivity(unchecked) private var waiters = Waiters()
    /// Called once, when it has ended.
    @exclusivity(unchecked) var whenEnded: (() -> Void)?

    /// What asyncio says when somebody else has taken the status.
    private static let unknownStatus: Int32 = 255

    /// Starts a child.
    ///
    /// - Throws: ``IOError``; then there is no child.
    init(loop: EventLoop, _ options: SpawnOptions, isDetached: Bool) throws {
        self.loop = loop
        self.isDetached = isDetached
        try loop.processState.watchForEnds(loop)
        let link = Link()
        defer { loop.processState.stopWatchingIfIdle() }
        let handle = try UVProcess(on: loop.uv, options) { status, signal in
            link.child?.end(signal > 0 ? -signal : Int32(truncatingIfNeeded: status))
        }
        self.handle = handle
        pid = handle.pid
        link.child = self
        // From here to its end the loop keeps the child alive.
        loop.processState.children[pid] = self
    }

    private final class Link {
        unowned(unsafe) var child: RunningChild?  // SAFETY: the loop's state holds the child until its end.
    }

    private func end(_ code: Int32) {
        guard returnCode == nil else { return }
        returnCode = code
        handle = nil
        loop.slots.processes.map { unsafeDowncast($0, to: ProcessState.self) }?.childDidEnd(self)
        waiters.wakeAll()
        let whenEnded = self.whenEnded
        self.whenEnded = nil
        whenEnded?()
    }

    /// Waits for the end. Several tasks may wait; cancelling one of them does not touch the child.
    func wait() async throws -> Int32 {
        loop.canTouch("ChildProcess.wait")
        while true {
            if let returnCode { return returnCode }
            try await loop.wait(in: \.waiters, of: self)
        }
    }

    /// Waits for the end, whatever becomes of the task that waits; only the end of the loop breaks this off.
    func waitRegardless() async {
        while returnCode == nil, !loop.ready.pointee.isClosing {
            let ended = loop.createFuture(of: Void.self)
            waiters.append(ended)
            await withUnsafeContinuation { continuation in ended.addObserver(.task(continuation)) }
            waiters.remove(ended)
        }
    }

    /// Sends a signal; after the end nothing happens. That a signal cannot be sent is reported.
    ///
    /// - Returns: false if the system has refused to send it.
    @discardableResult
    func send(_ signal: Signal, reportsRefusal: Bool = true) -> Bool {
        loop.canTouch("ChildProcess.sendSignal")
        // If somebody else has taken its status, its number may be another process's by now.
        guard returnCode == nil, let handle, !System.isChildGone(pid) else { return true }
        let status = handle.kill(signal.rawValue)
        // It has ended, and the loop has not heard of it yet.
        if status == 0 || status == IOError.Code.noSuchProcess.rawValue { return true }
        if reportsRefusal {
            loop.report(
                "A signal could not be sent to a child process",
                IOError(uvStatus: status, operation: "kill", subject: "process \(pid), \(signal)"), about: self)
        }
        return false
    }

    /// Ends the child if somebody else has taken its status: then libuv will never hear of its end.
    fileprivate func checkThatItExists() {
        guard returnCode == nil, System.isChildGone(pid) else { return }
        loop.callExceptionHandler(
            ExceptionContext(
                message: "The exit status of child process \(pid) was read by somebody else; it is reported as "
                    + "\(Self.unknownStatus)"))
        handle?.close()
        end(Self.unknownStatus)
    }

    /// The loop closes: nobody will hear of the end any more.
    fileprivate func endWithLoop() {
        waiters.wakeAll()
        guard returnCode == nil, !isDetached, !System.isChildGone(pid) else { return }
        if loop.debug {
            StandardError.print("Child process \(pid) was still running when its loop was closed; it is killed.")
        }
        if let refusal = System.endChild(pid) {
            StandardError.print(
                "Child process \(pid) goes on after the end of its loop, which may not kill it: \(refusal)")
        }
    }
}

/// What a loop knows about its child processes.
final class ProcessState: LoopAttachment {
    @exclusivity(unchecked) fileprivate(set) var children: [Int32: RunningChild] = [:]
    /// Those whose protocols are still to be told something.
    @exclusivity(unchecked) var transports: [ObjectIdentifier: SubprocessTransport] = [:]
    private var ends: UVSignal?
    private var isChecking = false

    /// Looks after children whose status somebody else takes; libuv says nothing about their end.
    fileprivate func watchForEnds(_ loop: EventLoop) throws {
        guard ends == nil else { return }
        ends = try loop.watch(.child) { [unowned self, unowned loop] in
            guard !isChecking else { return }
            isChecking = true
            // After libuv has had its turn.
            loop.ready.pointee.ring.push(
                .callback { [self] in
                    isChecking = false
                    for child in Array(children.values) { child.checkThatItExists() }
                })
        }
    }

    fileprivate func childDidEnd(_ child: RunningChild) {
        children[child.pid] = nil
        stopWatchingIfIdle()
    }

    fileprivate func stopWatchingIfIdle() {
        guard children.isEmpty else { return }
        ends?.close()
        ends = nil
    }

    func loopWillClose() {
        for child in children.values { child.endWithLoop() }
    }

    func loopDidClose() {
        // Nobody will be told any more; whoever wanted to be holds the child, too.
        for child in children.values { child.whenEnded = nil }
        for transport in Array(transports.values) { transport.letGo() }
        transports = [:]
        children = [:]
        ends = nil
    }
}

extension EventLoop {
    var processState: ProcessState {
        if let state = slots.processes {
            // SAFETY: nothing else is ever put there.
            return unsafeDowncast(state, to: ProcessState.self)
        }
        let state = ProcessState()
        if phase != .closing && phase != .closed { slots.processes = state }
        return state
    }
}
