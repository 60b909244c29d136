// Async generators: values that are made when somebody asks for them.

/// A sequence whose values an async function yields, each when it is asked for.
///
/// The function runs in a task of the loop that begins with the first call of `next()`, and goes on from one `yield` to
/// the next only while somebody waits. Leaving the iteration early and dropping the generator closes it: the
/// `yield` that the function is in throws, so that its `defer` blocks run. What is still open when the loop ends is
/// closed by ``EventLoop/shutdownAsyncGenerators()``.
///
/// ```swift
/// let squares = AsyncGenerator<Int>(loop) { yield in
///     for n in 1... { try await yield(n * n) }
/// }
/// for try await square in squares where square > 100 { print(square); break }
/// try await squares.aclose()
/// ```
///
/// asyncio: async generators
public final class AsyncGenerator<Element>: AsyncSequence {
    /// What the body calls to hand out a value.
    public typealias Yield = nonisolated(nonsending) (Element) async throws -> Void

    private let core: GeneratorCore<Element>

    /// Creates a generator. Nothing runs before the first value is asked for.
    public init(
        _ loop: EventLoop, fileID: StaticString = #fileID, line: UInt = #line,
        _ body: nonisolated(nonsending) @escaping (@escaping Yield) async throws -> Void
    ) {
        core = GeneratorCore(loop, SourceLocation(fileID: fileID, line: line), body)
    }

    deinit { core.abandon() }

    /// The next value; nil when the body has ended.
    ///
    /// **Cancellation:** the body gets the `CancellationError` in the `await` that it is in, as if it ran in the task that
    /// asks; if it does not catch it, the generator has ended and the error comes out here.
    ///
    /// - Throws: what the body throws; ``EventLoopError`` `.generatorBusy` if another task is waiting for a value.
    ///
    /// asyncio: anext
    public func next() async throws -> Element? { try await core.next() }

    /// Closes the generator: the `yield` that the body is in throws a `CancellationError`, and this waits until the body
    /// has cleaned up and ended. A generator that has not begun, or has ended, is closed already.
    ///
    /// - Throws: what the body throws while it cleans up; ``EventLoopError`` `.generatorBusy` if a task waits for a value, or if the
    ///   body goes on yielding.
    ///
    /// asyncio: agen.aclose
    public func aclose() async throws { try await core.close() }

    /// Iterates over the values that are still to come.
    public func makeAsyncIterator() -> Iterator { Iterator(generator: self) }

    /// Asks a generator for its values, one after the other.
    public struct Iterator: AsyncIteratorProtocol {
        private let generator: AsyncGenerator

        init(generator: AsyncGenerator) { self.generator = generator }

        /// The next value; nil when the body has ended.
        public mutating func next() async throws -> Element? { try await generator.next() }

        /// The next value; nil when the body has ended. The caller's isolation is the loop's.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Element? {
            try await generator.next()
        }
    }
}

/// What the loop needs to know of a generator to close it.
protocol OpenGenerator: AnyObject {
    func close() async throws
}

/// The generators of a loop that have begun and not ended.
final class GeneratorRegistry: LoopAttachment {
    var open: [ObjectIdentifier: any OpenGenerator] = [:]
    var isShutDown = false

    func loopDidClose() { open = [:] }
}

extension EventLoop {
    var generators: GeneratorRegistry {
        if let registry = slots.generators as? GeneratorRegistry { return registry }
        let registry = GeneratorRegistry()
        slots.generators = registry
        return registry
    }

    /// Closes the async generators that have begun and not ended, and waits for them to clean up. Errors go to the exception
    /// handler. A generator that begins afterwards is reported.
    ///
    /// **Cancellation:** goes to the generator that is being closed; when all are closed, the next `await` of the caller gets
    /// it too.
    ///
    /// asyncio: loop.shutdown_asyncgens
    public func shutdownAsyncGenerators() async {
        let registry = generators
        registry.isShutDown = true
        let task = currentScheduledTask
        let requests = task?.cancelling ?? 0
        var wasCancelled = false
        defer { if wasCancelled { task?.redeliverCancellation() } }
        for generator in registry.open.values {
            do {
                try await generator.close()
            } catch is CancellationError where (task?.cancelling ?? 0) > requests {
                wasCancelled = true
            } catch {
                callExceptionHandler(
                    ExceptionContext(
                        message: "an error occurred during closing of asynchronous generator", exception: error,
                        subject: generator))
            }
        }
    }
}
