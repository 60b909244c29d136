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
    /// One for all reads: what was read is written before the next one.
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)

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

    deinit { buffer.deallocate() }

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

    /// Up to 64 KiB, valid until the next call; nothing at the end, or when the connection is broken.
    func receive() async -> UnsafeRawBufferPointer {
        while true {
            let count = read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 || errno != EAGAIN { return UnsafeRawBufferPointer(rebasing: buffer[..<max(0, count)]) }
            await wait(for: reading)
        }
    }

    /// False when the connection is broken.
    func send(_ bytes: UnsafeRawBufferPointer) async -> Bool {
        await send(bytes.count) { write(descriptor, bytes.baseAddress! + $0, bytes.count - $0) }
    }

    /// So many answers to requests; false when the connection is broken.
    func answer(_ count: Int) async -> Bool {
        if count == 0 { return true }
        let answers = httpAnswers(count)
        return await send(answers.count) { sent in
            answers.withUnsafeBytes { write(descriptor, $0.baseAddress! + sent, $0.count - sent) }
        }
    }

    /// `writeRest` is told how much has been written already.
    private func send(_ length: Int, _ writeRest: (Int) -> Int) async -> Bool {
        var sent = 0
        while true {
            let count = writeRest(sent)
            if count < 0 && errno != EAGAIN { return false }
            sent += max(0, count)
            if sent == length { return true }
            await wait(for: writing)
        }
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
    while true {
        let bytes = await connection.receive()
        if bytes.isEmpty { break }
        guard await connection.answer(requests.feed(bytes)) else { break }
    }
    connection.end()
}
