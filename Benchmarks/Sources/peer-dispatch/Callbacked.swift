// A connection of the server in callbacks: everything happens on one serial queue.

import Dispatch
import Glibc
import NativeWorkloads

/// One read buffer for all connections: what was read is written at once.
// SAFETY: only the serial queue of the connections touches it.
private nonisolated(unsafe) let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)

/// Echoes, or answers requests. It lives as long as its sources' handlers.
// SAFETY: only its queue touches it.
final class CallbackConnection: @unchecked Sendable {
    private let descriptor: Int32
    private let http: Bool
    private let reading: any DispatchSourceRead
    private let writing: any DispatchSourceWrite
    private var requests = RequestCounter()
    /// What the socket did not take. Reading is suspended while there is something.
    private var pending: ArraySlice<UInt8> = []

    init(_ descriptor: Int32, http: Bool, on queue: DispatchQueue) {
        self.descriptor = descriptor
        self.http = http
        reading = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        writing = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
        reading.setEventHandler { self.readable() }
        writing.setEventHandler { self.writable() }
        reading.setCancelHandler { close(descriptor) }
        reading.activate()
    }

    private func readable() {
        let count = read(descriptor, readBuffer.baseAddress, readBuffer.count)
        if count <= 0 {
            if count == 0 || errno != EAGAIN { end() }
            return
        }
        let bytes = UnsafeRawBufferPointer(rebasing: readBuffer[..<count])
        if !http { return send(bytes) }
        let answers = requests.feed(bytes)
        if answers > 0 { httpAnswers(answers).withUnsafeBytes { send($0) } }
    }

    private func send(_ bytes: UnsafeRawBufferPointer) {
        let count = max(0, write(descriptor, bytes.baseAddress, bytes.count))
        if count == bytes.count { return }
        pending = Array(bytes[count...])[...]
        reading.suspend()
        writing.resume()
    }

    private func writable() {
        let count = pending.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno == EAGAIN { return }
        if count > 0 { pending = pending.dropFirst(count) }
        if count > 0 && !pending.isEmpty { return }
        // An error comes up again at the next read.
        pending = []
        writing.suspend()
        reading.resume()
    }

    /// Only ever called while reading, so the other source is suspended, and a suspended source must not be released.
    private func end() {
        reading.cancel()
        writing.cancel()
        writing.resume()
        reading.setEventHandler(handler: nil)
        writing.setEventHandler(handler: nil)
    }
}
