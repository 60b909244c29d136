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

    /// Starts the request with one of libuv's calls; on success this object lives until ``complete(_:)``.
    final func start(_ operation: StaticString, _ body: () -> Int32) throws(IOError) {
        // SAFETY: balanced in `complete`, or here if libuv refuses the request.
        let owner = Unmanaged.passRetained(self)
        pointer(as: uv_req_t.self).pointee.data = owner.toOpaque()
        let status = body()
        if status < 0 {
            owner.release()
            throw IOError(uvStatus: status, operation: operation)
        }
        loop.countRequest(by: 1)
    }

    /// Takes the owner back in the request's callback.
    static func complete<Owner: UVRequest>(_ data: UnsafeMutableRawPointer?, as _: Owner.Type) -> Owner? {
        // SAFETY: balances the retain in `start`; libuv calls a request's callback once.
        guard let owner = data.map({ Unmanaged<Owner>.fromOpaque($0).takeRetainedValue() }) else { return nil }
        owner.loop.countRequest(by: -1)
        return owner
    }
}
