// Blocking file work, for the thread pool.

import Glibc

/// A file or folder that could not be read, and why.
struct FileError: Error, CustomStringConvertible {
    let path: String
    let code: Int32

    var description: String { "\(path): \(String(cString: strerror(code)))" }
}

/// What came out of reading a file.
struct FileDigest: Sendable {
    /// The size in bytes.
    var size = 0
    /// FNV-1a, 64 bits.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    /// The contents, if they are short and look like text.
    var text: [UInt8]?

    /// Adds bytes to the size and the hash.
    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
            size += 1
        }
    }
}

private let longestText = 1 << 20

/// Every regular file under `folder`, in order. Symbolic links are not followed.
func listFiles(_ folder: String) throws -> [String] {
    guard let directory = opendir(folder) else { throw FileError(path: folder, code: errno) }
    defer { closedir(directory) }
    var files: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        let path = folder + "/" + name
        var status = stat()
        guard lstat(path, &status) == 0 else { continue }
        switch status.st_mode & S_IFMT {
        case S_IFREG: files.append(path)
        case S_IFDIR: files += (try? listFiles(path)) ?? []
        default: continue
        }
    }
    return files.sorted()
}

/// Reads and hashes a file.
func hashFile(_ path: String) throws -> FileDigest {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
    defer { close(descriptor) }
    var digest = FileDigest()
    var text: [UInt8]? = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw FileError(path: path, code: errno) }
        guard count > 0 else { break }
        digest.add(buffer[..<count])
        if digest.size > longestText || buffer[..<count].contains(0) { text = nil }
        text?.append(contentsOf: buffer[..<count])
    }
    digest.text = text
    return digest
}

/// A file that is removed when it is closed.
final class TemporaryFile {
    let path: String
    let descriptor: Int32

    /// Writes `bytes` to a new file in the folder for temporary files.
    init(_ bytes: [UInt8]) throws {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/tour.XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let error = FileError(path: path, code: errno)
                close()
                throw error
            }
            written += count
        }
    }

    /// Closes the file and removes it.
    func close() {
        unlink(path)
        Glibc.close(descriptor)
    }
}
