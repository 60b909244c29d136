// The face of the file system: opening files, whole files, and questions about paths.

/// The file system, without waiting for it on the loop's thread: what `loop.files` is.
///
/// ```swift
/// let text = try await loop.files.readFile("/etc/hostname")
/// try await loop.files.writeFile("copy", text)
/// ```
///
/// Every call is made by a thread of libuv's pool, which has four threads unless the environment's `UV_THREADPOOL_SIZE` says
/// otherwise, and which looks up names of hosts as well. So that the files of a loop do not keep all of these threads, it has
/// at most three calls in the pool, and one less than there are threads (of a pool with one thread, one call); the others wait
/// in the loop, in order. Loops share the pool and not this bound: give it three threads for each loop that does much with
/// files, and one more for everything else.
///
/// Paths are relative to the process's working folder. They must not contain a NUL. Names of files that are not UTF-8 cannot be
/// written as a path; ``list(_:)`` shows them repaired.
///
/// All calls throw ``IOError`` with the path, and ``EventLoopError``: `.invalidArgument` for a path with a NUL, `.closed` after the
/// end of the loop.
///
/// **Cancellation:** a call that has not begun is taken back; one that has goes on in the background, nobody waits for it, and
/// what it opened is closed. ``EventLoop/close()`` waits for such calls.
///
/// asyncio: os, shutil and open() in threads · libuv: uv_fs_*
public struct Files {
    /// The loop that makes the calls.
    public let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    /// Makes a call about one path.
    func call<Value>(
        _ path: String, _ call: FileCall, discard: ((Value) -> Void)? = nil,
        _ read: @escaping (UVFileRequest) -> Value
    ) async throws -> Value {
        try loop.checkOpen(call.name)
        try check(path, "path")
        return try await loop.fileCall(call, path, discard: discard, read)
    }

    /// The same without an answer.
    func call(_ path: String, _ call: FileCall) async throws { try await self.call(path, call) { _ in } }

    /// Makes a call about two paths.
    func call(_ from: String, _ to: String, _ call: FileCall) async throws {
        try loop.checkOpen(call.name)
        try check(from, "from")
        try check(to, "to")
        try await loop.fileCall(call, "\(from) -> \(to)")
    }

    /// The C functions would stop reading at a NUL.
    func check(_ path: String, _ argument: StaticString) throws {
        if path.utf8.contains(0) { throw EventLoopError.invalidArgument("\(argument): must not contain a NUL") }
    }
}

extension EventLoop {
    /// The file system.
    ///
    /// libuv: uv_fs_*
    public var files: Files { Files(loop: self) }
}

extension Files {
    /// Opens a file. Children of the process do not inherit it.
    ///
    /// **Cancellation:** ends the wait; a file that is opened nevertheless is closed.
    ///
    /// - Parameters:
    ///   - path: the file; links are followed unless `mode` has ``FileMode/noFollow``.
    ///   - mode: what it is opened for.
    ///   - permissions: those of a file that is created, less what the process's umask takes away.
    /// - Throws: ``IOError``, for example `.noSuchFile`, `.permissionDenied`, `.fileExists`; ``EventLoopError``
    ///   `.invalidArgument` for a mode that neither reads nor writes.
    ///
    /// asyncio: open · libuv: uv_fs_open
    public func open(
        _ path: String, _ mode: FileMode = .read, permissions: FilePermissions = 0o666
    ) async throws -> AsyncFile {
        let flags = try mode.flags()
        let loop = self.loop
        let descriptor = try await call(
            path, .open(path, flags: flags, permissions: permissions.rawValue),
            discard: { loop.fileCallInBackground(.close($0)) }, { Int32($0.result) })
        let file = AsyncFile(descriptor, path: path, mode: mode, loop: loop)
        if mode.contains(.append), file.canSeek {
            do {
                file.offset = Int64(try await file.stat().size)
            } catch {
                try? await file.close()
                throw error
            }
        }
        return file
    }

    /// Opens a file for `body`, and closes it whatever happens.
    ///
    /// **Cancellation:** that of the body; the file is closed.
    ///
    /// - Throws: what the body throws; what ``AsyncFile/close()`` throws if the body succeeded, for data may be lost then.
    ///
    /// asyncio: with open() as file · libuv: uv_fs_open
    public func withFile<Value>(
        _ path: String, _ mode: FileMode = .read, permissions: FilePermissions = 0o666,
        _ body: (AsyncFile) async throws -> Value
    ) async throws -> Value {
        let file = try await open(path, mode, permissions: permissions)
        let result: Value
        do {
            result = try await body(file)
        } catch {
            try? await file.close()
            throw error
        }
        try await file.close()
        return result
    }

    /// Reads a whole file, also one whose size the system does not know, as in `/proc`.
    ///
    /// **Cancellation:** ends the reading.
    ///
    /// - Throws: ``IOError`` with the path, for example `.isDirectory`; `.endOfFile` if somebody has cut the file off
    ///   meanwhile, also to write it anew.
    ///
    /// asyncio: pathlib.Path.read_bytes · libuv: uv_fs_read
    public func readFile(_ path: String) async throws -> [UInt8] {
        try await withFile(path) { file in
            let before = try await file.stat()
            let bytes = try await file.read()
            guard before.isRegularFile, bytes.count < before.size else { return bytes }
            try await file.checkNotCutOff(since: before, at: bytes.count, "read")
            return bytes
        }
    }

    /// Reads a whole file as a text in UTF-8. What is not UTF-8 is repaired: each such piece becomes U+FFFD.
    ///
    /// **Cancellation:** ends the reading.
    ///
    /// - Throws: as ``readFile(_:)``.
    ///
    /// asyncio: pathlib.Path.read_text · libuv: uv_fs_read
    public func readText(_ path: String) async throws -> String {
        String(decoding: try await readFile(path), as: UTF8.self)
    }

    /// Writes a whole file: all of the bytes, or an error. After an error a part may be in the file.
    ///
    /// **Cancellation:** ends the writing; a part may be in the file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - bytes: all that is to be in it.
    ///   - mode: ``FileMode/append`` adds to the file, ``FileMode/exclusive`` wants it to be new.
    ///   - permissions: those of a file that is created, less what the process's umask takes away.
    /// - Throws: ``IOError`` with the path, for example `.noSpace`.
    ///
    /// asyncio: pathlib.Path.write_bytes · libuv: uv_fs_write
    public func writeFile(
        _ path: String, _ bytes: some Collection<UInt8>, mode: FileMode = .write, permissions: FilePermissions = 0o666
    ) async throws {
        try await withFile(path, mode, permissions: permissions) { try await $0.write(Array(bytes)) }
    }

    /// Writes a text in UTF-8 as a whole file.
    ///
    /// **Cancellation:** as for bytes.
    ///
    /// - Throws: as for bytes.
    ///
    /// asyncio: pathlib.Path.write_text · libuv: uv_fs_write
    public func writeFile(
        _ path: String, _ text: String, mode: FileMode = .write, permissions: FilePermissions = 0o666
    ) async throws {
        try await withFile(path, mode, permissions: permissions) { try await $0.write(text) }
    }
}

extension Files {
    /// What the system knows about the file that a path leads to. Links are followed.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path, for example `.noSuchFile`.
    ///
    /// asyncio: os.stat · libuv: uv_fs_stat
    public func stat(_ path: String) async throws -> FileInfo {
        try await call(path, .status(path)) { FileInfo($0.status) }
    }

    /// The same for a symbolic link itself.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path, for example `.noSuchFile`.
    ///
    /// asyncio: os.lstat · libuv: uv_fs_lstat
    public func lstat(_ path: String) async throws -> FileInfo {
        try await call(path, .linkStatus(path)) { FileInfo($0.status) }
    }

    /// Whether a path leads to something.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` if that cannot be known, for example `.permissionDenied`.
    ///
    /// asyncio: os.path.exists · libuv: uv_fs_stat
    public func exists(_ path: String) async throws -> Bool {
        do {
            _ = try await stat(path)
            return true
        } catch let error as IOError where error.code == .noSuchFile || error.code == .notDirectory {
            return false
        }
    }

    /// Throws unless the process may do this with a file; nothing asks whether it is there.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path: `.permissionDenied`, `.noSuchFile`, `.readOnlyFileSystem`.
    ///
    /// asyncio: os.access · libuv: uv_fs_access
    public func access(_ path: String, _ access: FileAccess) async throws {
        try await call(path, .access(path, access.isEmpty ? FileConstant.exists : access.rawValue))
    }

    /// What the system knows about the file system that a path is on.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path, for example `.noSuchFile`.
    ///
    /// asyncio: os.statvfs · libuv: uv_fs_statfs
    public func statFileSystem(_ path: String) async throws -> FileSystemInfo {
        try await call(path, .fileSystemStatus(path)) { FileSystemInfo($0.fileSystem) }
    }

    /// Changes who may do what with a file. Links are followed.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path, for example `.notPermitted` for a file of somebody else's.
    ///
    /// asyncio: os.chmod · libuv: uv_fs_chmod
    public func setPermissions(_ path: String, _ permissions: FilePermissions) async throws {
        try await call(path, .setPermissions(path, permissions.rawValue))
    }

    /// Changes whom a file belongs to, by number; nil leaves it.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path, for example `.notPermitted`: to give files away takes privileges.
    ///
    /// asyncio: os.chown · libuv: uv_fs_chown
    public func setOwner(_ path: String, userID: UInt32? = nil, groupID: UInt32? = nil) async throws {
        try await call(path, .setOwner(path, user: userID ?? .max, group: groupID ?? .max))
    }

    /// Changes when a file was read and written last: times since 1970-01-01 UTC, to the microsecond.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path, for example `.notPermitted`.
    ///
    /// asyncio: os.utime · libuv: uv_fs_utime
    public func setTimes(_ path: String, access: Duration, modification: Duration) async throws {
        try await call(path, .setTimes(path, access: access.fileTime, modification: modification.fileTime))
    }
}
