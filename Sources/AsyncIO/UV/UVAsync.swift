// The door for other threads: the only libuv call that is safe from anywhere.

internal import CLibuv

/// Wakes the loop from another thread. Sends coalesce: what to do is found in the inbox. libuv: uv_async_t
final class UVAsync: UVHandle {
    init(on loop: UVLoop) throws {
        try super.init(UV_ASYNC, of: uv_async_t.self, on: loop, operation: "uv_async_init") {
            uv_async_init($0, $1, asyncDidFire)
        }
    }

    /// What a thread needs to wake the loop; valid until the handle is closed.
    var waker: UVWaker { UVWaker(handle: pointer(as: uv_async_t.self)) }
}

/// The sending end of a ``UVAsync``. Its user makes sure that no send overlaps the closing of the handle.
struct UVWaker: Sendable {
    // SAFETY: `uv_async_send` is thread-safe; lifetime is the user's promise above.
    fileprivate nonisolated(unsafe) let handle: UnsafeMutablePointer<uv_async_t>

    func wake() { uv_async_send(handle) }
}

private func asyncDidFire(_: UnsafeMutablePointer<uv_async_t>?) {
    // The poll has returned, and that is all that was wanted: the check phase empties the inbox.
}
