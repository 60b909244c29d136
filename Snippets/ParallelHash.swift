// Hashes every file of a folder on all cores: a group of loops, one for each core, and a list of files that they share.
//
//   swift run -c release ParallelHash [FOLDER]       by default the current folder

import AsyncIO
import Glibc
import Synchronization

/// FNV-1a, 64 bits.
struct Hash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ bytes: [UInt8]) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }

    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// Where the next loop goes on in the list.
final class Position: Sendable {
    private let next = Atomic<Int>(0)
    func take() -> Int { next.wrappingAdd(1, ordering: .relaxed).oldValue }
}

/// What came of one file.
struct Line: Sendable {
    let path: String
    let result: String
}

/// The hash of a file, or why it cannot be read.
nonisolated(nonsending) func hash(_ path: String, _ loop: EventLoop) async throws -> String {
    do {
        return try await loop.files.withFile(path) { file in
            var hash = Hash()
            for try await chunk in file { hash.add(chunk) }
            return hash.text
        }
    } catch let error as IOError {
        return "\(error)"
    }
}

let folder = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "."
do {
    try AsyncIO.run { loop in
        var found: [String] = []
        for try await entry in loop.files.walk(folder, onError: { print("left out: \($0)") })
        where entry.type == .regular {
            found.append(entry.path)
        }
        let paths = found
        let position = Position()
        let group = try EventLoopGroup()
        // Each loop takes the next file when it is done with one; a few at once, since it waits for the disk.
        let lines = try await group.onEach { loop in
            var lines: [Line] = []
            try await loop.withTaskGroup { workers in
                for _ in 0..<4 {
                    workers.createTask {
                        while true {
                            let index = position.take()
                            guard index < paths.count else { return }
                            lines.append(Line(path: paths[index], result: try await hash(paths[index], loop)))
                        }
                    }
                }
            }
            return lines
        }
        try await group.shutdown()
        for line in lines.joined().sorted(by: { $0.path < $1.path }) { print(line.result, line.path) }
    }
} catch {
    print("ParallelHash: \(error)")
    exit(1)
}
