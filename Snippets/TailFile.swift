// Prints what is added to a file, as `tail -F` does: also after the file has been truncated or replaced.
//
//   swift run TailFile PATH        Ctrl-C ends it

import AsyncIO
import Glibc

/// What has been printed of a file.
struct Tail {
    var file: AsyncFile
    var identity: FileInfo
}

/// Opens the file that has this path now; nil if there is none.
nonisolated(nonsending) func open(_ path: String, _ loop: EventLoop) async throws -> Tail? {
    do {
        let file = try await loop.files.open(path)
        return Tail(file: file, identity: try await file.stat())
    } catch let error as IOError where error.code == .noSuchFile {
        return nil
    }
}

/// Prints everything from where the file stands to its end.
nonisolated(nonsending) func printRest(of file: AsyncFile) async throws {
    if try await file.stat().size < file.position {
        print("--- \(file.path) was truncated")
        try await file.seek(to: 0)
    }
    // As bytes: a chunk may end in the middle of a character.
    for try await chunk in file { for byte in chunk { putchar(Int32(byte)) } }
    fflush(nil)
}

nonisolated(nonsending) func follow(_ path: String, _ loop: EventLoop) async throws {
    // Watched before it is read: nothing that is added in between is missed.
    let changes = loop.files.watch(path)
    guard var tail = try await open(path, loop) else {
        print("\(path): there is no such file")
        exit(1)
    }
    // Only the last kilobyte of what is there already.
    _ = try await tail.file.seekToEnd(before: min(1024, tail.identity.size))
    try await printRest(of: tail.file)
    for try await _ in changes {
        try await printRest(of: tail.file)
        if let new = try await open(path, loop) {
            if new.identity.isSameFile(as: tail.identity) {
                try await new.file.close()
            } else {
                print("--- \(path) is another file now")
                try await tail.file.close()
                tail = new
                try await printRest(of: tail.file)
            }
        }
    }
}

guard CommandLine.arguments.count == 2 else {
    print("usage: TailFile PATH")
    exit(2)
}
let path = CommandLine.arguments[1]
do {
    try AsyncIO.run { loop in
        try await loop.withGracefulShutdown { try await follow(path, loop) }
    }
} catch {
    print("TailFile: \(error)")
    exit(1)
}
