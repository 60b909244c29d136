// A thread that runs a loop until it is told to end: what a group is made of.

/// A thread with a loop of its own.
///
/// The thread holds its ``Life`` and the loop, but neither this object nor the group: they may go away first.
final class LoopThread: Sendable {
    /// What a loop is to do. Orders only grow.
    enum Order: Int {
        case run
        /// Listen no more, cancel the tasks and wait for them, close.
        case end
        /// Close now.
        case close
    }

    let name: String
    let executor: LoopExecutor
    private let life: Life
    private let thread: UVThread

    /// Starts the thread and returns when its loop runs.
    init(name: String, configuration: EventLoop.Configuration) throws {
        let life = Life()
        let thread = try UVThread {
            System.nameCurrentThread(name)
            life.live(configuration)
        }
        do {
            executor = try life.waitUntilRunning()
        } catch {
            thread.join()
            throw error
        }
        self.name = name
        self.life = life
        self.thread = thread
    }

    /// Gives an order, from any thread.
    func tell(_ order: Order) {
        life.raise(to: order)
        // After the end of the loop there is nobody to tell.
        _ = try? executor.callSoonThreadsafe { $0.stop() }
    }

    /// Blocks the calling thread until the loop has been closed, or the deadline has come; it may be moved meanwhile, see
    /// ``lookAtTheClock()``.
    ///
    /// - Returns: whether the loop has been closed.
    func waitUntilOver(by deadline: () -> EventLoop.Instant) -> Bool { life.waitUntilOver(by: deadline) }

    /// Who waits for the end asks for the deadline again.
    func lookAtTheClock() { life.wakeAll() }

    /// Waits for the thread. To be called once, unless ``detach()`` is.
    func join() { thread.join() }

    /// Leaves the thread to itself.
    func detach() { thread.detach() }
}

/// What a loop's thread and those who wait for it tell each other.
private final class Life: Sendable {
    private enum Phase {
        case starting
        case running(LoopExecutor)
        case failed(any Error)
        case over
    }

    private let lock = PthreadLock()
    private let changed = ConditionVariable()
    // SAFETY: both are touched only while holding `lock`.
    private nonisolated(unsafe) var phase = Phase.starting
    private nonisolated(unsafe) var order = LoopThread.Order.run

    // MARK: - On the other threads

    func waitUntilRunning() throws -> LoopExecutor {
        lock.lock()
        defer { lock.unlock() }
        while true {
            switch phase {
            case .running(let executor): return executor
            case .failed(let error): throw error
            case .over: throw EventLoopError.closed
            case .starting: lock.wait(on: changed)
            }
        }
    }

    func raise(to newOrder: LoopThread.Order) {
        lock.withLock { if newOrder.rawValue > order.rawValue { order = newOrder } }
    }

    func waitUntilOver(by deadline: () -> EventLoop.Instant) -> Bool {
        lock.lock()
        defer { lock.unlock() }
        while true {
            if case .over = phase { return true }
            let limit = deadline()
            let now = EventLoop.Instant.now
            if limit <= now { return false }
            lock.wait(on: changed, atMost: now.duration(to: limit).clampedNanoseconds)
        }
    }

    func wakeAll() { lock.withLock { changed.broadcast() } }

    // MARK: - On the loop's thread

    private var currentOrder: LoopThread.Order { lock.withLock { order } }

    private func enter(_ newPhase: Phase) {
        lock.withLock {
            phase = newPhase
            changed.broadcast()
        }
    }

    func live(_ configuration: EventLoop.Configuration) {
        do {
            let loop = try EventLoop(configuration: configuration)
            let executor = loop.executor
            loop.callSoon { self.enter(.running(executor)) }
            while currentOrder == .run { runUntilStopped(loop) }
            end(loop)
            try loop.close()
        } catch {
            // Only the creation of the loop can fail: nobody else gets to run or to close it.
            return enter(.failed(error))
        }
        enter(.over)
    }

    /// Other people's `stop()` ends a pass, and the loop goes on. Nor is there anybody whom an interrupt could be thrown at.
    private func runUntilStopped(_ loop: EventLoop) {
        do {
            try loop.runForever()
        } catch {
            loop.defaultExceptionHandler(
                ExceptionContext(message: "The loop of a group goes on after an error", exception: error))
        }
    }

    /// Does what a runner does when it is closed, until it is done or the order comes to close at once.
    private func end(_ loop: EventLoop) {
        guard currentOrder != .close else { return }
        let servers = (loop.slots.network as? NetworkState)?.servers.values ?? []
        for server in servers { server.close() }
        let leftOver = loop.cancelLeftOverTasks()
        let origin = SourceLocation(fileID: #fileID, line: #line)
        // Not listed: it is nobody's to cancel, and when time is over there is nothing to report about it.
        let tearDown = LoopTask<Void>(loop: loop, name: "tear down", isListed: false, origin: origin) {
            [unowned loop] in
            do {
                try await loop.tearDown(leftOver)
                // What the tasks wrote last is sent, and so is what protocols wrote.
                for server in servers { server.closeClients() }
                for server in servers { try await server.waitClosed() }
            } catch is CancellationError {
                // The loop closes: there is no more time.
            } catch {
                loop.report("The loop of a group could not be torn down", error, about: loop)
            }
        }
        tearDown.addDoneCallback { [unowned loop] _ in loop.stop() }
        while !tearDown.isDone, currentOrder != .close { runUntilStopped(loop) }
    }
}
