// The base of every handle: one allocation at a stable address, freed in the close callback and nowhere else.

internal import CLibuv

/// A libuv handle and its owner in one. The handle keeps this object alive from init to its close callback.
class UVHandle {
    private enum State { case open, closing, closed }

    let loop: UVLoop
    private let memory: UnsafeMutableRawPointer
    private let type: uv_handle_type
    private var state = State.open

    /// Allocates a handle of `type` and initialises it with `initialize`, one of libuv's `uv_*_init`.
    init<T>(
        _ type: uv_handle_type, of _: T.Type, on loop: UVLoop, operation: StaticString,
        initialize: (UnsafeMutablePointer<uv_loop_t>, UnsafeMutablePointer<T>) -> Int32
    ) throws {
        self.loop = loop
        self.type = type
        let size = uv_handle_size(type)
        memory = .allocate(byteCount: size, alignment: 16)
        let status = initialize(loop.raw, memory.assumingMemoryBound(to: T.self))
        guard status == 0 else {
            memory.deallocate()
            throw IOError(uvStatus: status, operation: operation)
        }
        loop.count(type, by: 1)
        // SAFETY: balanced by `takeRetainedValue` in `handleDidClose`.
        raw.pointee.data = Unmanaged.passRetained(self).toOpaque()
    }

    /// The handle as libuv's base type.
    final var raw: UnsafeMutablePointer<uv_handle_t> { memory.assumingMemoryBound(to: uv_handle_t.self) }

    /// The handle as its own type, for subclasses.
    @inline(__always)
    final func pointer<T>(as _: T.Type) -> UnsafeMutablePointer<T> {
        assert(state != .closed, "a closed \(Self.self) was used")
        return memory.assumingMemoryBound(to: T.self)
    }

    final var isOpen: Bool { state == .open }

    /// Closes the handle. Closing twice does nothing the second time.
    final func close() {
        guard state == .open else { return }
        state = .closing
        uv_close(raw, handleDidClose)
    }

    /// Called once, when libuv has let go of the handle: for subclasses, to let go of their users.
    func didClose() {}

    fileprivate final func finishClosing() {
        state = .closed
        loop.count(type, by: -1)
        memory.deallocate()
        didClose()
    }
}

private func handleDidClose(_ handle: UnsafeMutablePointer<uv_handle_t>?) {
    guard let data = handle?.pointee.data else { return }
    // SAFETY: balances the retain in `UVHandle.init`; libuv calls this once, as the handle's last callback.
    Unmanaged<UVHandle>.fromOpaque(data).takeRetainedValue().finishClosing()
}

/// Lends the Swift owner of a handle that libuv hands to a callback, without a reference of the callback's own.
@inline(__always)
func withUVOwner<Owner: AnyObject>(_ data: UnsafeMutableRawPointer?, as _: Owner.Type, _ body: (Owner) -> Void) {
    guard let data else { return }
    // SAFETY: `data` is the retained owner from init to the close callback, which never runs inside of another callback; and
    // libuv calls nothing after that.
    Unmanaged<Owner>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
}
