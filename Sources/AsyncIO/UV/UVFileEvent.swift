// Files that change, as events of the loop.

internal import CLibuv

/// Calls back when the system says that a path has changed. libuv: uv_fs_event_t
final class UVFileEvent: UVHandle {
    struct Events: OptionSet {
        let rawValue: Int32

        static let renamed = Events(rawValue: Int32(UV_RENAME.rawValue))
        static let changed = Events(rawValue: Int32(UV_CHANGE.rawValue))
    }

    private var callback: (String?, Events, Int32) -> Void = { _, _, _ in }

    init(on loop: UVLoop) throws {
        try super.init(
            UV_FS_EVENT, of: uv_fs_event_t.self, on: loop, operation: "uv_fs_event_init",
            initialize: uv_fs_event_init)
    }

    func start(_ path: String, _ callback: @escaping (String?, Events, _ status: Int32) -> Void) throws {
        self.callback = callback
        try loop.tryToPollFileEvents()
        try uvCheck(
            uv_fs_event_start(pointer(as: uv_fs_event_t.self), fileDidChange, path, 0), "uv_fs_event_start",
            subject: path)
    }

    /// The path by which libuv knows what is watched. The system watches what is there once, however many paths lead to it,
    /// and libuv keeps the first of them.
    var knownPath: String {
        var size = 4097
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
            guard uv_fs_event_getpath(pointer(as: uv_fs_event_t.self), buffer.baseAddress, &size) == 0,
                let base = buffer.baseAddress
            else { return "" }
            return String(cString: base)
        }
    }

    func stop() {
        guard isOpen else { return }
        uv_fs_event_stop(pointer(as: uv_fs_event_t.self))
    }

    fileprivate func fire(_ name: String?, _ events: Events, _ status: Int32) {
        guard isOpen else { return }
        callback(name, events, status)
    }

    override func didClose() { callback = { _, _, _ in } }
}

private func fileDidChange(
    _ handle: UnsafeMutablePointer<uv_fs_event_t>?, _ name: UnsafePointer<CChar>?, _ events: Int32, _ status: Int32
) {
    withUVOwner(handle?.pointee.data, as: UVFileEvent.self) {
        $0.fire(name.map { String(cString: $0) }, UVFileEvent.Events(rawValue: events), status)
    }
}
