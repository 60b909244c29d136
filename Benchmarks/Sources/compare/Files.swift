// Where things are, and whole files.

import AsyncIO
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

extension EventLoop {
    /// The text of a file; nil if there is none.
    func text(of path: String) async throws -> String? {
        do {
            return String(decoding: try await files.readFile(path), as: UTF8.self)
        } catch let error as IOError where error.code == .noSuchFile {
            return nil
        }
    }

    /// Replaces a file as a whole, so that an interrupt leaves the old one.
    func replace(_ path: String, with text: String) async throws {
        try await files.writeFile(path + ".new", text)
        try await files.rename(path + ".new", to: path)
    }
}

/// Something has gone wrong that ends one measurement, or all.
struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }

    /// For the results: not too long, and without folders of this machine.
    var brief: String {
        let words = description.split(separator: " ").map { word in
            guard let slash = word.firstIndex(of: "/"), !word[..<slash].contains(where: \.isLetter) else { return word }
            return word[..<slash] + (word.split(separator: "/").last ?? "")
        }
        let text = words.joined(separator: " ")
        return text.count > 100 ? text.prefix(100) + "…" : text
    }
}

/// Progress and complaints, on standard error.
func note(_ text: String) {
    let line = text + "\n"
    _ = write(STDERR_FILENO, line, line.utf8.count)
}
