// Helpers of the tests of streams and of sending files: connected pairs, files without a name, and errors as values.

import Glibc
import Testing

@testable import AsyncIO

/// The bytes of a text.
func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Bytes as a text.
func asText(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// What `body` throws; nil if it succeeds.
func caught<Value>(_ body: () async throws -> Value) async -> (any Error)? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error
    }
}

/// The code of an error of the loop's.
func loopCode(_ error: (any Error)?) -> EventLoopError.Code? { (error as? EventLoopError)?.code }

/// The code of an error of the system's.
func systemCode(_ error: (any Error)?) -> IOError.Code? { (error as? IOError)?.code }

/// Bytes that look random and are the same for the same seed.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var random = SplitMix(seed: seed)
    return [UInt8](upTo: count) { bytes in
        var place = 0
        while place < count {
            let word = random.next()
            withUnsafeBytes(of: word) {
                let size = min(8, count - place)
                UnsafeMutableRawBufferPointer(rebasing: bytes[place..<place + size]).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: $0[..<size]))
            }
            place += 8
        }
        return count
    }
}

/// Both ends of a connection that the system made in one call.
final class StreamPair {
    let near: (reader: StreamReader, writer: StreamWriter)
    let far: (reader: StreamReader, writer: StreamWriter)

    private init(
        _ near: (reader: StreamReader, writer: StreamWriter), _ far: (reader: StreamReader, writer: StreamWriter)
    ) {
        self.near = near
        self.far = far
    }

    static func connected(
        _ loop: EventLoop, nearLimit: Int = StreamReader.defaultLimit, farLimit: Int = StreamReader.defaultLimit
    ) async throws -> StreamPair {
        let (first, second) = try socketPair()
        let near = try await loop.openConnection(fileDescriptor: first, limit: nearLimit)
        let far = try await loop.openConnection(fileDescriptor: second, limit: farLimit)
        return StreamPair(near, far)
    }

    /// Closes both ends and waits for the end; errors of the connection do not matter any more.
    func close() async {
        near.writer.close()
        far.writer.close()
        try? await near.writer.waitClosed()
        try? await far.writer.waitClosed()
    }
}

/// A file without a name that is gone with its object.
final class NamelessFile {
    let descriptor: Int32

    init(_ content: [UInt8]) {
        var template = octets("/tmp/asyncio-test-XXXXXX").map { CChar(bitPattern: $0) } + [0]
        descriptor = mkstemp(&template)
        unlink(template)
        var place = 0
        while place < content.count {
            let count = content.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress.map { $0 + place }, content.count - place, place)
            }
            guard count > 0 else { break }
            place += count
        }
        #expect(place == content.count)
    }

    deinit { Glibc.close(descriptor) }

    var position: Int { lseek(descriptor, 0, SEEK_CUR) }
}

/// A folder that is gone with its object.
final class ScratchFolder {
    let path: String

    init() {
        var template = octets("/tmp/asyncio-test-XXXXXX").map { CChar(bitPattern: $0) } + [0]
        #expect(mkdtemp(&template) != nil)
        path = asText(template.dropLast().map { UInt8(bitPattern: $0) })
    }

    deinit { rmdir(path) }
}

extension EventLoop {
    /// Gives way until something has come true; a test that waits in vain is ended by the watchdog.
    func untilTrue(_ condition: () -> Bool) async throws { while !condition() { try await rounds(1) } }
}
