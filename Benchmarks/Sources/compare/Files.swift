// Where things are, and whole files.

import Glibc

enum Folder {
    /// The package, which holds this source.
    static let benchmarks = String(
        #filePath.split(separator: "/", omittingEmptySubsequences: false)
            .dropLast(3).joined(separator: "/"))
    static let nio = benchmarks + "/SwiftNIO"
    static let results = benchmarks + "/results"

    /// What was built with this program lies beside it.
    static let programs: String = {
        let path = realPath("/proc/self/exe") ?? CommandLine.arguments[0]
        return String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    }()
}

func realPath(_ path: String) -> String? {
    guard let pointer = realpath(path, nil) else { return nil }
    defer { free(pointer) }
    return String(cString: pointer)
}

/// Nil if it cannot be read.
func readText(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = fread(&piece, 1, piece.count, file)
        if count == 0 { return String(decoding: bytes, as: UTF8.self) }
        bytes += piece[..<count]
    }
}

/// Replaces the file as a whole, so that an interrupt leaves the old one.
func writeText(_ text: String, _ path: String) throws {
    let temporary = path + ".new"
    guard let file = fopen(temporary, "w") else { throw Failure("cannot write \(temporary)") }
    let written = fputs(text, file) >= 0
    guard fclose(file) == 0, written, rename(temporary, path) == 0 else { throw Failure("cannot write \(path)") }
}

/// Something has gone wrong that ends one measurement, or all.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Progress and complaints, on standard error.
func note(_ text: String) {
    let line = text + "\n"
    _ = write(STDERR_FILENO, line, line.utf8.count)
}
