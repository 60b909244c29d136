// Events on their way to the one task that reads them: what signals, watched files and windows have in common.

/// A queue from a source of events to one reader. The source is let go of when the reader is gone.
final class Feed<Element> {
    let loop: EventLoop
    private let slot: ParkingSlot
    private var pending = RingBuffer<Element>(minimumCapacity: 4)
    private var isFinished = false
    private var failure: (any Error)?
    private var source: (() -> Void)?

    init(loop: EventLoop) {
        self.loop = loop
        slot = ParkingSlot(loop: loop)
    }

    /// What lets go of the source: called once, on the loop's thread, at the end or when nobody holds the feed any more.
    func onEnd(_ end: @escaping () -> Void) { source = end }

    deinit {
        guard let source, !loop.isClosed else { return }
        if loop.executor.isOnLoopThread || !loop.executor.isRunning {
            source()
        } else {
            let transfer = UncheckedTransfer(source)  // SAFETY: called on the loop's thread, once.
            _ = try? loop.executor.callSoonThreadsafe { _ in transfer.value() }
        }
    }

    /// How many events wait for the reader.
    var count: Int { pending.count }

    /// Hands an event over; after the end nothing happens.
    func push(_ element: Element) {
        guard !isFinished else { return }
        pending.push(element)
        slot.wake()
    }

    /// Ends the feed, once everything has been read.
    func finish(throwing error: (any Error)? = nil) {
        guard !isFinished else { return }
        isFinished = true
        failure = error
        slot.wake()
        let source = self.source
        self.source = nil
        source?()
    }

    /// The next event; nil at the end.
    ///
    /// - Throws: what the feed ended with, once; `CancellationError`; ``EventLoopError`` `.alreadyReading` while another task
    ///   waits.
    func next() async throws -> Element? {
        loop.canTouch("next")
        while pending.isEmpty {
            if isFinished {
                defer { failure = nil }
                if let failure { throw failure }
                return nil
            }
            guard !slot.isOccupied else {
                throw EventLoopError(
                    .alreadyReading, "next() called while another task is waiting for the same sequence")
            }
            try await slot.park()
        }
        return pending.pop()
    }
}
