// Random bytes, from libuv's thread pool.

internal import CLibuv

/// Asks the system's generator for bytes, which may wait for it. libuv: uv_random_t
final class UVRandom: UVRequest {
    private let bytes: UnsafeMutableRawBufferPointer
    private let callback: (Int32, [UInt8]) -> Void

    init(_ count: Int, on loop: UVLoop, _ callback: @escaping (_ status: Int32, [UInt8]) -> Void) {
        bytes = .allocate(byteCount: count, alignment: 1)
        self.callback = callback
        super.init(UV_RANDOM, on: loop)
    }

    deinit { bytes.deallocate() }

    func submit() throws(IOError) {
        try start("uv_random") {
            uv_random(loop.raw, pointer(as: uv_random_t.self), bytes.baseAddress, bytes.count, 0, randomDidEnd)
        }
    }

    fileprivate func end(_ status: Int32) { callback(status, status < 0 ? [] : Array(bytes)) }
}

private func randomDidEnd(
    _ request: UnsafeMutablePointer<uv_random_t>?, _ status: Int32, _: UnsafeMutableRawPointer?, _: Int
) {
    UVRequest.complete(request?.pointee.data, as: UVRandom.self)?.end(status)
}
