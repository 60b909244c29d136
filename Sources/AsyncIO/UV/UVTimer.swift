// libuv's timer. The loop arms one for the earliest of its own deadlines.

internal import CLibuv

/// Ends the loop's wait after some milliseconds. libuv: uv_timer_t
final class UVTimer: UVHandle {
    init(on loop: UVLoop) throws {
        try super.init(UV_TIMER, of: uv_timer_t.self, on: loop, operation: "uv_timer_init", initialize: uv_timer_init)
    }

    /// Counts from libuv's cached time of this iteration.
    func start(milliseconds: UInt64) {
        uv_timer_start(pointer(as: uv_timer_t.self), timerDidFire, milliseconds, 0)
    }

    func stop() { uv_timer_stop(pointer(as: uv_timer_t.self)) }

    var isActive: Bool { uv_is_active(raw) != 0 }
}

private func timerDidFire(_: UnsafeMutablePointer<uv_timer_t>?) {
    // Due callbacks are found by the check phase, which reads the clock in nanoseconds.
}
