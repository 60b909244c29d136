// Copying files, in pieces that leave room for others.

/// How ``Files/copy(_:to:options:)`` copies.
///
/// libuv: UV_FS_COPYFILE_*
public struct CopyOptions: OptionSet, Sendable {
    /// A bit for each option.
    public let rawValue: UInt32

    /// Wraps the bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The destination must not be there.
    public static let exclusive = CopyOptions(rawValue: 1 << 0)
    /// Shares the blocks of the source if the file system can do that.
    public static let clone = CopyOptions(rawValue: 1 << 1)
    /// Shares the blocks of the source, or fails; what was in the destination is gone then.
    public static let forceClone = CopyOptions(rawValue: 1 << 2)
}

extension Files {
    /// How much the system copies by one call: some milliseconds of a thread of the pool.
    private static let pieceSize = 4 << 20

    /// Copies a file with its permissions. What was at the destination is gone. Copying a file to itself does nothing.
    ///
    /// The system copies without taking the bytes into the process, in pieces of 4 MiB: others have their turn between them,
    /// and a cancellation is heard. What the source is longer by than at the beginning is not copied. Of what is no regular
    /// file, everything up to its end is copied.
    ///
    /// **Cancellation:** ends the copying, and the destination is removed; one whose name is a link, or has come to lead to
    /// another file, is emptied instead.
    ///
    /// - Throws: ``IOError`` with both paths, for example `.noSpace`, `.isDirectory`, `.fileExists`; `.endOfFile` if somebody
    ///   has cut the source off meanwhile, also to write it anew. A destination that has been written to is removed or emptied
    ///   then, as after a cancellation.
    ///
    /// asyncio: shutil.copy · libuv: uv_fs_sendfile, uv_fs_copyfile
    public func copy(_ from: String, to: String, options: CopyOptions = []) async throws {
        try loop.checkOpen("copyfile")
        try check(from, "from")
        try check(to, "to")
        let subject = "\(from) -> \(to)"
        do {
            try await withFile(from) { source in
                let info = try await source.stat()
                if info.isDirectory { throw IOError(uvStatus: IOError.Code.isDirectory.rawValue, operation: "open") }
                try await copy(source, info, to: to, options)
            }
        } catch let error as IOError {
            throw IOError(code: error.code, operation: error.operation, reason: error.reason, subject: subject)
        }
    }

    private func copy(_ source: AsyncFile, _ info: FileInfo, to path: String, _ options: CopyOptions) async throws {
        let (target, isNew) = try await openTarget(
            path, info.permissionsWhileCopied, isExclusive: options.contains(.exclusive))
        var written: FileInfo?
        do {
            let before = try await target.stat()
            if before.isSameFile(as: info) { return try await target.close() }
            var isLeftToChange = false
            if before.isRegularFile {
                isLeftToChange = try await prepare(target, before, for: info)
                written = before
                if before.size > 0 { try await target.truncate(to: 0) }
            }
            if try await !clone(source, target, options) { try await copyBytes(source, info, to: target) }
            if isLeftToChange { try await target.setPermissions(info.permissions) }
            try await target.close()
        } catch {
            if isNew || written != nil { await discard(target, written) }
            try? await target.close()
            throw error
        }
    }

    /// Asks for first what may be refused, of a file that is somebody else's: nothing is lost then. Nor may others read from now
    /// on what they may not read of the source.
    ///
    /// - Returns: whether the permissions are still to be changed when the bytes are there.
    private func prepare(_ target: AsyncFile, _ before: FileInfo, for info: FileInfo) async throws -> Bool {
        let (now, wanted) = (info.permissionsWhileCopied, info.permissions)
        // Writing takes the bits of programs away.
        if before.permissions == wanted, wanted.isDisjoint(with: [.setUserID, .setGroupID]) { return false }
        try await target.setPermissions(now)
        return now != wanted
    }

    /// Opens the destination, and finds out whether it is new.
    private func openTarget(
        _ path: String, _ permissions: FilePermissions, isExclusive: Bool
    ) async throws -> (file: AsyncFile, isNew: Bool) {
        // No cancellation breaks this off, for nobody would know afterwards who made the file.
        let call = FileCall.open(path, flags: try FileMode.exclusive.flags(), permissions: permissions.rawValue)
        let made = await loop.fileCallToEnd(call) { request -> Result<Int32, IOError> in
            request.result < 0 ? .failure(IOError(request, path)) : .success(Int32(request.result))
        }
        switch made {
        case .success(let descriptor): return (AsyncFile(descriptor, path: path, mode: .write, loop: loop), true)
        case .failure(let error) where error.code != .fileExists || isExclusive: throw error
        case .failure: return (try await open(path, [.overwrite, .create], permissions: permissions), false)
        }
    }

    /// Shares the blocks if that is wanted and possible. The system is given the files that are open, and not their
    /// paths: when libuv cannot clone, it removes what is at the destination's path, be it a device or a link.
    private func clone(_ source: AsyncFile, _ target: AsyncFile, _ options: CopyOptions) async throws -> Bool {
        if options.isDisjoint(with: [.clone, .forceClone]) { return false }
        do {
            try await target.clone(source)
            return true
        } catch let error as IOError where !options.contains(.forceClone) && error.code != .noSpace {
            // The bytes it is.
            return false
        }
    }

    /// Copies what the source had when `info` was asked for; of what has no size, everything up to its end.
    private func copyBytes(_ source: AsyncFile, _ info: FileInfo, to target: AsyncFile) async throws {
        let size = info.isRegularFile ? info.size : 0
        var copied = 0
        while copied < size {
            do {
                let got = try await sendfile(
                    from: source, to: target, offset: copied, count: min(Self.pieceSize, size - copied))
                copied += got
                if got > 0 { continue }
                // The system gives each file that it makes up the size of a page.
                try await source.checkNotCutOff(since: info, at: copied, "sendfile")
            } catch let error as IOError where error.saysThatSendfileIsImpossible {}
            break
        }
        if size > 0, copied == size { return }
        if copied > 0 { try await source.seek(to: copied) }
        for try await chunk in source.chunks(of: AsyncFile.chunkSize * 4) {
            try await target.write(chunk)
            copied += chunk.count
        }
        if copied < size { try await source.checkNotCutOff(since: info, at: copied, "read") }
    }

    /// Removes what was written to a destination, unless its name leads to something else by now: then it is emptied.
    private func discard(_ target: AsyncFile, _ written: FileInfo?) async {
        let path = target.path
        let named = await loop.fileCallToEnd(.linkStatus(path)) { $0.result < 0 ? nil : FileInfo($0.status) }
        if let written, !(named?.isSameFile(as: written) ?? false) {
            // After a close that failed the number may be another file's.
            guard !target.isClosed else { return }
            await target.empty()
        } else {
            await loop.fileCallToEnd(.unlink(path)) { _ in }
        }
    }

    /// Copies a part of a file to another one's position, without taking the bytes into the process. The position of `source`
    /// does not matter, and stays.
    ///
    /// **Cancellation:** ends the wait; a part may have been copied.
    ///
    /// - Parameters:
    ///   - source: what is read.
    ///   - target: what is written, at its position.
    ///   - offset: where to begin in `source`, in bytes.
    ///   - count: how many bytes to copy at most. They keep a thread of the pool until they are copied.
    /// - Returns: how many bytes; 0 only at the end of `source`.
    /// - Throws: ``IOError`` with the path of `target`; ``EventLoopError`` `.invalidArgument` for negative numbers,
    ///   `.invalidState` if one of the files is closed.
    ///
    /// asyncio: os.sendfile · libuv: uv_fs_sendfile
    @discardableResult
    public func sendfile(from source: AsyncFile, to target: AsyncFile, offset: Int, count: Int) async throws -> Int {
        guard offset >= 0, count >= 0 else {
            throw EventLoopError.invalidArgument("offset, count: must not be negative")
        }
        try source.checkOpen("sendfile")
        if count == 0 { return 0 }
        if target.appends {
            // The system copies to no file that it appends to.
            let bytes = try await source.pread(min(count, AsyncFile.chunkSize * 4), at: offset)
            try await target.write(bytes)
            return bytes.count
        }
        return try await target.receive(from: source, offset: offset, count: count)
    }
}

extension FileInfo {
    /// Permissions of a copy that is not complete: nobody may do more with it than with the source, but for its owner, who writes
    /// it.
    fileprivate var permissionsWhileCopied: FilePermissions {
        permissions.subtracting([.setUserID, .setGroupID, .sticky]).union(.ownerWrite)
    }
}

extension IOError {
    fileprivate var saysThatSendfileIsImpossible: Bool {
        [.invalidArgument, .notSupported, .notImplemented, .notSocket, .crossDevice].contains(code)
    }
}
