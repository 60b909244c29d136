// Readiness of a descriptor that libuv does not own.

internal import CLibuv

/// Calls back when a descriptor is readable. libuv: uv_poll_t
final class UVPoll: UVHandle {
    private let callback: () -> Void
    private(set) var isActive = false

    init(on loop: UVLoop, descriptor: Int32, _ callback: @escaping () -> Void) throws {
        self.callback = callback
        try super.init(UV_POLL, of: uv_poll_t.self, on: loop, operation: "uv_poll_init") {
            uv_poll_init($0, $1, descriptor)
        }
    }

    func start() throws {
        try uvCheck(
            uv_poll_start(pointer(as: uv_poll_t.self), Int32(UV_READABLE.rawValue), pollDidFire), "uv_poll_start")
        isActive = true
    }

    func stop() {
        guard isOpen, isActive else { return }
        isActive = false
        uv_poll_stop(pointer(as: uv_poll_t.self))
    }

    fileprivate func fire() { callback() }
}

private func pollDidFire(_ handle: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
    uvOwner(handle?.pointee.data, as: UVPoll.self)?.fire()
}
