// Work for libuv's thread pool.

internal import CLibuv

/// What a thread of the pool does, and what the loop does after it.
protocol WorkItem: AnyObject {
    /// Runs on a thread of the pool.
    func perform()
    /// Runs on the loop, after the work or instead of it.
    func end(wasCancelled: Bool)
}

/// A piece of work for the pool, which has four threads unless `UV_THREADPOOL_SIZE` says otherwise.
/// libuv: uv_queue_work
final class UVWork: UVRequest {
    private let item: any WorkItem

    init(_ item: any WorkItem, on loop: UVLoop) {
        self.item = item
        super.init(UV_WORK, on: loop)
    }

    func submit() throws {
        try startInPool("uv_queue_work") {
            uv_queue_work(loop.raw, pointer(as: uv_work_t.self), workShouldRun, workDidEnd)
        }
    }

    fileprivate func perform() { item.perform() }

    fileprivate func end(_ status: Int32) { item.end(wasCancelled: status == Int32(UV_ECANCELED.rawValue)) }
}

private func workShouldRun(_ request: UnsafeMutablePointer<uv_work_t>?) {
    // SAFETY: the request retains itself until its end; libuv's queue hands it from thread to thread.
    guard let data = request?.pointee.data else { return }
    Unmanaged<UVWork>.fromOpaque(data).takeUnretainedValue().perform()
}

private func workDidEnd(_ request: UnsafeMutablePointer<uv_work_t>?, _ status: Int32) {
    UVRequest.complete(request?.pointee.data, as: UVWork.self)?.end(status)
}
