// Watching files by looking at them again and again, which works on every file system.

/// A file is no longer what it was when it was looked at before.
///
/// libuv: uv_fs_stat
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
/// libuv: uv_fs_stat, uv_timer_t
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
    /// A look is a call as ``stat(_:)`` makes it, which waits for its turn among the others: it takes a thread of libuv's pool
    /// for as long as the file system takes. Reading a file is no change. Of changes that nobody reads, the first 4096 are kept.
    ///
    /// - Parameters:
    ///   - path: the file or folder; it need not be there.
    ///   - interval: how long to wait between the beginnings of two looks: a millisecond or more. While one takes longer,
    ///     others are left out. An interval below that is ``EventLoopError`` `.invalidArgument` from the first `next()`.
    ///
    /// libuv: uv_fs_stat, uv_timer_t, in the place of uv_fs_poll_start, whose looks do not wait for their turn
    public func poll(_ path: String, every interval: Duration) -> FilePollChanges {
        loop.canTouch("poll")
        let feed = Feed<FilePollChange>(loop: loop)
        do {
            try loop.checkOpen("poll")
            try check(path, "path")
            guard interval >= .milliseconds(1) else {
                throw EventLoopError.invalidArgument("interval: must be a millisecond or more")
            }
            let poller = FilePoller(path, every: interval, loop: loop) { [weak feed] change in
                if let feed, feed.count < 4096 { feed.push(change) }
            }
            feed.onEnd { poller.close() }
            poller.look()
        } catch {
            feed.finish(throwing: error)
        }
        return FilePollChanges(feed: feed)
    }
}

/// Looks at what a path leads to, and tells of what is other than at the last look.
private final class FilePoller {
    private enum Known {
        case nothing
        case status(FileStatus)
        case failure(IOError.Code)
    }

    private let path: String
    /// In nanoseconds.
    private let interval: Int64
    private unowned let loop: EventLoop
    private let state: FileState
    private let push: (FilePollChange) -> Void
    private var known = Known.nothing
    private var begin: EventLoop.Instant
    private var request: UVFileRequest?
    private var timer: TimerHandle?
    private var isClosed = false

    init(_ path: String, every interval: Duration, loop: EventLoop, _ push: @escaping (FilePollChange) -> Void) {
        self.path = path
        self.interval = interval.clampedNanoseconds
        self.loop = loop
        self.push = push
        state = loop.fileState
        begin = loop.time()
    }

    func look() {
        timer = nil
        begin = loop.time()
        let request = UVFileRequest(.status(path), on: loop.uv) { [weak self, state] request in
            self?.didLook(request)
            state.didEnd(request)
        }
        self.request = request
        state.submit(request)
    }

    private func didLook(_ request: UVFileRequest) {
        self.request = nil
        guard !isClosed, !loop.ready.pointee.isClosing else { return }
        if request.result < 0 { isGone(IOError(request, path)) } else { isThere(request.status) }
        // Looks that would have come meanwhile are left out.
        let late = (loop.time() - begin).clampedNanoseconds % interval
        timer = loop.callLater(after: .nanoseconds(interval - late)) { [weak self] in self?.look() }
    }

    private func isThere(_ status: FileStatus) {
        switch known {
        case .nothing: break
        case .status(let previous):
            if status.tellsOfAChange(since: previous) {
                push(FilePollChange(previous: FileInfo(previous), current: FileInfo(status), error: nil))
            }
        case .failure: push(FilePollChange(previous: nil, current: FileInfo(status), error: nil))
        }
        known = .status(status)
    }

    private func isGone(_ error: IOError) {
        var previous: FileInfo?
        switch known {
        case .failure(let code) where code == error.code: return
        case .status(let status): previous = FileInfo(status)
        case .nothing, .failure: break
        }
        known = .failure(error.code)
        push(FilePollChange(previous: previous, current: nil, error: error))
    }

    func close() {
        isClosed = true
        timer?.cancel()
        timer = nil
        if let request { state.takeBack(request) }
        request = nil
    }
}

extension FileStatus {
    /// Whether something else has happened since than that the file was read.
    fileprivate func tellsOfAChange(since other: FileStatus) -> Bool {
        !isSameFile(as: other) || size != other.size || mode != other.mode || user != other.user || group != other.group
            || modificationTime != other.modificationTime || statusChangeTime != other.statusChangeTime
            || creationTime != other.creationTime
    }
}
