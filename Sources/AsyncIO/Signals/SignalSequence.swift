// Signals as a sequence.

/// The signals that a process gets, one after the other. It has one reader; who wants several makes several sequences.
///
/// libuv: uv_signal_t
public struct SignalSequence: AsyncSequence {
    /// Never fails: a cancelled task sees the end.
    public typealias Failure = Never

    private let feed: Feed<Signal>

    fileprivate init(_ feed: Feed<Signal>) { self.feed = feed }

    /// Goes through the signals.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let feed: Feed<Signal>

        /// The next signal. Those that came meanwhile are kept; nil after the end.
        ///
        /// **Cancellation:** ends the sequence for this task: nil. A signal that came before is not lost.
        public mutating func next() async -> Signal? { await SignalSequence.next(of: feed) }

        /// The same for callers that say where they are isolated.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> Signal? {
            await SignalSequence.next(of: feed)
        }
    }

    /// Begins with the first signal that nobody has read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(feed: feed) }

    private static func next(of feed: Feed<Signal>) async -> Signal? {
        do {
            return try await feed.next()
        } catch {
            if let misuse = error as? EventLoopError { feed.loop.reportMisuse(misuse.message) }
            return nil
        }
    }
}

extension EventLoop {
    /// The signals of some kinds that the process gets from now on. What comes between two reads is kept, each signal once
    /// for each time that it came. Watching ends when nobody holds the sequence or its iterator any more; then the signals
    /// have their default actions again.
    ///
    /// ```swift
    /// for await signal in loop.signals(.hangUp, .user1) {
    ///     print("got \(signal)")
    /// }
    /// ```
    ///
    /// For signals that cannot be watched, which ``addSignalHandler(_:_:)`` lists, the exception handler is told, and the
    /// sequence ends at once.
    ///
    /// asyncio: loop.add_signal_handler · libuv: uv_signal_start
    public func signals(_ signals: Signal...) -> SignalSequence { self.signals(signals) }

    /// The same for an array of signals.
    ///
    /// asyncio: loop.add_signal_handler · libuv: uv_signal_start
    public func signals(_ signals: [Signal]) -> SignalSequence {
        canTouch("signals")
        let feed = Feed<Signal>(loop: self)
        let state = signalState
        var watched: [(signal: Signal, handle: UVSignal)] = []
        feed.onEnd {
            for (signal, handle) in watched {
                handle.close()
                state.sequenceDidEnd(signal)
            }
            watched = []
        }
        do {
            if isClosed || phase == .closing { throw EventLoopError.closed }
            for signal in Set(signals) {
                try signal.checkCatchable()
                let handle = try watch(signal) { [weak feed] in feed?.keep(signal) }
                watched.append((signal, handle))
                state.sequenceDidBegin(signal)
            }
        } catch {
            callExceptionHandler(ExceptionContext(message: "Signals cannot be watched", exception: error))
            feed.finish()
        }
        return SignalSequence(feed)
    }
}

extension Feed<Signal> {
    /// A reader that never comes back must not fill the memory.
    fileprivate func keep(_ signal: Signal) { if count < 4096 { push(signal) } }
}
