// A thread of the operating system.

internal import CLibuv

/// Runs a function on a thread of its own. It is joined or detached exactly once. libuv: uv_thread_create
final class UVThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    // SAFETY: written once in `init`, read by `join` and `detach`.
    private nonisolated(unsafe) var thread: uv_thread_t

    init(_ body: @escaping @Sendable () -> Void) throws {
        // SAFETY: taken back by the new thread, or here if there is none.
        let argument = Unmanaged.passRetained(Body(body))
        var thread = uv_thread_t(bitPattern: 0)
        let status = uv_thread_create(&thread, threadDidStart, argument.toOpaque())
        guard status == 0 else {
            argument.release()
            throw IOError(uvStatus: status, operation: "uv_thread_create")
        }
        self.thread = thread
    }

    func join() { uv_thread_join(&thread) }
    func detach() { pthread_detach(thread) }

    fileprivate static func run(_ argument: UnsafeMutableRawPointer) {
        // SAFETY: balances the retain in `init`.
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
    }
}

private func threadDidStart(_ argument: UnsafeMutableRawPointer?) {
    guard let argument else { return }
    UVThread.run(argument)
}
