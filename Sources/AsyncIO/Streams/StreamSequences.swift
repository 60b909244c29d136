// A stream as a sequence of chunks or of lines.

extension StreamReader: AsyncSequence {
    /// The chunks of a stream, as they come.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let reader: StreamReader

        /// The next bytes; nil at the end of the stream.
        ///
        /// **Cancellation:** ends the wait; nothing is lost.
        public mutating func next() async throws -> [UInt8]? { try await reader.nextChunk() }

        /// The same for callers that say where they are isolated.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(any Error) -> [UInt8]? { try await reader.nextChunk() }
    }

    /// Chunks of up to 64 KiB, whenever bytes have come, until the end of the stream.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: self) }

    fileprivate func nextChunk() async throws -> [UInt8]? {
        let chunk = try await read(65536)
        return chunk.isEmpty ? nil : chunk
    }

    fileprivate func nextLine() async throws -> [UInt8]? {
        let line = try await readLine()
        return line.isEmpty ? nil : line
    }

    /// The lines of the stream, each with its newline, which only the last may lack.
    ///
    /// ```swift
    /// for try await line in reader.lines { print(String(decoding: line, as: UTF8.self)) }
    /// ```
    ///
    /// asyncio: async for line in reader
    public var lines: Lines { Lines(reader: self) }

    /// The lines of a stream.
    public struct Lines: AsyncSequence {
        let reader: StreamReader

        /// Goes through the lines.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let reader: StreamReader

            /// The next line; nil at the end of the stream.
            ///
            /// **Cancellation:** ends the wait; nothing is lost.
            public mutating func next() async throws -> [UInt8]? { try await reader.nextLine() }

            /// The same for callers that say where they are isolated.
            public mutating func next(
                isolation actor: isolated (any Actor)?
            ) async throws(any Error) -> [UInt8]? { try await reader.nextLine() }
        }

        /// Begins with the next line.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader) }
    }
}
