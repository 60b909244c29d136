// Removing folders with all that is in them.

extension Files {
    /// Removes a file, or a folder with all that is in it. Links are removed, and not followed. This is not safe from somebody
    /// who puts a link in the place of a folder meanwhile.
    ///
    /// **Cancellation:** ends the removal; a part has been removed.
    ///
    /// - Throws: ``IOError`` about the first thing that cannot be removed. What others remove meanwhile is no error.
    ///
    /// asyncio: shutil.rmtree · libuv: uv_fs_scandir, uv_fs_unlink, uv_fs_rmdir
    public func removeTree(_ path: String) async throws {
        guard try await lstat(path).isDirectory else { return try await remove(path) }
        try await removeFolder(path, toEnd: false)
    }

    /// Removes a folder with all that is in it as a clean-up, which no cancellation breaks off.
    func clearAway(_ path: String) async -> IOError? {
        do { try await removeFolder(path, toEnd: true) } catch { return error as? IOError }
        return nil
    }

    private struct Level {
        let path: String
        /// What is still to be removed.
        var entries: [(name: String, type: FileTypeNumber)]
    }

    private func removeFolder(_ path: String, toEnd: Bool) async throws {
        var levels: [Level] = []
        if let level = try await level(path, toEnd) { levels.append(level) }
        while let last = levels.indices.last {
            guard let entry = levels[last].entries.popLast() else {
                let folder = levels.removeLast().path
                try await unlessGone { try await step(folder, .removeDirectory(folder), toEnd) { _ in } }
                continue
            }
            let child = join(levels[last].path, entry.name)
            if entry.type != .directory, try await removeFile(child, entry.type, toEnd) { continue }
            if let level = try await level(child, toEnd) { levels.append(level) }
        }
    }

    /// Removes what is no folder; false if it turns out to be one.
    private func removeFile(_ path: String, _ type: FileTypeNumber, _ toEnd: Bool) async throws -> Bool {
        do {
            try await unlessGone { try await step(path, .unlink(path), toEnd) { _ in } }
            return true
        } catch let error as IOError where type == .unknown && [.isDirectory, .notPermitted].contains(error.code) {
            return false
        }
    }

    private func level(_ path: String, _ toEnd: Bool) async throws -> Level? {
        var level: Level?
        try await unlessGone {
            let entries = try await step(path, .listDirectory(path), toEnd) { $0.entries }
            level = Level(path: path, entries: entries)
        }
        return level
    }

    private func unlessGone(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as IOError where error.code == .noSuchFile {}
    }

    private func step<Value>(
        _ path: String, _ call: FileCall, _ toEnd: Bool, _ read: @escaping (UVFileRequest) -> Value
    ) async throws -> Value {
        if !toEnd { return try await loop.fileCall(call, path, read) }
        return try await loop.fileCallToEnd(call) { request -> Result<Value, any Error> in
            request.result < 0 ? .failure(IOError(request, path)) : .success(read(request))
        }.get()
    }
}
