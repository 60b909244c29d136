// Waiting for time to pass, and the loop's clock in Swift's terms.

extension EventLoop {
    /// Suspends the current task for `duration`, never for less. Zero and negative durations give way for exactly one
    /// round.
    ///
    /// **Cancellation:** ends the sleep at once with a `CancellationError`.
    ///
    /// asyncio: sleep · libuv: uv_timer_t
    public func sleep(for duration: Duration) async throws {
        if duration <= .zero {
            try await yieldOneRound()
        } else {
            try await suspend(until: time().advanced(by: duration))
        }
    }

    /// Suspends the current task until `deadline`; if that has passed, for exactly one round.
    ///
    /// **Cancellation:** ends the sleep at once with a `CancellationError`.
    ///
    /// asyncio: sleep · libuv: uv_timer_t
    public func sleep(until deadline: Instant) async throws {
        if deadline <= time() {
            try await yieldOneRound()
        } else {
            try await suspend(until: deadline)
        }
    }

    /// The monotonic clock of all loops, for code that is written against Swift's `Clock`.
    public var clock: Clock { Clock() }

    /// The monotonic clock of all loops. Its sleep is the running loop's timer.
    ///
    /// libuv: uv_hrtime, uv_timer_t
    public struct Clock: _Concurrency.Clock {
        /// Creates the clock; there is only one.
        public init() {}

        /// Now.
        public var now: Instant { .now }

        /// What the clock can tell apart. Waits end up to a millisecond late, never early.
        public var minimumResolution: Duration { .nanoseconds(1) }

        /// Suspends until `deadline`. Sleeps end in the order of their deadlines; the tolerance is not made use of.
        ///
        /// **Cancellation:** ends the sleep at once with a `CancellationError`.
        ///
        /// - Throws: ``EventLoopError`` `.noRunningLoop` if no loop runs on this thread.
        public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
            try await EventLoop.running.sleep(until: deadline)
        }
    }
}
