// Folders: making, listing and removing them.

extension Files {
    /// Makes a folder.
    ///
    /// **Cancellation:** ends the wait; it may have happened.
    ///
    /// - Parameters:
    ///   - path: the new folder.
    ///   - permissions: who may do what with it, less what the process's umask takes away.
    ///   - withIntermediates: whether to make the folders on the way as well; then a folder that is there is no error.
    /// - Throws: ``IOError``, for example `.fileExists`, `.noSuchFile`.
    ///
    /// asyncio: os.mkdir, os.makedirs(exist_ok=True) · libuv: uv_fs_mkdir
    public func makeDirectory(
        _ path: String, permissions: FilePermissions = 0o777, withIntermediates: Bool = false
    ) async throws {
        guard withIntermediates else { return try await call(path, .makeDirectory(path, permissions.rawValue)) }
        // The ones on the way that are missing, the innermost one last.
        var missing: [String] = []
        var next = path
        while true {
            do {
                try await call(next, .makeDirectory(next, missing.isEmpty ? permissions.rawValue : 0o777))
            } catch let error as IOError where error.code == .noSuchFile {
                guard let parent = parent(of: next) else { throw error }
                missing.append(next)
                next = parent
                continue
            } catch let error as IOError {
                // File systems differ in what they say about a folder that is there.
                guard try await isDirectory(next) else { throw error }
            }
            guard let inner = missing.popLast() else { return }
            next = inner
        }
    }

    /// Whether a path leads to a folder, as far as that can be known.
    private func isDirectory(_ path: String) async throws -> Bool {
        do { return try await stat(path).isDirectory } catch is IOError { return false }
    }

    /// The folder that a path is in; nil if the path does not say so.
    private func parent(of path: String) -> String? {
        let slash = UInt8(ascii: "/")
        var bytes = Array(path.utf8)
        while bytes.last == slash { bytes.removeLast() }
        while let last = bytes.last, last != slash { bytes.removeLast() }
        while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
        return bytes.isEmpty || bytes == [slash] ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// Removes an empty folder.
    ///
    /// **Cancellation:** ends the wait; it may have happened.
    ///
    /// - Throws: ``IOError``, for example `.directoryNotEmpty`.
    ///
    /// asyncio: os.rmdir · libuv: uv_fs_rmdir
    public func removeDirectory(_ path: String) async throws { try await call(path, .removeDirectory(path)) }

    /// What is in a folder, without `.` and `..`, sorted by the bytes of the names.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError``, for example `.notDirectory`.
    ///
    /// asyncio: os.scandir · libuv: uv_fs_scandir
    public func list(_ path: String) async throws -> [DirectoryEntry] {
        var entries = try await call(path, .listDirectory(path)) { Self.sorted($0.entries) }
        // Some file systems do not tell what an entry is.
        var index = 0
        while index < entries.count {
            if entries[index].type == .unknown {
                do {
                    let type = try await lstat(join(path, entries[index].name)).type
                    entries[index] = DirectoryEntry(name: entries[index].name, type: type)
                } catch let error as IOError where error.code == .noSuchFile {
                    // It has gone meanwhile.
                    entries.remove(at: index)
                    continue
                }
            }
            index += 1
        }
        return entries
    }

    private static func sorted(_ entries: [(name: String, type: FileTypeNumber)]) -> [DirectoryEntry] {
        entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            .map { DirectoryEntry(name: $0.name, type: FileType($0.type)) }
    }
}
