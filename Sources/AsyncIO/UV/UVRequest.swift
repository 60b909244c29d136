// The base of every request: it keeps itself alive until its callback.

internal import CLibuv

/// A libuv request and its owner in one.
class UVRequest {
    let loop: UVLoop
    private let memory: UnsafeMutableRawPointer

    init(_ type: uv_req_type, on loop: UVLoop) {
        self.loop = loop
        memory = .allocate(byteCount: uv_req_size(type), alignment: MemoryLayout<uv_req_t>.alignment)
    }

    deinit { memory.deallocate() }

    @inline(__always)
    final func pointer<T>(as _: T.Type) -> UnsafeMutablePointer<T> { memory.assumingMemoryBound(to: T.self) }

    /// Starts the request with one of libuv's calls; on success this object lives until ``complete(_:as:)``.
    final func start(_ body: () -> Int32) -> Int32 {
        // SAFETY: balanced in `complete`, or here if libuv refuses the request.
        let owner = Unmanaged.passRetained(self)
        pointer(as: uv_req_t.self).pointee.data = owner.toOpaque()
        let status = body()
        if status < 0 {
            owner.release()
        } else {
            loop.countRequest(by: 1)
        }
        return status
    }

    /// The same, as an error.
    final func start(_ operation: StaticString, _ body: () -> Int32) throws(IOError) {
        try uvCheck(start(body), operation)
    }

    /// The same for a request that a thread of the pool carries out.
    final func startInPool(_ body: () -> Int32) -> Int32 {
        let status = ThreadPool.start()
        return status < 0 ? status : start(body)
    }

    /// The same, as an error.
    final func startInPool(_ operation: StaticString, _ body: () -> Int32) throws(IOError) {
        try uvCheck(ThreadPool.start(), "uv_thread_create")
        try start(operation, body)
    }

    /// Takes the request back if no thread of the pool works on it; its callback is called in any case.
    final func cancel() { uv_cancel(pointer(as: uv_req_t.self)) }

    /// Takes the owner back in the request's callback.
    static func complete<Owner: UVRequest>(_ data: UnsafeMutableRawPointer?, as _: Owner.Type) -> Owner? {
        // SAFETY: balances the retain in `start`; libuv calls a request's callback once.
        guard let owner = data.map({ Unmanaged<Owner>.fromOpaque($0).takeRetainedValue() }) else { return nil }
        owner.loop.countRequest(by: -1)
        return owner
    }
}
