// Streams of bytes: what TCP connections, Unix sockets and pipes have in common.

internal import CLibuv

/// Who is told what happens on a stream. All calls come from inside of libuv's poll phase.
protocol UVStreamDelegate: AnyObject {
    /// Where the next bytes are to go, for a stream whose `hasOwnBuffer` is set; nil or empty ends in a failure.
    func streamNeedsBuffer() -> UnsafeMutableRawBufferPointer?
    /// At least one byte has come. The memory is lent for the call.
    func streamDidRead(_ bytes: UnsafeRawBufferPointer)
    func streamDidReadNothing()
    /// The other end has sent everything.
    func streamDidEnd()
    func streamDidFail(_ status: Int32)
    /// A ``UVStream/write(_:)`` is done; `status` is negative if it failed.
    func streamDidWrite(_ status: Int32)
    /// The handle is gone; the last call.
    func streamDidClose()
}

/// Reads into a buffer of its loop and writes what the socket takes at once, or queues the rest.
/// libuv: uv_stream_t
class UVStream: UVHandle {
    /// Kept until the handle is closed, so a stream that is open keeps its user alive.
    @exclusivity(unchecked) final var delegate: (any UVStreamDelegate)?
    /// Whether the delegate says where bytes go, instead of the buffer that all streams of the loop share.
    @exclusivity(unchecked) final var hasOwnBuffer = false
    /// A terminal says EIO at its end, and has no writing side that could be ended alone.
    final var isTerminal: Bool { self is UVTTY }

    private final var stream: UnsafeMutablePointer<uv_stream_t> { pointer(as: uv_stream_t.self) }

    /// libuv is asking where bytes are to go. It would call what `uv_read_stop` has taken away.
    fileprivate final var isAskingForBuffer = false
    fileprivate final var stopsWhenAsked = false

    final func startReading() -> Int32 {
        stopsWhenAsked = false
        let status = uv_read_start(stream, streamNeedsBuffer, streamDidRead)
        return status == Int32(UV_EALREADY.rawValue) ? 0 : status
    }

    final func stopReading() {
        if isAskingForBuffer { stopsWhenAsked = true } else if isOpen { uv_read_stop(stream) }
    }

    fileprivate final func askForBuffer() -> UnsafeMutableRawBufferPointer? {
        isAskingForBuffer = true
        let buffer = delegate?.streamNeedsBuffer()
        isAskingForBuffer = false
        return stopsWhenAsked ? nil : buffer
    }

    fileprivate final func didNotRead(_ count: Int) {
        if stopsWhenAsked {
            stopsWhenAsked = false
            stopReading()
            delegate?.streamDidReadNothing()
        } else if count == 0 {
            delegate?.streamDidReadNothing()
        } else if count == Int(UV_EOF.rawValue) || (count == Int(UV_EIO.rawValue) && isTerminal) {
            delegate?.streamDidEnd()
        } else {
            delegate?.streamDidFail(Int32(count))
        }
    }

    /// Writes what the system takes at once: a count, or a negative status.
    @inline(__always)
    final func tryWrite(_ bytes: UnsafeRawBufferPointer) -> Int {
        var buffer = uvBuffer(bytes)
        return Int(uv_try_write(stream, &buffer, 1))
    }

    /// Writes blocks in one go, as soon as the system takes them. They are freed when that is done.
    final func write(_ blocks: BlockQueue) -> Int32 {
        let request = UVWrite(blocks, on: self)
        return request.submit(to: stream)
    }

    /// How many bytes of ``write(_:)`` have not gone out.
    final var writeQueueSize: Int { uv_stream_get_write_queue_size(stream) }

    /// The descriptor; -1 when the stream is closed.
    final var descriptor: Int32 {
        var descriptor: Int32 = -1
        guard isOpen, uv_fileno(raw, &descriptor) == 0 else { return -1 }
        return descriptor
    }

    override func didClose() {
        let delegate = self.delegate
        self.delegate = nil
        delegate?.streamDidClose()
    }
}

@inline(__always)
private func uvBuffer(_ bytes: UnsafeRawBufferPointer) -> uv_buf_t {
    // libuv does not write to what is to be written.
    uv_buf_t(
        base: UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self),
        len: bytes.count)
}

private func streamNeedsBuffer(
    _ handle: UnsafeMutablePointer<uv_handle_t>?, _ suggested: Int, _ buffer: UnsafeMutablePointer<uv_buf_t>?
) {
    withUVOwner(handle?.pointee.data, as: UVStream.self) { stream in
        let target = stream.hasOwnBuffer ? stream.askForBuffer() : stream.loop.readBuffer
        buffer?.pointee = uv_buf_t(
            base: target?.baseAddress?.assumingMemoryBound(to: CChar.self), len: target?.count ?? 0)
    }
}

private func streamDidRead(
    _ handle: UnsafeMutablePointer<uv_stream_t>?, _ count: Int, _ buffer: UnsafePointer<uv_buf_t>?
) {
    withUVOwner(handle?.pointee.data, as: UVStream.self) { stream in
        if _fastPath(count > 0 && !stream.stopsWhenAsked) {
            stream.delegate?.streamDidRead(UnsafeRawBufferPointer(start: buffer?.pointee.base, count: count))
        } else {
            stream.didNotRead(count)
        }
    }
}

/// Bytes that are on their way out. libuv: uv_write_t
final class UVWrite: UVRequest {
    private let stream: UVStream
    private let blocks: BlockQueue

    init(_ blocks: BlockQueue, on stream: UVStream) {
        self.stream = stream
        self.blocks = blocks
        super.init(UV_WRITE, on: stream.loop)
    }

    func submit(to raw: UnsafeMutablePointer<uv_stream_t>) -> Int32 {
        withUnsafeTemporaryAllocation(of: uv_buf_t.self, capacity: blocks.count) { buffers in
            var count = 0
            blocks.forEach { bytes in
                buffers[count] = uvBuffer(bytes)
                count += 1
            }
            return start {
                uv_write(pointer(as: uv_write_t.self), raw, buffers.baseAddress, UInt32(count), writeDidEnd)
            }
        }
    }

    fileprivate func end(_ status: Int32) {
        stream.delegate?.streamDidWrite(status)
    }
}

private func writeDidEnd(_ request: UnsafeMutablePointer<uv_write_t>?, _ status: Int32) {
    UVRequest.complete(request?.pointee.data, as: UVWrite.self)?.end(status)
}
