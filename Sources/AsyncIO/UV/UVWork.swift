// Work for libuv's thread pool.

internal import CLibuv

/// A piece of work for the pool, which has four threads unless `UV_THREADPOOL_SIZE` says otherwise.
/// libuv: uv_queue_work
final class UVWork: UVRequest {
    private var work: (() -> Void)?
    private var completion: ((_ wasCancelled: Bool) -> Void)?

    /// `work` runs on a thread of the pool, `completion` on the loop.
    init(on loop: UVLoop, work: sending @escaping () -> Void, completion: @escaping (_ wasCancelled: Bool) -> Void) {
        self.work = work
        self.completion = completion
        super.init(UV_WORK, on: loop)
    }

    func submit() throws {
        try start("uv_queue_work") {
            uv_queue_work(loop.raw, pointer(as: uv_work_t.self), workShouldRun, workDidEnd)
        }
    }

    fileprivate func perform() {
        work?()
        work = nil
    }

    fileprivate func end(_ status: Int32) {
        work = nil
        let completion = self.completion
        self.completion = nil
        completion?(status == Int32(UV_ECANCELED.rawValue))
    }
}

private func workShouldRun(_ request: UnsafeMutablePointer<uv_work_t>?) {
    // SAFETY: the request retains itself until its end; libuv's queue hands it from thread to thread.
    guard let data = request?.pointee.data else { return }
    Unmanaged<UVWork>.fromOpaque(data).takeUnretainedValue().perform()
}

private func workDidEnd(_ request: UnsafeMutablePointer<uv_work_t>?, _ status: Int32) {
    UVRequest.complete(request?.pointee.data, as: UVWork.self)?.end(status)
}
