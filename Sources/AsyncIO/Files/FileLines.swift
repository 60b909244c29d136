// An open file as lines and as a sequence.

extension AsyncFile {
    /// How long a line may be unless somebody says otherwise: 1 MiB.
    public static let defaultLineLimit = 1 << 20

    /// Reads a line with its newline, which only the last one may lack; nothing at the end of the file.
    ///
    /// **Cancellation:** ends the wait; nothing is lost: the next read begins at the same place.
    ///
    /// - Parameter limit: how many bytes a line may have before its newline.
    /// - Throws: ``LimitOverrunError`` for a longer line, which is still to be read then.
    ///
    /// asyncio: file.readline · libuv: uv_fs_read
    public func readLine(limit: Int = AsyncFile.defaultLineLimit) async throws -> [UInt8] {
        do { return try await readUntil([10], limit: limit) } catch let error as IncompleteReadError {
            return error.partial
        }
    }

    /// Reads up to a separator, and with it.
    ///
    /// **Cancellation:** ends the wait; nothing is lost: the next read begins at the same place.
    ///
    /// - Throws: ``IncompleteReadError`` with what there was if the file ends before; ``LimitOverrunError`` if more than `limit`
    ///   bytes come before the separator, and then they are still to be read; ``EventLoopError`` `.invalidArgument` for an
    ///   empty separator.
    ///
    /// asyncio: StreamReader.readuntil · libuv: uv_fs_read
    public func readUntil(_ separator: [UInt8], limit: Int = AsyncFile.defaultLineLimit) async throws -> [UInt8] {
        let initial = try SeparatorSearch(separator: separator)
        guard limit > 0 else { throw EventLoopError.invalidArgument("limit: must be positive") }
        return try await inOrder("AsyncFile.readUntil") {
            var search = initial
            while true {
                switch search.look(in: readAhead, limit: limit) {
                case .found(let end): return readAhead.take(end)
                case .overrun(let error):
                    forgetReadAhead()
                    throw error
                case .none:
                    try checkOpen("AsyncFile.readUntil")
                    guard try await readMoreAhead() else {
                        throw IncompleteReadError(partial: readAhead.takeAll(), expected: nil)
                    }
                }
            }
        }
    }

    /// The lines of the file from the position on, each with its newline, which only the last may lack. None may be longer than
    /// 1 MiB; see ``lines(limit:)``.
    ///
    /// asyncio: for line in file · libuv: uv_fs_read
    public var lines: Lines { Lines(file: self, limit: Self.defaultLineLimit) }

    /// The lines of the file from the position on, for lines of up to `limit` bytes before the newline. A longer one is a
    /// ``LimitOverrunError``.
    ///
    /// asyncio: for line in file · libuv: uv_fs_read
    public func lines(limit: Int) -> Lines { Lines(file: self, limit: limit) }

    /// Pieces of the file of `count` bytes, from the position on, of which the last may be shorter.
    ///
    /// libuv: uv_fs_read
    public func chunks(of count: Int) -> Chunks { Chunks(file: self, count: count) }

    /// The lines of a file.
    ///
    /// asyncio: for line in file
    public struct Lines: AsyncSequence {
        let file: AsyncFile
        let limit: Int

        /// Goes through the lines.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let file: AsyncFile
            let limit: Int

            /// The next line; nil at the end of the file.
            ///
            /// **Cancellation:** ends the wait; nothing is lost.
            ///
            /// - Throws: ``IOError`` with the path; ``LimitOverrunError`` for a line that is longer than the limit.
            public mutating func next() async throws -> [UInt8]? { try await file.nextLine(limit) }

            /// The same for callers that say where they are isolated.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(any Error) -> [UInt8]? { try await file.nextLine(limit) }
        }

        /// Begins with the next line.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file, limit: limit) }
    }

    /// A file in pieces of one size.
    public struct Chunks: AsyncSequence {
        let file: AsyncFile
        let count: Int

        /// Goes through the pieces.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let file: AsyncFile
            let count: Int

            /// The next piece; nil at the end of the file.
            ///
            /// **Cancellation:** ends the wait; nothing is lost.
            ///
            /// - Throws: ``IOError`` with the path; ``EventLoopError`` `.invalidArgument` for pieces of no bytes.
            public mutating func next() async throws -> [UInt8]? { try await file.nextChunk(count) }

            /// The same for callers that say where they are isolated.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(any Error) -> [UInt8]? { try await file.nextChunk(count) }
        }

        /// Begins with the next piece.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: file, count: count) }
    }

    private func nextLine(_ limit: Int) async throws -> [UInt8]? {
        let line = try await readLine(limit: limit)
        return line.isEmpty ? nil : line
    }

    private func nextChunk(_ count: Int) async throws -> [UInt8]? {
        guard count > 0 else { throw EventLoopError.invalidArgument("count: must be positive") }
        do {
            return try await readExactly(count)
        } catch let error as IncompleteReadError {
            return error.partial.isEmpty ? nil : error.partial
        }
    }

    fileprivate func nextPiece() async throws -> [UInt8]? {
        let piece = try await read(Self.chunkSize)
        return piece.isEmpty ? nil : piece
    }
}

extension AsyncFile: AsyncSequence {
    /// Goes through the file.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let file: AsyncFile

        /// The next bytes; nil at the end of the file.
        ///
        /// **Cancellation:** ends the wait; nothing is lost.
        ///
        /// - Throws: ``IOError`` with the path.
        public mutating func next() async throws -> [UInt8]? { try await file.nextPiece() }

        /// The same for callers that say where they are isolated.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(any Error) -> [UInt8]? { try await file.nextPiece() }
    }

    /// Chunks of up to 64 KiB from the position on. A chunk is read when it is asked for, and not before.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(file: self) }
}
