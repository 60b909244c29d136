// How calls on the file system become async calls: their turn in the pool, cancellation, and calls that nothing breaks off.

/// A loop's calls on the file system.
///
/// Libuv's threads are there for files, for names of hosts, and for whatever a program gives them; and calls on a file system
/// that does not answer keep theirs. So a loop has three calls in the pool at most, whatever its size is: that many threads for
/// each loop, and one more, are enough for all. In a small pool a thread is left free, unless there is no other. The rest waits
/// here, first come, first served.
final class FileState: LoopAttachment {
    private let limit = max(1, min(3, System.poolThreads - 1))
    private var inPool = 0
    private var waiting = WaiterList<UVFileRequest>()

    func loopDidClose() { waiting.removeAll() }

    /// Makes the call as soon as it is its turn.
    func submit(_ request: UVFileRequest) {
        guard inPool < limit, waiting.isEmpty else { return waiting.append(request) }
        begin(request)
    }

    private func begin(_ request: UVFileRequest) {
        inPool += 1
        request.submit()
    }

    /// Every request says so at its end.
    func didEnd(_ request: UVFileRequest) {
        guard request.wasSubmitted else { return }
        inPool -= 1
        while inPool < limit, let next = waiting.popFirst() { begin(next) }
    }

    /// Takes a request back if it has not begun. One that has goes on, and nobody waits for it.
    func takeBack(_ request: UVFileRequest) {
        if !request.wasSubmitted { waiting.remove(request) }
        request.takeBack()
    }
}

extension EventLoop {
    var fileState: FileState {
        if let state = slots.files {
            // SAFETY: nothing else is ever put there.
            return unsafeDowncast(state, to: FileState.self)
        }
        _ = System.ignoreBrokenPipes
        let state = FileState()
        if phase != .closed { slots.files = state }
        return state
    }

    /// Makes a call and waits for its answer.
    ///
    /// - Parameters:
    ///   - subject: what errors say that it was about.
    ///   - onEnd: is told of the end in any case, also when nobody waits any more.
    ///   - discard: gets a good answer that nobody wants any more.
    ///   - read: makes the answer out of a request that has succeeded.
    func fileCall<Value>(
        _ call: FileCall, _ subject: String?, onEnd: ((UVFileRequest) -> Void)? = nil,
        discard: ((Value) -> Void)? = nil, _ read: @escaping (UVFileRequest) -> Value
    ) async throws -> Value {
        let state = fileState
        let future = createFuture(of: Value.self)
        let request = UVFileRequest(call, on: uv) { request in
            onEnd?(request)
            if request.result < 0 {
                if !future.isDone { future.fail(IOError(request, subject)) }
            } else if !future.isDone {
                future.finish(read(request))
            } else if let discard {
                discard(read(request))
            }
            state.didEnd(request)
        }
        state.submit(request)
        do {
            return try await future.value
        } catch {
            // The cancellation may have come between the answer and this task's turn.
            if error is CancellationError, future.isDone, !future.isCancelled {
                if let value = try? future.result() { discard?(value) }
            } else {
                future.cancel()
                state.takeBack(request)
            }
            throw error
        }
    }

    /// The same for calls that answer with nothing.
    func fileCall(_ call: FileCall, _ subject: String?) async throws {
        try await fileCall(call, subject) { _ in }
    }

    /// Makes a call that cleans up: no cancellation breaks it off. While the loop closes, when nobody can wait any more, it is
    /// made at once, on the loop's thread.
    func fileCallToEnd<Value>(_ call: FileCall, _ read: @escaping (UVFileRequest) -> Value) async -> Value {
        if ready.pointee.isClosing { return UVFileRequest(call, on: uv).runNow(read) }
        var answer: Value?
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            fileCallInBackground(call) { [ready] request in
                answer = read(request)
                ready.pointee.ring.push(.resume(continuation))
            }
        }
        // The continuation is resumed after the answer was set, and nowhere else.
        return answer.unsafelyUnwrapped
    }

    /// Makes a call that nobody waits for; `onEnd` is told of the end.
    func fileCallInBackground(_ call: FileCall, onEnd: ((UVFileRequest) -> Void)? = nil) {
        if uv.isClosed { return UVFileRequest(call, on: uv).runNow { onEnd?($0) } }
        let state = fileState
        state.submit(
            UVFileRequest(call, on: uv) { request in
                onEnd?(request)
                state.didEnd(request)
            })
    }
}

extension IOError {
    /// Why a call failed.
    init(_ request: UVFileRequest, _ subject: String?) {
        self.init(uvStatus: Int32(request.result), operation: request.call.name, subject: subject)
    }
}
