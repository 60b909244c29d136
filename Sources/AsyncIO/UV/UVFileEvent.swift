// Files that change, as events of the loop: told by the system, or found out by looking again and again.

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
        try uvCheck(
            uv_fs_event_start(pointer(as: uv_fs_event_t.self), fileDidChange, path, 0), "uv_fs_event_start",
            subject: path)
        do { try loop.tryToPollFileEvents() } catch {
            stop()
            throw error
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

/// Calls back when what `stat` says about a path has changed. libuv: uv_fs_poll_t
final class UVFilePoll: UVHandle {
    private var callback: (Int32, FileStatus?, FileStatus?) -> Void = { _, _, _ in }
    /// Whether the last look failed. Libuv goes on telling what was known before that.
    private var isGone = false

    init(on loop: UVLoop) throws {
        try super.init(
            UV_FS_POLL, of: uv_fs_poll_t.self, on: loop, operation: "uv_fs_poll_init", initialize: uv_fs_poll_init)
    }

    func start(
        _ path: String, milliseconds: UInt32,
        _ callback: @escaping (_ status: Int32, _ previous: FileStatus?, _ current: FileStatus?) -> Void
    ) throws {
        self.callback = callback
        try uvCheck(ThreadPool.start(), "uv_thread_create")
        try uvCheck(
            uv_fs_poll_start(pointer(as: uv_fs_poll_t.self), filePollDidFire, path, milliseconds), "uv_fs_poll_start",
            subject: path)
    }

    fileprivate func fire(_ status: Int32, _ previous: uv_stat_t?, _ current: uv_stat_t?) {
        guard isOpen else { return }
        // What is not known is all zeros.
        func known(_ status: uv_stat_t?) -> FileStatus? { status.flatMap { $0.st_mode == 0 ? nil : FileStatus($0) } }
        let before = isGone ? nil : known(previous)
        isGone = status < 0
        callback(status, before, status < 0 ? nil : known(current))
    }

    override func didClose() { callback = { _, _, _ in } }
}

private func filePollDidFire(
    _ handle: UnsafeMutablePointer<uv_fs_poll_t>?, _ status: Int32, _ previous: UnsafePointer<uv_stat_t>?,
    _ current: UnsafePointer<uv_stat_t>?
) {
    withUVOwner(handle?.pointee.data, as: UVFilePoll.self) { $0.fire(status, previous?.pointee, current?.pointee) }
}
