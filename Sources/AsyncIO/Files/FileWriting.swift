// Writing an open file, and what else one does with it.

extension AsyncFile {
    private static let pieceSize = 256 * 1024
    /// The system takes no longer lists of buffers.
    private static let mostBuffers = 1024

    /// Writes all of the bytes at the position, or at the end of a file that was opened with ``FileMode/append``.
    ///
    /// **Cancellation:** ends the wait. A part may have been written, and the position is after it.
    ///
    /// - Throws: ``IOError``, for example `.noSpace`; a part may have been written then, and the position is after it.
    ///
    /// asyncio: file.write · libuv: uv_fs_write
    public func write(_ bytes: [UInt8]) async throws {
        try await inOrder("AsyncFile.write") {
            forgetReadAhead()
            if bytes.isEmpty { return }
            let memory = FileMemory(count: Swift.min(bytes.count, Self.pieceSize), alignment: alignment)
            var written = 0
            while written < bytes.count {
                let count = Swift.min(memory.count, bytes.count - written)
                memory.bytes.copyBytes(from: bytes[written..<written + count])
                try await writeAll([FileSlice(memory, count: count)])
                written += count
            }
        }
    }

    /// Writes bytes.
    ///
    /// **Cancellation:** as for arrays.
    ///
    /// - Throws: as for arrays.
    ///
    /// asyncio: file.write · libuv: uv_fs_write
    public func write(_ bytes: some Collection<UInt8>) async throws { try await write(Array(bytes)) }

    /// Writes a text in UTF-8.
    ///
    /// **Cancellation:** as for arrays.
    ///
    /// - Throws: as for arrays.
    ///
    /// asyncio: file.write · libuv: uv_fs_write
    public func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    /// Writes several pieces, one after the other, with as few calls as the system allows.
    ///
    /// **Cancellation:** ends the wait. A part may have been written, and the position is after it.
    ///
    /// - Throws: as for one array.
    ///
    /// asyncio: os.writev · libuv: uv_fs_write
    public func write(_ pieces: [[UInt8]]) async throws {
        try await inOrder("AsyncFile.write") {
            forgetReadAhead()
            var slices: [FileSlice] = []
            var count = 0
            for piece in pieces {
                var rest = piece[...]
                while !rest.isEmpty {
                    let part = rest.prefix(Self.pieceSize)
                    rest = rest.dropFirst(part.count)
                    let memory = FileMemory(count: part.count, alignment: alignment)
                    memory.bytes.copyBytes(from: part)
                    slices.append(FileSlice(memory, count: part.count))
                    count += part.count
                    guard count >= Self.pieceSize || slices.count == Self.mostBuffers else { continue }
                    try await writeAll(slices)
                    slices = []
                    count = 0
                }
            }
            if !slices.isEmpty { try await writeAll(slices) }
        }
    }

    /// Writes all of the bytes at a place in the file, and leaves the position alone.
    ///
    /// **Cancellation:** ends the wait; a part may have been written.
    ///
    /// - Parameters:
    ///   - bytes: what is written.
    ///   - position: where to begin, in bytes from the file's beginning.
    /// - Throws: ``IOError`` with the path, for example `.noSpace`, and `.invalidSeek` for pipes and terminals; a part
    ///   may have been written then. ``EventLoopError`` `.invalidArgument` for a negative place, `.invalidState` after
    ///   ``close()``.
    ///
    /// asyncio: os.pwrite · libuv: uv_fs_write
    public func pwrite(_ bytes: [UInt8], at position: Int) async throws {
        guard position >= 0 else { throw EventLoopError.invalidArgument("position: must not be negative") }
        try checkOpen("AsyncFile.pwrite")
        isStale = true
        var written = 0
        while written < bytes.count {
            let count = Swift.min(Self.pieceSize, bytes.count - written)
            let memory = FileMemory(count: count, alignment: alignment)
            memory.bytes.copyBytes(from: bytes[written..<written + count])
            var slices = [FileSlice(memory, count: count)]
            while !slices.isEmpty {
                try checkOpen("AsyncFile.pwrite")
                let place = Int64(position + written)
                // What is read ahead before this ends may still be the old bytes.
                let taken = try await call(
                    .write(fileDescriptor, slices, offset: place), onEnd: { [self] _ in isStale = true }, { $0.result })
                try check(progress: taken)
                slices.removeBytes(taken)
                written += taken
            }
        }
    }

    /// Writes until nothing is left: the system may take less than it is offered.
    private func writeAll(_ all: [FileSlice]) async throws {
        var slices = all
        while !slices.isEmpty {
            try checkOpen("AsyncFile.write")
            let taken = try await writeSome(slices)
            try check(progress: taken)
            slices.removeBytes(taken)
        }
    }

    private func writeSome(_ slices: [FileSlice]) async throws -> Int {
        guard canSeek, !appends else {
            return try await move(.write(fileDescriptor, slices, offset: -1)) { [self] taken in
                if canSeek, taken > 0, let end = System.position(of: fileDescriptor) { offset = end }
            }
        }
        do {
            return try await move(.write(fileDescriptor, slices, offset: offset)) { [self] taken in
                if taken > 0 { offset += Int64(taken) }
            }
        } catch let error as IOError where error.code == .invalidSeek {
            canSeek = false
            return try await writeSome(slices)
        }
    }

    private func check(progress taken: Int) throws {
        guard taken == 0 else { return }
        throw IOError(uvStatus: IOError.Code.inputOutput.rawValue, operation: "write", subject: path)
    }
}

extension AsyncFile {
    /// Where the next read or write begins, in bytes from the file's beginning.
    ///
    /// asyncio: file.tell
    public var position: Int { Int(offset) - (canSeek ? readAhead.count : 0) }

    /// Goes to a place in the file, which may be past its end.
    ///
    /// **Cancellation:** ends the wait for those who are at the position; it is where it was.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` for a negative place; ``IOError`` `.invalidSeek` for pipes and terminals.
    ///
    /// asyncio: file.seek
    public func seek(to position: Int) async throws {
        guard position >= 0 else { throw EventLoopError.invalidArgument("position: must not be negative") }
        try await inOrder("AsyncFile.seek") {
            try checkSeekable()
            forgetReadAhead()
            offset = Int64(position)
        }
    }

    /// Goes to the end of the file, or `distance` bytes before it.
    ///
    /// **Cancellation:** ends the wait; the position is where it was.
    ///
    /// - Returns: the new position.
    /// - Throws: ``EventLoopError`` `.invalidArgument` for a distance that is negative or more than the file's size;
    ///   ``IOError`` `.invalidSeek` for pipes and terminals.
    ///
    /// asyncio: file.seek(-distance, SEEK_END) · libuv: uv_fs_fstat
    @discardableResult
    public func seekToEnd(before distance: Int = 0) async throws -> Int {
        try await inOrder("AsyncFile.seek") {
            try checkSeekable()
            let size = try await stat().size
            guard (0...size).contains(distance) else {
                throw EventLoopError.invalidArgument("distance: must be between 0 and the file's size")
            }
            forgetReadAhead()
            offset = Int64(size - distance)
            return size - distance
        }
    }

    private func checkSeekable() throws {
        if canSeek { return }
        throw IOError(uvStatus: IOError.Code.invalidSeek.rawValue, operation: "lseek", subject: path)
    }

    /// Cuts the file to a size, or fills it up to it with zeros. The position stays.
    ///
    /// **Cancellation:** ends the wait; the file may have been cut.
    ///
    /// - Throws: ``IOError`` with the path, for example `.invalidArgument` for what is no regular file, or is open for
    ///   reading only; ``EventLoopError`` `.invalidArgument` for a negative size, `.invalidState` after ``close()``.
    ///
    /// asyncio: file.truncate · libuv: uv_fs_ftruncate
    public func truncate(to size: Int) async throws {
        guard size >= 0 else { throw EventLoopError.invalidArgument("size: must not be negative") }
        try await inOrder("AsyncFile.truncate") {
            forgetReadAhead()
            // It leaves the position alone. But those who use it next come after it, even if nobody waits for it any more.
            _ = try await move(.truncate(fileDescriptor, size: Int64(size))) { _ in }
        }
    }

    /// Waits until the disk has what was written.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Parameter dataOnly: whether times and the like may come later.
    /// - Throws: ``IOError`` with the path, for example `.inputOutput`: what was written may be lost then;
    ///   ``EventLoopError`` `.invalidState` after ``close()``.
    ///
    /// asyncio: os.fsync, os.fdatasync · libuv: uv_fs_fsync, uv_fs_fdatasync
    public func sync(dataOnly: Bool = false) async throws {
        try checkOpen("AsyncFile.sync")
        try await call(.sync(fileDescriptor, dataOnly: dataOnly)) { _ in }
    }

    /// What the system knows about the file.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path; ``EventLoopError`` `.invalidState` after ``close()``.
    ///
    /// asyncio: os.fstat · libuv: uv_fs_fstat
    public func stat() async throws -> FileInfo {
        try checkOpen("AsyncFile.stat")
        return try await call(.descriptorStatus(fileDescriptor)) { FileInfo($0.status) }
    }

    /// Changes who may do what with the file.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path, for example `.notPermitted`; ``EventLoopError`` `.invalidState` after
    ///   ``close()``.
    ///
    /// asyncio: os.fchmod · libuv: uv_fs_fchmod
    public func setPermissions(_ permissions: FilePermissions) async throws {
        try checkOpen("AsyncFile.setPermissions")
        try await call(.setDescriptorPermissions(fileDescriptor, permissions.rawValue)) { _ in }
    }

    /// Changes when the file was read and written last: times since 1970-01-01 UTC, to the microsecond.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Throws: ``IOError`` with the path; ``EventLoopError`` `.invalidState` after ``close()``.
    ///
    /// asyncio: os.utime · libuv: uv_fs_futime
    public func setTimes(access: Duration, modification: Duration) async throws {
        try checkOpen("AsyncFile.setTimes")
        try await call(
            .setDescriptorTimes(fileDescriptor, access: access.fileTime, modification: modification.fileTime)
        ) { _ in }
    }
}

extension Duration {
    /// Seconds since 1970 for libuv, which cuts what is less than a microsecond off.
    var fileTime: Double {
        // Before 1970 both are negative.
        let (seconds, attoseconds) = components
        let microseconds = attoseconds / 1_000_000_000_000
        let time = Double(seconds) + Double(microseconds) / 1_000_000
        let kept = Int64((time - Double(seconds)) * 1_000_000)
        return kept < microseconds ? time.nextUp : kept > microseconds ? time.nextDown : time
    }
}
