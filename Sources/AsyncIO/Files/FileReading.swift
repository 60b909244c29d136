// Reading an open file.

extension AsyncFile {
    /// How much is read at a time at most when somebody asks for a lot.
    private static let largestRead = 1 << 20
    static let chunkSize = 65536

    /// Reads up to `count` bytes: at least one, and none only at the end of the file. Without `count`, reads everything up to
    /// the end. One call reads a MiB at most, unless everything is asked for.
    ///
    /// **Cancellation:** ends the wait; nothing is lost: the next read begins at the same place.
    ///
    /// - Throws: ``IOError`` with the path; ``EventLoopError`` `.invalidState` after ``close()``.
    ///
    /// asyncio: file.read · libuv: uv_fs_read
    public func read(_ count: Int = -1) async throws -> [UInt8] {
        try await inOrder("AsyncFile.read") {
            if count < 0 { return try await gather(nil) }
            if count == 0 { return [] }
            if !readAhead.isEmpty { return readAhead.take(Swift.min(count, readAhead.count)) }
            let memory = FileMemory(count: Swift.min(count, Self.largestRead), alignment: alignment)
            return memory.array(try await readSome(memory, memory.count))
        }
    }

    /// Reads into memory of the caller's, which has to stay valid until this returns: at least one byte, and none only at the
    /// end of the file.
    ///
    /// **Cancellation:** ends the wait; nothing is lost.
    ///
    /// - Returns: how many bytes; 0 only at the end of the file.
    /// - Throws: ``IOError`` with the path; ``EventLoopError`` `.invalidState` after ``close()``.
    ///
    /// asyncio: file.readinto · libuv: uv_fs_read
    public func read(into buffer: UnsafeMutableRawBufferPointer) async throws -> Int {
        try await inOrder("AsyncFile.read") {
            if buffer.isEmpty { return 0 }
            if !readAhead.isEmpty {
                let count = Swift.min(buffer.count, readAhead.count)
                readAhead.take(count, into: buffer)
                return count
            }
            // Not straight into the caller's memory: a thread may still be at it when the wait is over.
            let memory = FileMemory(count: Swift.min(buffer.count, Self.largestRead), alignment: alignment)
            let count = try await readSome(memory, memory.count)
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory.bytes[..<count]))
            return count
        }
    }

    /// Reads exactly `count` bytes.
    ///
    /// **Cancellation:** ends the wait; nothing is lost: the next read begins at the same place.
    ///
    /// - Throws: ``IncompleteReadError`` with what there was if the file ends before, also because somebody has truncated it;
    ///   ``EventLoopError`` `.invalidArgument` for a negative count.
    ///
    /// asyncio: StreamReader.readexactly · libuv: uv_fs_read
    public func readExactly(_ count: Int) async throws -> [UInt8] {
        guard count >= 0 else { throw EventLoopError.invalidArgument("count: must not be negative") }
        return try await inOrder("AsyncFile.readExactly") {
            let bytes = try await gather(count)
            guard bytes.count == count else { throw IncompleteReadError(partial: bytes, expected: count) }
            return bytes
        }
    }

    /// Reads at a place in the file, and leaves the position alone.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// - Parameters:
    ///   - count: how many bytes at most.
    ///   - position: where to begin, in bytes from the file's beginning.
    /// - Returns: less than `count` bytes only at the end of the file.
    /// - Throws: ``IOError`` with the path, `.invalidSeek` for pipes and terminals; ``EventLoopError``
    ///   `.invalidArgument` for negative numbers, `.invalidState` after ``close()``.
    ///
    /// asyncio: os.pread · libuv: uv_fs_read
    public func pread(_ count: Int, at position: Int) async throws -> [UInt8] {
        guard count >= 0, position >= 0 else {
            throw EventLoopError.invalidArgument("count, position: must not be negative")
        }
        try checkOpen("AsyncFile.pread")
        if count == 0 { return [] }
        var result: [UInt8] = []
        let memory = FileMemory(count: Swift.min(count, Self.largestRead), alignment: alignment)
        while result.count < count {
            let wanted = Swift.min(memory.count, count - result.count)
            let place = Int64(position + result.count)
            let got = try await call(.read(fileDescriptor, [FileSlice(memory, count: wanted)], offset: place)) {
                $0.result
            }
            if got == 0 { break }
            result.append(contentsOf: memory.bytes[..<got])
            if result.count < count { try checkOpen("AsyncFile.pread") }
        }
        return result
    }

    /// Throws if the end was reached at `count` bytes, before the size that the file had, because somebody has cut it off
    /// since. It may have been written anew, and be as long again. But the size that the system tells of a file that it makes
    /// up as it is read means nothing.
    func checkNotCutOff(since before: FileInfo, at count: Int, _ operation: String) async throws {
        let now = try await stat()
        guard now.size < before.size || now.hasOtherTimes(than: before) else { return }
        throw IOError(
            code: .endOfFile, operation: operation,
            reason: "\(IOError.Code.endOfFile.text): cut off meanwhile, at \(count) of \(before.size) bytes",
            subject: path)
    }

    // MARK: - At the position

    /// Reads what is next with one call. Without positions, nothing may have been read ahead.
    private func readSome(_ memory: FileMemory, _ count: Int) async throws -> Int {
        if canSeek {
            do {
                let slices = [FileSlice(memory, count: count)]
                let got = try await move(.read(fileDescriptor, slices, offset: offset)) { _ in }
                offset += Int64(got)
                return got
            } catch let error as IOError where error.code == .invalidSeek {
                canSeek = false
            }
        }
        try await readAheadOfPipe(memory, count)
        let got = Swift.min(count, readAhead.count)
        if got > 0 { readAhead.take(got, into: memory.bytes) }
        return got
    }

    /// What a pipe has given cannot be read again: it is kept whether or not somebody waits for it still.
    private func readAheadOfPipe(_ memory: FileMemory, _ count: Int) async throws {
        _ = try await move(.read(fileDescriptor, [FileSlice(memory, count: count)], offset: -1)) { [self] got in
            if got > 0 { readAhead.append(UnsafeRawBufferPointer(rebasing: memory.bytes[..<got])) }
        }
    }

    /// Reads until there are `count` bytes, or to the end. If that fails, everything is still to be read.
    private func gather(_ count: Int?) async throws -> [UInt8] {
        let limit = count ?? .max
        var result = readAhead.take(Swift.min(limit, readAhead.count))
        if result.count == limit { return result }
        do {
            let size = Swift.min(limit - result.count, count == nil ? Self.chunkSize * 4 : Self.largestRead)
            let memory = FileMemory(count: size, alignment: alignment)
            while result.count < limit {
                let got = try await readSome(memory, Swift.min(memory.count, limit - result.count))
                if got == 0 { break }
                result.append(contentsOf: memory.bytes[..<got])
                if result.count < limit { try checkOpen("AsyncFile.read") }
            }
        } catch {
            putBack(result)
            throw error
        }
        return result
    }

    private func putBack(_ bytes: [UInt8]) {
        if canSeek {
            offset -= Int64(bytes.count + readAhead.count)
            readAhead.removeAll()
        } else {
            let rest = readAhead.takeAll()
            bytes.withUnsafeBytes { readAhead.append($0) }
            rest.withUnsafeBytes { readAhead.append($0) }
        }
    }

    /// Reads another chunk ahead; false at the end of the file.
    func readMoreAhead() async throws -> Bool {
        let memory = FileMemory(count: Self.chunkSize, alignment: alignment)
        let before = readAhead.count
        if canSeek || before == 0 {
            let got = try await readSome(memory, memory.count)
            readAhead.append(UnsafeRawBufferPointer(rebasing: memory.bytes[..<got]))
        } else {
            try await readAheadOfPipe(memory, memory.count)
        }
        return readAhead.count > before
    }
}
