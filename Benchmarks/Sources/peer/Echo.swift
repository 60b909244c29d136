// What the echo servers do with a connection: as a protocol, as one with a buffer of its own, and as streams.
// They are written as any program on this library would be.

import AsyncIO

final class EchoProtocol: StreamProtocol {
    private var transport: Transport?

    func connectionMade(_ transport: Transport) { self.transport = transport }
    func dataReceived(_ data: RawSpan) { transport?.write(data) }

    // A client that does not read is not read from either, so that what waits for it stays small.
    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
}

final class BufferedEcho: BufferedProtocol {
    private var transport: Transport?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
    deinit { buffer.deallocate() }

    func connectionMade(_ transport: Transport) { self.transport = transport }
    func getBuffer(_ sizeHint: Int) -> UnsafeMutableRawBufferPointer { buffer }

    func bufferUpdated(_ count: Int) {
        transport?.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]).bytes)
    }

    func pauseWriting() { transport?.pauseReading() }
    func resumeWriting() { transport?.resumeReading() }
}

nonisolated(nonsending) func echo(_ reader: StreamReader, _ writer: StreamWriter) async throws {
    do {
        while true {
            let data = try await reader.read(65536)
            if data.isEmpty { return }
            writer.write(data)
            try await writer.drain()
        }
    } catch let error as IOError where error.code == .connectionReset {
        // Load generators end so.
    }
}
