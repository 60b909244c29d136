// Callbacks for signals.

import Synchronization

/// What a loop knows about signals.
final class SignalState: LoopAttachment {
    fileprivate struct Handler {
        let handle: UVSignal
        let number: Int
        let callback: () throws -> Void
    }

    fileprivate var handlers: [Signal: Handler] = [:]
    fileprivate var lastNumber = 0
    /// How many sequences watch for a signal.
    private var sequences: [Signal: Int] = [:]

    /// How many handlers and sequences there are for Ctrl-C, on all loops.
    private static let interruptWatchers = Atomic<Int>(0)

    /// Whether the program itself says what happens at Ctrl-C, on whatever loop.
    static var isInterruptHandled: Bool { interruptWatchers.load(ordering: .acquiring) > 0 }

    fileprivate static func watchersDidChange(by change: Int, for signal: Signal) {
        if signal == .interrupt { interruptWatchers.wrappingAdd(change, ordering: .acquiringAndReleasing) }
    }

    /// Also where a loop is dropped that was not closed.
    deinit { loopDidClose() }

    func loopDidClose() {
        let watchedPipes = handlers[.pipe] != nil || sequences[.pipe] != nil
        for signal in handlers.keys { Self.watchersDidChange(by: -1, for: signal) }
        for (signal, count) in sequences { Self.watchersDidChange(by: -count, for: signal) }
        handlers = [:]
        sequences = [:]
        if watchedPipes { Self.restoreBrokenPipes() }
    }

    func sequenceDidBegin(_ signal: Signal) {
        sequences[signal, default: 0] += 1
        Self.watchersDidChange(by: 1, for: signal)
    }

    func sequenceDidEnd(_ signal: Signal) {
        guard let count = sequences[signal] else { return }
        sequences[signal] = count > 1 ? count - 1 : nil
        Self.watchersDidChange(by: -1, for: signal)
        if signal == .pipe { Self.restoreBrokenPipes() }
    }

    /// libuv gives a signal that nobody watches any more its default action. That of SIGPIPE would end the process at the
    /// next write to a connection that has gone.
    fileprivate static func restoreBrokenPipes() { System.ignoreBrokenPipesAgain() }
}

extension EventLoop {
    var signalState: SignalState {
        if let state = slots.signals {
            // SAFETY: nothing else is ever put there.
            return unsafeDowncast(state, to: SignalState.self)
        }
        let state = SignalState()
        if phase != .closing && phase != .closed { slots.signals = state }
        return state
    }

    /// Calls back in a round of the loop whenever the process gets a signal, and replaces the handler that the signal had
    /// on this loop. A loop on any thread may have handlers; each loop with one for the signal is called. Signals that come
    /// close together may be one call.
    ///
    /// With a handler for ``Signal/interrupt``, on whatever loop, Ctrl-C no longer cancels the operation of
    /// ``run(debug:configuration:fileID:line:_:)``.
    ///
    /// ```swift
    /// try loop.addSignalHandler(.hangUp) { configuration.reload() }
    /// ```
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` for numbers that are no signals, for SIGKILL and SIGSTOP, which
    ///   cannot be caught, and for SIGCHLD, which the loop needs itself; `.closed`; ``IOError`` if the system refuses.
    ///   The handler that there was stays then.
    ///
    /// asyncio: loop.add_signal_handler · libuv: uv_signal_start
    public func addSignalHandler(_ signal: Signal, _ callback: @escaping () throws -> Void) throws {
        canTouch("addSignalHandler")
        try signal.checkCatchable()
        guard phase != .closed, phase != .closing else { throw EventLoopError.closed }
        let state = signalState
        state.lastNumber += 1
        let number = state.lastNumber
        let handle = try state.handlers[signal]?.handle ?? watch(signal) { [unowned self] in signalDidArrive(signal) }
        if state.handlers[signal] == nil { SignalState.watchersDidChange(by: 1, for: signal) }
        state.handlers[signal] = SignalState.Handler(handle: handle, number: number, callback: callback)
    }

    /// Removes the handler of a signal; without any left in the process the signal has its default action again. A call
    /// that was due does not happen.
    ///
    /// - Returns: whether there was one.
    ///
    /// asyncio: loop.remove_signal_handler · libuv: uv_signal_stop
    @discardableResult
    public func removeSignalHandler(_ signal: Signal) -> Bool {
        canTouch("removeSignalHandler")
        guard let handler = (slots.signals as? SignalState)?.handlers.removeValue(forKey: signal) else { return false }
        handler.handle.close()
        SignalState.watchersDidChange(by: -1, for: signal)
        if signal == .pipe { SignalState.restoreBrokenPipes() }
        return true
    }

    /// Starts to watch for a signal.
    func watch(_ signal: Signal, _ callback: @escaping () -> Void) throws -> UVSignal {
        let handle = try UVSignal(on: uv)
        do { try handle.start(signal.rawValue) { _ in callback() } } catch {
            handle.close()
            throw error
        }
        return handle
    }

    private func signalDidArrive(_ signal: Signal) {
        guard let due = signalState.handlers[signal] else { return }
        ready.pointee.ring.push(
            .callback { [self] in
                // It may have been removed or replaced since.
                guard let handler = signalState.handlers[signal], handler.number == due.number else { return }
                try handler.callback()
            })
    }
}
