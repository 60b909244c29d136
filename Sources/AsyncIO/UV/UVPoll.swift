// Readiness of a descriptor that libuv does not own.

internal import CLibuv

/// Calls back when a descriptor is ready. libuv: uv_poll_t
final class UVPoll: UVHandle {
    struct Events: OptionSet {
        let rawValue: Int32

        static let readable = Events(rawValue: Int32(UV_READABLE.rawValue))
        static let writable = Events(rawValue: Int32(UV_WRITABLE.rawValue))
        static let disconnected = Events(rawValue: Int32(UV_DISCONNECT.rawValue))
    }

    private var callback: ((Events, Int32) -> Void)?
    private(set) var events: Events = []

    /// Makes the descriptor non-blocking.
    init(on loop: UVLoop, descriptor: Int32, _ callback: @escaping (Events, _ status: Int32) -> Void) throws {
        self.callback = callback
        try super.init(UV_POLL, of: uv_poll_t.self, on: loop, operation: "uv_poll_init") {
            uv_poll_init($0, $1, descriptor)
        }
    }

    /// Watches for these events from now on, and for nothing else.
    func watch(_ events: Events) throws {
        guard isOpen, events != self.events else { return }
        if events.isEmpty {
            uv_poll_stop(pointer(as: uv_poll_t.self))
        } else {
            try uvCheck(uv_poll_start(pointer(as: uv_poll_t.self), events.rawValue, pollDidFire), "uv_poll_start")
        }
        self.events = events
    }

    /// A status below zero says that the descriptor is in error; libuv has stopped watching it then.
    fileprivate func fire(_ fired: Events, _ status: Int32) {
        if status < 0 { events = [] }
        callback?(fired, status)
    }

    override func didClose() { callback = nil }
}

private func pollDidFire(_ handle: UnsafeMutablePointer<uv_poll_t>?, _ status: Int32, _ events: Int32) {
    withUVOwner(handle?.pointee.data, as: UVPoll.self) { $0.fire(UVPoll.Events(rawValue: events), status) }
}
