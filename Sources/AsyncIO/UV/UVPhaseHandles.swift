// The handles that mark the phases of an iteration: idle, prepare, check.

internal import CLibuv

/// While it is active, the loop does not wait in its poll. libuv: uv_idle_t
final class UVIdle: UVHandle {
    private(set) var isActive = false

    init(on loop: UVLoop) throws {
        try super.init(UV_IDLE, of: uv_idle_t.self, on: loop, operation: "uv_idle_init", initialize: uv_idle_init)
    }

    func start() {
        guard !isActive else { return }
        isActive = true
        uv_idle_start(pointer(as: uv_idle_t.self), idleDidFire)
    }

    func stop() {
        guard isActive else { return }
        isActive = false
        uv_idle_stop(pointer(as: uv_idle_t.self))
    }
}

private func idleDidFire(_: UnsafeMutablePointer<uv_idle_t>?) {}

/// What is called in each iteration: a function at file scope, with a pointer to whatever it is for. A closure would cost two
/// references for each call.
typealias PhaseCallback = @convention(c) (_ context: UnsafeMutableRawPointer) -> Void

/// Calls back just before the loop waits. libuv: uv_prepare_t
final class UVPrepare: UVHandle {
    private let callback: PhaseCallback
    /// What the callback gets; it is not called while there is none.
    var context: UnsafeMutableRawPointer?

    init(on loop: UVLoop, _ callback: @escaping PhaseCallback) throws {
        self.callback = callback
        try super.init(
            UV_PREPARE, of: uv_prepare_t.self, on: loop, operation: "uv_prepare_init", initialize: uv_prepare_init)
        uv_prepare_start(pointer(as: uv_prepare_t.self), prepareDidFire)
    }

    fileprivate func fire() { if let context { callback(context) } }
}

private func prepareDidFire(_ handle: UnsafeMutablePointer<uv_prepare_t>?) {
    withUVOwner(handle?.pointee.data, as: UVPrepare.self) { $0.fire() }
}

/// Calls back just after the loop has polled. libuv: uv_check_t
final class UVCheck: UVHandle {
    private let callback: PhaseCallback
    /// What the callback gets; it is not called while there is none.
    var context: UnsafeMutableRawPointer?

    init(on loop: UVLoop, _ callback: @escaping PhaseCallback) throws {
        self.callback = callback
        try super.init(UV_CHECK, of: uv_check_t.self, on: loop, operation: "uv_check_init", initialize: uv_check_init)
        uv_check_start(pointer(as: uv_check_t.self), checkDidFire)
    }

    fileprivate func fire() { if let context { callback(context) } }
}

private func checkDidFire(_ handle: UnsafeMutablePointer<uv_check_t>?) {
    withUVOwner(handle?.pointee.data, as: UVCheck.self) { $0.fire() }
}
