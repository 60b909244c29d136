// Watching files by looking at them again and again, which works on every file system.

/// A file is no longer what it was when it was looked at before.
///
/// libuv: uv_fs_poll_cb
public struct FilePollChange: Hashable, Sendable {
    /// What was known before; nil if there was no such file.
    public let previous: FileInfo?
    /// What is known now; nil if there is no such file, or if it cannot be looked at.
    public let current: FileInfo?
    /// Why the file cannot be looked at.
    public let error: IOError?
}

/// The changes of a file that is polled. It has one reader.
///
/// libuv: uv_fs_poll_t
public struct FilePollChanges: AsyncSequence {
    fileprivate let feed: Feed<FilePollChange>

    /// Goes through the changes.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let feed: Feed<FilePollChange>

        /// The next change.
        ///
        /// **Cancellation:** ends the wait; polling goes on.
        ///
        /// - Throws: ``EventLoopError`` `.invalidArgument` for an interval below a millisecond.
        public mutating func next() async throws -> FilePollChange? { try await feed.next() }

        /// The same for callers that say where they are isolated.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> FilePollChange? {
            try await feed.next()
        }
    }

    /// Begins with the first change that nobody has read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(feed: feed) }
}

extension Files {
    /// Looks at a file again and again, and tells when what the system knows about it has changed. The first look only sets
    /// what later ones are compared with, unless it fails. A file that is missing, or cannot be looked at, is told of once, and
    /// again when it is back. Polling ends when nobody holds the sequence or its iterator any more.
    ///
    /// Each file that is polled takes a thread of libuv's pool for as long as one look takes. Of changes that nobody reads, the
    /// first 4096 are kept.
    ///
    /// - Parameters:
    ///   - path: the file or folder; it need not be there.
    ///   - interval: how long to wait between two looks: a millisecond or more, counted in whole milliseconds. An interval
    ///     below that is ``EventLoopError`` `.invalidArgument` from the first `next()`.
    ///
    /// libuv: uv_fs_poll_start
    public func poll(_ path: String, every interval: Duration) -> FilePollChanges {
        loop.canTouch("poll")
        let feed = Feed<FilePollChange>(loop: loop)
        do {
            try loop.checkOpen("poll")
            try check(path, "path")
            guard interval >= .milliseconds(1) else {
                throw EventLoopError.invalidArgument("interval: must be a millisecond or more")
            }
            let handle = try UVFilePoll(on: loop.uv)
            feed.onEnd { handle.close() }
            let (seconds, attoseconds) = interval.components
            let milliseconds = Double(seconds) * 1000 + Double(attoseconds / 1_000_000_000_000_000)
            try handle.start(path, milliseconds: UInt32(min(milliseconds, Double(UInt32.max)))) {
                [weak feed] status, previous, current in
                guard let feed, feed.count < 4096 else { return }
                feed.push(
                    FilePollChange(
                        previous: previous.map(FileInfo.init), current: current.map(FileInfo.init),
                        error: status < 0 ? IOError(uvStatus: status, operation: "stat", subject: path) : nil))
            }
        } catch {
            feed.finish(throwing: error)
        }
        return FilePollChanges(feed: feed)
    }
}
