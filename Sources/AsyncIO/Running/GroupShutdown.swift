// The end of a group: carried out once, by a thread of its own, and awaited by any number of callers.

/// Ends the threads of a group. What it does blocks, so it has a thread for it, which holds this object meanwhile.
final class GroupShutdown: Sendable {
    typealias Outcome = Result<Void, any Error>

    private enum State {
        case notBegun
        case underWay(deadline: EventLoop.Instant, waiters: [Int: @Sendable (Outcome) -> Void])
        case over(Outcome)
    }

    /// What a call to begin has come to.
    enum Part {
        /// It began the end.
        case first
        /// The end was under way.
        case joined
        /// All was over.
        case late
    }

    private let threads: [LoopThread]
    private let lock = PthreadLock()
    // SAFETY: both are touched only while holding `lock`.
    private nonisolated(unsafe) var state = State.notBegun
    private nonisolated(unsafe) var lastTicket = 0

    init(_ threads: [LoopThread]) { self.threads = threads }

    // MARK: - Carrying it out

    /// Begins, or moves the deadline of what has begun forward.
    ///
    /// - Parameters:
    ///   - deadline: how long the loops may take to end in order; nil is as long as they need.
    ///   - closingTime: how long they may take, after the deadline, to close at once.
    func begin(deadline: Duration?, closingTime: Duration) throws -> Part {
        let limit = Self.limit(deadline)
        let part = try lock.withLock { () -> Part in
            switch state {
            case .over: return .late
            case .underWay(let earlier, let waiters):
                state = .underWay(deadline: min(earlier, limit), waiters: waiters)
                return .joined
            case .notBegun:
                try start(limit, closingTime)
                return .first
            }
        }
        if part == .joined { for thread in threads { thread.lookAtTheClock() } }
        return part
    }

    /// Begins, but leaves what has begun alone.
    ///
    /// - Returns: whether this began it.
    func beginUnlessBegun(deadline: Duration?, closingTime: Duration) throws -> Bool {
        try lock.withLock {
            guard case .notBegun = state else { return false }
            try start(Self.limit(deadline), closingTime)
            return true
        }
    }

    private static func limit(_ deadline: Duration?) -> EventLoop.Instant {
        deadline.map { EventLoop.Instant.now + $0 } ?? .distantFuture
    }

    /// While holding `lock`.
    private func start(_ limit: EventLoop.Instant, _ closingTime: Duration) throws {
        let thread = try UVThread { self.carryOut(closingTime) }
        thread.detach()
        state = .underWay(deadline: limit, waiters: [:])
    }

    /// Where there is not even a thread for it: the loops close as soon as they can, and nobody waits for them.
    func abandon() {
        for thread in threads {
            thread.tell(.close)
            thread.detach()
        }
    }

    /// By when the loops have to have ended in order.
    var deadline: EventLoop.Instant {
        lock.withLock {
            if case .underWay(let deadline, _) = state { return deadline }
            return .now
        }
    }

    private func carryOut(_ closingTime: Duration) {
        for thread in threads { thread.tell(.end) }
        let late = threads.filter { !$0.waitUntilOver { self.deadline } }
        for thread in late { thread.tell(.close) }
        let limit = EventLoop.Instant.now + closingTime
        for thread in threads {
            if thread.waitUntilOver(by: { limit }) {
                thread.join()
            } else {
                StandardError.print(
                    "The thread \(thread.name) of an EventLoopGroup is left behind: something blocks it, "
                        + "and it did not end within the deadline.")
                thread.detach()
            }
        }
        finish(late.isEmpty ? .success(()) : .failure(TimeoutError()))
    }

    private func finish(_ outcome: Outcome) {
        let waiters = lock.withLock { () -> [@Sendable (Outcome) -> Void] in
            defer { state = .over(outcome) }
            if case .underWay(_, let waiters) = state { return Array(waiters.values) }
            return []
        }
        for waiter in waiters { waiter(outcome) }
    }

    // MARK: - Waiting for it

    /// Waits for the end, wherever the caller is, and throws what came of it, also if it is over already.
    ///
    /// - Parameter isShielded: whether the wait of a plain Swift task goes on although it has been cancelled. A
    ///   cancellation of a loop's task is delivered once, so it ends the wait only if it comes now.
    func wait(isShielded: Bool = false) async throws {
        if let loop = try? EventLoop.running, loop.currentScheduledTask != nil { return try await wait(on: loop) }
        let ticket = lock.withLock {
            lastTicket += 1
            return lastTicket
        }
        let outcome: Outcome = await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Outcome, Never>) in
                add(ticket) { continuation.resume(returning: $0) }
                // The cancellation may have come before.
                if Task.isCancelled && !isShielded { take(ticket)?(.failure(CancellationError())) }
            }
        } onCancel: {
            if !isShielded { take(ticket)?(.failure(CancellationError())) }
        }
        try outcome.get()
    }

    /// A task of a loop waits for a future, which knows asyncio's rules of cancellation, and how to end with its loop.
    private func wait(on loop: EventLoop) async throws {
        let future = loop.createFuture(of: Void.self)
        let executor = loop.executor
        let home = UncheckedTransfer(future)  // SAFETY: unwrapped on the loop's thread only.
        let ticket = lock.withLock {
            lastTicket += 1
            return lastTicket
        }
        add(ticket) { outcome in
            _ = try? executor.callSoonThreadsafe { _ in
                guard !home.value.isDone else { return }
                switch outcome {
                case .success: home.value.finish(())
                case .failure(let error): home.value.fail(error)
                }
            }
        }
        defer { _ = take(ticket) }
        try await future.value
    }

    /// How many wait.
    var waiterCount: Int {
        lock.withLock {
            if case .underWay(_, let waiters) = state { return waiters.count }
            return 0
        }
    }

    private func add(_ ticket: Int, _ waiter: @escaping @Sendable (Outcome) -> Void) {
        let outcome = lock.withLock { () -> Outcome? in
            switch state {
            case .notBegun: return .success(())
            case .over(let outcome): return outcome
            case .underWay(let deadline, var waiters):
                waiters[ticket] = waiter
                state = .underWay(deadline: deadline, waiters: waiters)
                return nil
            }
        }
        if let outcome { waiter(outcome) }
    }

    private func take(_ ticket: Int) -> (@Sendable (Outcome) -> Void)? {
        lock.withLock {
            guard case .underWay(let deadline, var waiters) = state else { return nil }
            defer { state = .underWay(deadline: deadline, waiters: waiters) }
            return waiters.removeValue(forKey: ticket)
        }
    }
}
