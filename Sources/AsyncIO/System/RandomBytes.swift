// Random bytes without blocking the loop.

extension SystemInfo {
    /// Bytes from the system's cryptographic generator. A thread of libuv's pool gets them, for the generator may make
    /// its callers wait, once, right after the machine has been started.
    ///
    /// ```swift
    /// let token = try await loop.system.randomBytes(32)
    /// ```
    ///
    /// **Cancellation:** ends the wait; a request that no thread has begun is taken back.
    ///
    /// - Parameter count: how many bytes, fewer than 2 GiB; 0 gives none at once.
    /// - Throws: ``EventLoopError`` `.invalidArgument` for a negative count, or a larger one; `.closed`; ``IOError``.
    ///
    /// asyncio: os.urandom · libuv: uv_random
    public func randomBytes(_ count: Int) async throws -> [UInt8] {
        try loop.checkOpen("randomBytes")
        guard count >= 0, count <= Int(Int32.max) else {
            throw EventLoopError.invalidArgument("count: must be 0 or more, and less than 2 GiB")
        }
        if count == 0 { return [] }
        let future = loop.createFuture(of: [UInt8].self)
        let request = UVRandom(count, on: loop.uv) { status, bytes in
            guard !future.isDone else { return }
            if status < 0 {
                future.fail(IOError(uvStatus: status, operation: "uv_random"))
            } else {
                future.finish(bytes)
            }
        }
        try request.submit()
        do {
            return try await future.value
        } catch {
            if future.isCancelled { request.cancel() }
            throw error
        }
    }
}
