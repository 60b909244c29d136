// The libuv loop itself, and the counters of the handles that live on it.

internal import CLibuv

/// Owns a `uv_loop_t`. Handles and requests keep it alive until their last callback.
final class UVLoop {
    let raw: UnsafeMutablePointer<uv_loop_t>
    /// How many handles of each type are open or closing, by libuv's type number.
    fileprivate(set) var handleCounts = [Int](repeating: 0, count: Int(UV_HANDLE_TYPE_MAX.rawValue))
    /// How many requests wait for their callback.
    fileprivate(set) var requestCount = 0

    init() throws {
        raw = .allocate(capacity: 1)
        System.openStandardDescriptors()
        let status = uv_loop_init(raw)
        if status < 0 {
            // Every property is set, so `deinit` runs, and frees the memory.
            isClosed = true
            throw IOError(uvStatus: status, operation: "uv_loop_init")
        }
        do { try tryToPoll(raw.pointee.async_io_watcher.fd) } catch {
            uv_loop_close(raw)
            isClosed = true
            throw error
        }
    }

    /// Whether ``close()`` has succeeded.
    private(set) var isClosed = false

    /// What streams and datagrams are read into, one at a time: nothing keeps it beyond a callback.
    var readBuffer: UnsafeMutableRawBufferPointer {
        if _fastPath(readMemory.baseAddress != nil) { return readMemory }
        readMemory = .allocate(byteCount: 65536, alignment: 64)
        return readMemory
    }

    /// The same for datagrams of Unix sockets, which may be longer than those of UDP.
    var longDatagramBuffer: UnsafeMutableRawBufferPointer {
        if longDatagramMemory.baseAddress == nil {
            longDatagramMemory = .allocate(byteCount: 256 * 1024, alignment: 64)
        }
        return longDatagramMemory
    }

    @exclusivity(unchecked) private var longDatagramMemory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    @exclusivity(unchecked) private var readMemory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

    deinit {
        precondition(isClosed, "a uv_loop_t was dropped open")
        raw.deallocate()
        readMemory.deallocate()
        longDatagramMemory.deallocate()
    }

    /// Runs until ``stop()``.
    func run() { uv_run(raw, UV_RUN_DEFAULT) }

    /// One iteration that waits for something to happen.
    func runOnce() { uv_run(raw, UV_RUN_ONCE) }

    func stop() { uv_stop(raw) }

    /// Closes the loop; every handle has been closed before.
    func close() throws {
        try uvCheck(uv_loop_close(raw), "uv_loop_close")
        isClosed = true
    }

    /// Starts to close whatever handle is still open, whoever owns it.
    func closeRemainingHandles() {
        uv_walk(raw, closeWalkedHandle, nil)
    }

    /// The open handles by name, for reports and tests; empty when nothing is open.
    var openHandles: [String: Int] {
        var result: [String: Int] = [:]
        for (type, count) in handleCounts.enumerated() where count > 0 {
            result[String(cString: uv_handle_type_name(uv_handle_type(UInt32(type))))] = count
        }
        return result
    }

    func count(_ type: uv_handle_type, by delta: Int) { handleCounts[Int(type.rawValue)] += delta }
    func countRequest(by delta: Int) { requestCount += delta }
}

private func closeWalkedHandle(_ handle: UnsafeMutablePointer<uv_handle_t>?, _: UnsafeMutableRawPointer?) {
    guard let handle, uv_is_closing(handle) == 0 else { return }
    guard let data = handle.pointee.data else {
        uv_close(handle, nil)
        return
    }
    // SAFETY: `data` of a handle of ours is its retained owner until the close callback.
    Unmanaged<UVHandle>.fromOpaque(data).takeUnretainedValue().close()
}
