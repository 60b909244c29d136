// A connection of the server in async/await, on Swift's default executor.

import Dispatch
import Glibc
import NativeWorkloads

/// Reads and writes at once where the socket allows it, and waits for a dispatch source otherwise.
// SAFETY: one task uses it, and a source's handler only between a wait and the resumption.
final class StreamConnection: @unchecked Sendable {
    private let descriptor: Int32
    private let reading: any DispatchSourceRead
    private let writing: any DispatchSourceWrite
    private var waiting: UnsafeContinuation<Void, Never>?

    init(_ descriptor: Int32, on queue: DispatchQueue) {
        self.descriptor = descriptor
        reading = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        writing = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
        reading.setEventHandler { [unowned self] in ready(reading) }
        writing.setEventHandler { [unowned self] in ready(writing) }
        // Both sources are done before the number may be used again.
        writing.setCancelHandler { [reading] in reading.cancel() }
        reading.setCancelHandler { close(descriptor) }
    }

    /// A suspended source must not be released.
    func end() {
        writing.cancel()
        writing.resume()
        reading.resume()
    }

    private func ready(_ source: any DispatchSourceProtocol) {
        guard let continuation = waiting.take() else { return }
        source.suspend()
        continuation.resume()
    }

    private func wait(for source: any DispatchSourceProtocol) async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            waiting = continuation
            source.resume()
        }
    }

    /// Up to 64 KiB; nothing at the end, or when the connection is broken.
    func receive() async -> [UInt8] {
        while true {
            var again = false
            let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, length in
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                again = count < 0 && errno == EAGAIN
                length = max(0, count)
            }
            if !again { return bytes }
            await wait(for: reading)
        }
    }

    /// False when the connection is broken.
    func send(_ bytes: [UInt8]) async -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + sent, $0.count - sent) }
            if count > 0 { sent += count }
            if count < 0 && errno != EAGAIN { return false }
            if sent < bytes.count { await wait(for: writing) }
        }
        return true
    }
}

func echo(_ connection: StreamConnection) async {
    while true {
        let bytes = await connection.receive()
        guard !bytes.isEmpty, await connection.send(bytes) else { break }
    }
    connection.end()
}

func answerRequests(_ connection: StreamConnection) async {
    var requests = RequestCounter()
    serving: while true {
        let bytes = await connection.receive()
        if bytes.isEmpty { break }
        for _ in 0..<requests.feed(bytes) {
            guard await connection.send(httpAnswer) else { break serving }
        }
    }
    connection.end()
}
