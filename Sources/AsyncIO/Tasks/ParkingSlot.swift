// A place where one task at a time waits, again and again, without a future for each wait.

/// Suspends a task until somebody wakes it.
final class ParkingSlot: Suspension {
    private enum Occupant {
        case none
        case task(UnsafeContinuation<Void, Never>)
        /// A Swift task that is none of ours.
        case foreign(Future<Void>)
    }

    private unowned(unsafe) let loop: EventLoop
    @exclusivity(unchecked) private var occupant = Occupant.none
    @exclusivity(unchecked) private var wasCancelled = false

    /// The slot must not outlive its loop.
    init(loop: EventLoop) { self.loop = loop }

    /// Whether a task waits here.
    @inline(__always)
    var isOccupied: Bool {
        if case .none = occupant { return false }
        return true
    }

    /// Waits for ``wake()``. Nobody else may wait here at the same time.
    ///
    /// - Throws: `CancellationError`; the slot is free again then.
    @inline(__always)
    func park() async throws {
        assert(!isOccupied)
        if loop.ready.pointee.isClosing { try await loop.refuseToWait() }
        guard let task = loop.currentScheduledTask else { return try await parkForeignTask() }
        await withUnsafeContinuation { continuation in
            occupant = .task(continuation)
            task.willSuspend(on: self)
        }
        let cancelled = wasCancelled
        wasCancelled = false
        try task.didResume()
        if cancelled { throw CancellationError() }
    }

    private func parkForeignTask() async throws {
        let future = loop.createFuture(of: Void.self)
        occupant = .foreign(future)
        do {
            try await future.value
        } catch {
            if case .foreign(future) = occupant { occupant = .none }
            throw error
        }
    }

    /// Lets the task that waits go on in the next round; does nothing if none does.
    @inline(__always)
    func wake() {
        switch occupant {
        case .none: return
        case .task(let continuation):
            occupant = .none
            loop.ready.pointee.ring.push(.resume(continuation))
        case .foreign(let future):
            occupant = .none
            if !future.isDone { future.finish(()) }
        }
    }

    /// The same for input from libuv, at the end of its callback.
    @inline(__always)
    func wakeAfterInput() {
        if case .task(let continuation) = occupant {
            occupant = .none
            loop.resumeAfterInput(continuation)
        } else {
            wake()
        }
    }

    func cancelSuspension() -> Bool {
        guard case .task(let continuation) = occupant else { return false }
        occupant = .none
        wasCancelled = true
        loop.ready.pointee.ring.push(.resume(continuation))
        return true
    }

    func release(waiter identity: UnsafeRawPointer) { _ = cancelSuspension() }
}

private func ~= (future: Future<Void>, other: Future<Void>) -> Bool { future === other }
