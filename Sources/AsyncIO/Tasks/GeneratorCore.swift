// The two sides of an async generator: who asks for values, and the task that makes them.

/// The state of an ``AsyncGenerator``, shared by the generator and the task of its body.
final class GeneratorCore<Element>: OpenGenerator {
    typealias Body = nonisolated(nonsending) (@escaping AsyncGenerator<Element>.Yield) async throws -> Void

    private enum State {
        case fresh(Body)
        /// The body runs towards its next value; whoever waits gets it through the future.
        case running(Future<Element?>)
        /// The body waits in `yield` until the future is resolved: true to go on, false to close.
        case yielded(Future<Bool>)
        case closing
        case ended
    }

    private let loop: EventLoop
    private let origin: SourceLocation
    private var state: State
    private var task: LoopTask<Void>?
    private var bodyHasBegun = false
    private var hasIgnoredClose = false
    /// Nobody will ask for another value.
    private var isAbandoned = false

    private static var ignoredClose: EventLoopError {
        EventLoopError(.generatorBusy, "async generator ignored GeneratorExit")
    }

    init(_ loop: EventLoop, _ origin: SourceLocation, _ body: @escaping Body) {
        self.loop = loop
        self.origin = origin
        state = .fresh(body)
    }

    // MARK: - The asking side

    func next() async throws -> Element? {
        let answer = loop.createFuture(of: Element?.self)
        switch state {
        case .ended: return nil
        case .running, .closing:
            throw EventLoopError(.generatorBusy, "anext(): asynchronous generator is already running")
        case .fresh(let body):
            state = .running(answer)
            begin(body)
        case .yielded(let resume):
            state = .running(answer)
            try resume.setResult(true)
        }
        do {
            return try await answer.value
        } catch let error as CancellationError where answer.isCancelled {
            // The task that asks was cancelled: the body takes the error, and may have an answer all the same.
            return try await passOnCancellation(error)
        }
    }

    private func passOnCancellation(_ error: CancellationError) async throws -> Element? {
        guard let task, case .running = state else { throw error }
        guard bodyHasBegun else {
            task.cancel()
            end()
            throw error
        }
        let answer = loop.createFuture(of: Element?.self)
        state = .running(answer)
        task.cancel()
        return try await answer.value
    }

    func close() async throws {
        switch state {
        case .ended: return
        case .fresh:
            state = .ended
        case .running, .closing:
            throw EventLoopError(.generatorBusy, "aclose(): asynchronous generator is already running")
        case .yielded(let resume):
            state = .closing
            try resume.setResult(false)
            guard let task else { return }
            do {
                try await task.value
            } catch is CancellationError where task.isCancelled {
                // That was the way out.
            }
            if hasIgnoredClose { throw Self.ignoredClose }
        }
    }

    /// The generator was dropped: the loop closes it in a task of its own.
    func abandon() {
        switch state {
        case .fresh: state = .ended
        case .running: isAbandoned = true
        case .yielded where !loop.isClosed: closeInTask()
        case .yielded, .closing, .ended: break
        }
    }

    private func closeInTask() {
        let core = UncheckedTransfer(self)  // SAFETY: posted to the loop's thread, where the core lives.
        _ = try? loop.executor.callSoonThreadsafe { loop in
            loop.createTask(name: "aclose of a dropped generator") {
                do {
                    try await core.value.close()
                } catch {
                    let message = "an error occurred during closing of asynchronous generator"
                    loop.callExceptionHandler(ExceptionContext(message: message, exception: error))
                }
            }
        }
    }

    // MARK: - The making side

    private func begin(_ body: @escaping Body) {
        let registry = loop.generators
        if registry.isShutDown {
            var context = ExceptionContext(
                message: "asynchronous generator was scheduled after loop.shutdownAsyncGenerators()")
            context.origin = origin
            loop.callExceptionHandler(context)
        }
        registry.open[ObjectIdentifier(self)] = self
        task = LoopTask(loop: loop, name: "async generator", isListed: false, origin: origin) { [self] in
            bodyHasBegun = true
            do {
                try await body { [self] value in try await yield(value) }
                if let answer = end() { answer.finish(nil) }
            } catch {
                // Somebody waits for a value, or else for the end of this task.
                guard let answer = end() else { throw error }
                if error is CancellationError { answer.cancel() } else { answer.fail(error) }
            }
        }
    }

    private func yield(_ value: Element) async throws {
        switch state {
        case .running where isAbandoned:
            throw CancellationError()
        case .running(let answer):
            let resume = loop.createFuture(of: Bool.self)
            state = .yielded(resume)
            if !answer.isDone { try answer.setResult(value) }
            guard try await resume.value else { throw CancellationError() }
        case .closing:
            hasIgnoredClose = true
            throw Self.ignoredClose
        case .fresh, .yielded, .ended:
            throw EventLoopError(.generatorBusy, "yield was called outside of its generator's turn")
        }
    }

    /// The body has ended. Returns the future of who waits for a value, if anybody does.
    @discardableResult
    private func end() -> Future<Element?>? {
        loop.generators.open[ObjectIdentifier(self)] = nil
        let last = state
        state = .ended
        if case .running(let answer) = last, !answer.isDone { return answer }
        return nil
    }
}
