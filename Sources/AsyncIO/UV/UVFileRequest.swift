// One call on the file system, made by a thread of libuv's pool, and what it answers.

internal import CLibuv

/// A call on the file system. libuv: uv_fs_t
///
/// What the callback wants to know it has to ask for before it returns.
final class UVFileRequest: UVRequest {
    private enum State { case created, submitted, ended }

    let call: FileCall
    private var state = State.created
    /// Whether the pool has got to see it.
    private(set) var wasSubmitted = false
    private var callback: ((UVFileRequest) -> Void)?
    /// What the call returned: a count, a descriptor, or a negative status.
    private(set) var result = 0

    /// A request that has not been submitted yet.
    init(_ call: FileCall, on loop: UVLoop, _ callback: ((UVFileRequest) -> Void)? = nil) {
        self.call = call
        self.callback = callback
        super.init(UV_FS, on: loop)
    }

    private var raw: UnsafeMutablePointer<uv_fs_t> { pointer(as: uv_fs_t.self) }

    /// Puts the call into the pool's queue. The callback is called in any case: at once if libuv refuses.
    func submit() {
        state = .submitted
        wasSubmitted = true
        let status = startInPool { call.start(loop.raw, raw, fileCallDidEnd) }
        if status < 0 { end(Int(status), ranInPool: false) }
    }

    /// Takes the call back if no thread works on it yet; it ends as cancelled then.
    func takeBack() {
        switch state {
        case .created: end(Int(UV_ECANCELED.rawValue), ranInPool: false)
        case .submitted: cancel()
        case .ended: break
        }
    }

    /// Makes the call here and now, on the calling thread; `read` may ask for what it answered.
    func runNow<Value>(_ read: (UVFileRequest) -> Value) -> Value {
        state = .ended
        let status = call.start(nil, raw, nil)
        result = status < 0 ? Int(status) : raw.pointee.result
        defer { uv_fs_req_cleanup(raw) }
        return read(self)
    }

    fileprivate func end(_ result: Int, ranInPool: Bool) {
        if ranInPool, result == Int(UV_EINTR.rawValue), case .read = call {
            // The only call that libuv does not make again after a signal.
            uv_fs_req_cleanup(raw)
            return submit()
        }
        state = .ended
        self.result = result
        let callback = self.callback
        self.callback = nil
        callback?(self)
        if ranInPool { uv_fs_req_cleanup(raw) }
    }

    /// The answer of `stat` and its like.
    var status: FileStatus { FileStatus(raw.pointee.statbuf) }

    /// The answer of `statfs`.
    var fileSystem: FileSystemStatus {
        guard let pointer = raw.pointee.ptr else { return FileSystemStatus() }
        return FileSystemStatus(pointer.assumingMemoryBound(to: uv_statfs_t.self).pointee)
    }

    /// The answer of `readlink` and `realpath`.
    var text: String {
        raw.pointee.ptr.map { String(cString: $0.assumingMemoryBound(to: CChar.self)) } ?? ""
    }

    /// The path of `mkstemp` and `mkdtemp`, with the name that was found.
    var path: String { raw.pointee.path.map { String(cString: $0) } ?? "" }

    /// The answer of `scandir`: names, and types as far as the file system knows them.
    var entries: [(name: String, type: FileTypeNumber)] {
        var entries: [(name: String, type: FileTypeNumber)] = []
        entries.reserveCapacity(max(0, result))
        var entry = uv_dirent_t()
        while uv_fs_scandir_next(raw, &entry) == 0 {
            entries.append((String(cString: entry.name), FileTypeNumber(entry.type)))
        }
        return entries
    }
}

private func fileCallDidEnd(_ request: UnsafeMutablePointer<uv_fs_t>?) {
    guard let request else { return }
    let result = request.pointee.result
    UVRequest.complete(request.pointee.data, as: UVFileRequest.self)?.end(result, ranInPool: true)
}

/// Memory that a call reads into or writes from. Calls keep it alive until a thread of the pool is done with it.
final class FileMemory {
    let bytes: UnsafeMutableRawBufferPointer

    /// - Parameter alignment: what unbuffered files ask for is that of a page.
    init(count: Int, alignment: Int = 16) {
        bytes = .allocate(byteCount: count, alignment: alignment)
    }

    deinit { bytes.deallocate() }

    var count: Int { bytes.count }

    /// The first bytes as an array.
    func array(_ count: Int) -> [UInt8] { [UInt8](UnsafeRawBufferPointer(rebasing: bytes[..<count])) }
}

/// A part of a piece of memory.
struct FileSlice {
    let memory: FileMemory
    var range: Range<Int>

    /// The first bytes of a piece of memory.
    init(_ memory: FileMemory, count: Int) {
        self.memory = memory
        range = 0..<count
    }

    fileprivate var buffer: uv_buf_t {
        uv_buf_init(
            memory.bytes.baseAddress.map { ($0 + range.lowerBound).assumingMemoryBound(to: CChar.self) },
            UInt32(range.count))
    }
}

extension Array where Element == FileSlice {
    /// How many bytes there are in all.
    var byteCount: Int { reduce(0) { $0 + $1.range.count } }

    /// Leaves out the first bytes.
    mutating func removeBytes(_ count: Int) {
        var left = count
        while left > 0, let first {
            guard first.range.count > left else {
                left -= first.range.count
                removeFirst()
                continue
            }
            self[0].range = first.range.lowerBound + left..<first.range.upperBound
            left = 0
        }
    }

    /// Calls with libuv's form of the list, which libuv copies.
    func withBuffers<Value>(_ body: (UnsafeMutablePointer<uv_buf_t>?, UInt32) -> Value) -> Value {
        withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: Swift.max(1, count)) { buffers in
            for (index, slice) in enumerated() { buffers[index] = slice.buffer }
            return body(buffers.baseAddress, UInt32(count))
        }
    }
}
