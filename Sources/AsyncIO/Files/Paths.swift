// Names: renaming, links, what links lead to, and names for temporary files.

extension Files {
    /// Gives a file or folder another name, and takes the place of what had that name.
    ///
    /// **Cancellation:** ends the wait; it may have happened.
    ///
    /// - Throws: ``IOError`` with both paths, for example `.crossDevice` if they are on different file systems.
    ///
    /// asyncio: os.replace · libuv: uv_fs_rename
    public func rename(_ from: String, to: String) async throws { try await call(from, to, .rename(from, to)) }

    /// Removes a file, or a link, by its name.
    ///
    /// **Cancellation:** ends the wait; it may have happened.
    ///
    /// - Throws: ``IOError`` with the path, for example `.noSuchFile`; `.isDirectory` for a folder, which
    ///   ``removeDirectory(_:)`` removes.
    ///
    /// asyncio: os.remove · libuv: uv_fs_unlink
    public func remove(_ path: String) async throws { try await call(path, .unlink(path)) }

    /// Gives a file a second name.
    ///
    /// **Cancellation:** ends the wait; it may have happened.
    ///
    /// - Throws: ``IOError`` with both paths, for example `.fileExists`, `.crossDevice`.
    ///
    /// asyncio: os.link · libuv: uv_fs_link
    public func link(_ existing: String, to path: String) async throws {
        try await call(existing, path, .link(existing, path))
    }

    /// Makes a symbolic link at `path`; its target need not be there.
    ///
    /// **Cancellation:** ends the wait; it may have happened.
    ///
    /// - Throws: ``IOError`` with both paths, for example `.fileExists`.
    ///
    /// asyncio: os.symlink · libuv: uv_fs_symlink
    public func symlink(_ target: String, at path: String) async throws {
        try await call(target, path, .symlink(target, path))
    }

    /// The text of a symbolic link.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` `.invalidArgument` if it is none.
    ///
    /// asyncio: os.readlink · libuv: uv_fs_readlink
    public func readLink(_ path: String) async throws -> String { try await call(path, .readLink(path)) { $0.text } }

    /// The path without links, dots and repeated slashes, from the root.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path, for example `.noSuchFile`, `.tooManySymbolicLinks`.
    ///
    /// asyncio: os.path.realpath(strict=True) · libuv: uv_fs_realpath
    public func realPath(_ path: String) async throws -> String { try await call(path, .realPath(path)) { $0.text } }

    /// Makes a new file with a name of its own, for reading and writing by this user only. Removing it is up to the caller.
    ///
    /// **Cancellation:** ends the wait; a file that is made nevertheless is removed.
    ///
    /// - Parameters:
    ///   - folder: where; nil is the system's place for temporary files: ``SystemInfo/temporaryDirectory``.
    ///   - prefix: what its name begins with; six letters and digits follow.
    /// - Throws: ``IOError`` with the path that was tried, for example `.noSuchFile` for the folder; ``EventLoopError``
    ///   `.invalidArgument` for a prefix with a slash.
    ///
    /// asyncio: tempfile.mkstemp · libuv: uv_fs_mkstemp
    public func makeTemporaryFile(
        in folder: String? = nil, prefix: String = "tmp"
    ) async throws -> (file: AsyncFile, path: String) {
        let template = try template(folder, prefix)
        let loop = self.loop
        let made = try await call(
            template, .makeTemporaryFile(template),
            discard: { (made: (descriptor: Int32, path: String)) in
                loop.fileCallInBackground(.close(made.descriptor))
                loop.fileCallInBackground(.unlink(made.path))
            }, { (descriptor: Int32($0.result), path: $0.path) })
        return (AsyncFile(made.descriptor, path: made.path, mode: .update, loop: loop), made.path)
    }

    /// Makes a new folder with a name of its own, for this user only. Removing it is up to the caller.
    ///
    /// **Cancellation:** ends the wait; a folder that is made nevertheless is removed.
    ///
    /// - Parameters:
    ///   - folder: where; nil is the system's place for temporary files: ``SystemInfo/temporaryDirectory``.
    ///   - prefix: what its name begins with; six letters and digits follow.
    /// - Throws: ``IOError`` with the path that was tried, for example `.noSuchFile` for the folder; ``EventLoopError``
    ///   `.invalidArgument` for a prefix with a slash.
    ///
    /// asyncio: tempfile.mkdtemp · libuv: uv_fs_mkdtemp
    public func makeTemporaryDirectory(in folder: String? = nil, prefix: String = "tmp") async throws -> String {
        let template = try template(folder, prefix)
        let loop = self.loop
        return try await call(
            template, .makeTemporaryDirectory(template),
            discard: { loop.fileCallInBackground(.removeDirectory($0)) }, { $0.path })
    }

    /// Runs `body` with a new folder, which is removed afterwards with all that is in it.
    ///
    /// **Cancellation:** that of the body; the folder is removed.
    ///
    /// - Throws: what the body throws; ``IOError`` if the body succeeded and the folder cannot be removed.
    ///
    /// asyncio: tempfile.TemporaryDirectory · libuv: uv_fs_mkdtemp
    public func withTemporaryDirectory<Value>(
        in folder: String? = nil, prefix: String = "tmp", _ body: (String) async throws -> Value
    ) async throws -> Value {
        let path = try await makeTemporaryDirectory(in: folder, prefix: prefix)
        let result: Value
        do {
            result = try await body(path)
        } catch {
            _ = await clearAway(path)
            throw error
        }
        if let error = await clearAway(path) { throw error }
        return result
    }

    private func template(_ folder: String?, _ prefix: String) throws -> String {
        if prefix.utf8.contains(UInt8(ascii: "/")) {
            throw EventLoopError.invalidArgument("prefix: must not contain a slash")
        }
        return join(try folder ?? System.temporaryFolder(), prefix + "XXXXXX")
    }

    /// A path in a folder.
    func join(_ folder: String, _ name: String) -> String {
        folder.isEmpty || folder.utf8.last == UInt8(ascii: "/") ? folder + name : folder + "/" + name
    }
}
