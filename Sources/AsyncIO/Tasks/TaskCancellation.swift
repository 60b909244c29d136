// asyncio's bookkeeping of cancellation, as a plain value.

/// Counts requests to cancel a task and remembers whether one still has to be delivered.
@usableFromInline
struct TaskCancellation {
    /// Requests that were not taken back.
    private(set) var requests = 0
    /// The task gets a `CancellationError` at its next step.
    private(set) var isPending = false
    /// What the task waits for.
    private(set) var suspension: (any Suspension)?

    /// Counts a request and returns what has to be cancelled to deliver it, if the task waits.
    mutating func request() -> (any Suspension)? {
        requests += 1
        return suspension
    }

    /// The request could not be delivered through a suspension: the next step gets it.
    mutating func postpone() { isPending = true }

    /// Takes one request back; with the last one goes a cancellation that has not been delivered.
    mutating func withdraw() -> Int {
        if requests > 0 {
            requests -= 1
            if requests == 0 { isPending = false }
        }
        return requests
    }

    /// The task waits from now on. Returns whether a cancellation is due that goes through the suspension.
    mutating func willSuspend(on suspension: any Suspension) -> Bool {
        self.suspension = suspension
        return isPending
    }

    /// The pending cancellation went through the suspension.
    mutating func wasDelivered() { isPending = false }

    mutating func didResume() throws {
        suspension = nil
        if takePending() { throw CancellationError() }
    }

    mutating func takePending() -> Bool {
        defer { isPending = false }
        return isPending
    }
}
