// Watching files and folders, as the system tells of changes.

/// Something happened to a file or folder that is watched.
///
/// libuv: uv_fs_event_cb
public struct FileChange: Hashable, Sendable {
    /// What happened; it may be both.
    public struct Kind: OptionSet, Hashable, Sendable {
        /// A bit for each kind.
        public let rawValue: Int32

        /// Wraps the bits.
        public init(rawValue: Int32) { self.rawValue = rawValue }

        /// The name came, went, or leads to something else now.
        public static let renamed = Kind(rawValue: UVFileEvent.Events.renamed.rawValue)
        /// What is in it, or what is known about it, has changed.
        public static let changed = Kind(rawValue: UVFileEvent.Events.changed.rawValue)
    }

    /// The name of what changed, without the folder: in a folder, that of the entry. Nil if it is not known.
    public let name: String?
    /// What happened.
    public let kind: Kind
    /// The reader has left so many changes waiting that this library does not keep all of them: look at everything again. When
    /// the system loses changes, since the loop was too busy to take them, nobody is told.
    public var isOverflow: Bool { name == nil && kind == [.renamed, .changed] }

    static let overflow = FileChange(name: nil, kind: [.renamed, .changed])
}

/// The changes of a file or folder, one after the other. It has one reader; who wants several watches several times.
///
/// libuv: uv_fs_event_t
public struct FileChanges: AsyncSequence {
    fileprivate let feed: Feed<FileChange>
    fileprivate let pending: PendingChanges

    /// Goes through the changes.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let feed: Feed<FileChange>
        fileprivate let pending: PendingChanges

        /// The next change. Those that came meanwhile are kept, equal ones once.
        ///
        /// **Cancellation:** ends the wait; watching goes on.
        ///
        /// - Throws: ``IOError`` if the path cannot be watched, for example `.noSuchFile`.
        public mutating func next() async throws -> FileChange? { try await pending.next(of: feed) }

        /// The same for callers that say where they are isolated.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> FileChange? {
            try await pending.next(of: feed)
        }
    }

    /// Begins with the first change that nobody has read.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(feed: feed, pending: pending) }
}

/// Which changes wait for the reader: each once, and not without bound.
private final class PendingChanges {
    static let limit = 4096
    private var changes: Set<FileChange> = []

    /// Whether the change is to be handed over, or another one in its place.
    func add(_ change: FileChange) -> FileChange? {
        let change = changes.count < Self.limit ? change : .overflow
        return changes.insert(change).inserted ? change : nil
    }

    func next(of feed: Feed<FileChange>) async throws -> FileChange? {
        let change = try await feed.next()
        if let change { changes.remove(change) }
        return change
    }
}

extension Files {
    /// The changes of a file or of the entries of a folder from now on, as the system tells of them. Watching ends when nobody
    /// holds the sequence or its iterator any more.
    ///
    /// ```swift
    /// for try await change in loop.files.watch("settings.json") { try await reload(after: change) }
    /// ```
    ///
    /// A file goes on being watched under its path when another one takes its place, as editors do it to save; while the path
    /// leads nowhere it is looked up every 100 ms. The folders in a folder are not watched. Changes that wait for the reader are
    /// kept once each, and at most 4096 of them: then one with ``FileChange/isOverflow`` says that there were more. The path is
    /// looked up on the loop's thread.
    ///
    /// The system keeps changes for the loop too (16384 of them on Linux, for all paths that a loop watches), and drops what
    /// comes while the loop is so far behind; libuv does not tell of that. Network file systems tell nothing of what other
    /// machines do. Where nothing may be missed, look at everything from time to time, or see ``poll(_:every:)``.
    ///
    /// What goes wrong is thrown by the first `next()`.
    ///
    /// libuv: uv_fs_event_start
    public func watch(_ path: String) -> FileChanges {
        loop.canTouch("watch")
        let feed = Feed<FileChange>(loop: loop)
        let pending = PendingChanges()
        do {
            try loop.checkOpen("watch")
            try check(path, "path")
            let watcher = try FileWatcher(path, loop: loop) { [weak feed] change in
                if let change = pending.add(change) { feed?.push(change) }
            }
            feed.onEnd { watcher.close() }
        } catch {
            feed.finish(throwing: error)
        }
        return FileChanges(feed: feed, pending: pending)
    }
}

/// Watches what a path leads to, and what comes in its place.
private final class FileWatcher {
    private static let patience = Duration.milliseconds(100)

    /// Without slashes at its end: libuv takes what is behind the last one for the name.
    private let path: String
    private let baseName: String
    /// A path with a slash at its end leads to folders only.
    private let wantsFolder: Bool
    private unowned let loop: EventLoop
    private let handle: UVFileEvent
    private let push: (FileChange) -> Void
    /// What is being watched; nil while the path leads nowhere.
    private var watched: FileStatus?
    /// What libuv calls it, which is another name if another path led here before.
    private var knownName = ""
    private var timer: TimerHandle?

    init(_ path: String, loop: EventLoop, _ push: @escaping (FileChange) -> Void) throws {
        var bytes = path.utf8[...]
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        wantsFolder = bytes.count < path.utf8.count
        self.path = String(Substring(bytes))
        self.loop = loop
        self.push = push
        baseName = Self.name(of: self.path)
        handle = try UVFileEvent(on: loop.uv)
        do { try arm() } catch {
            handle.close()
            // In the words of the caller.
            guard let error = error as? IOError else { throw error }
            throw IOError(code: error.code, operation: error.operation, reason: error.reason, subject: path)
        }
    }

    private static func name(of path: String) -> String {
        path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(Substring($0)) } ?? path
    }

    /// Watches what is at the path now.
    private func arm() throws {
        watched = nil
        while true {
            let before = FileStatus(path: path)
            if wantsFolder, let before, before.type != .directory {
                throw IOError(uvStatus: IOError.Code.notDirectory.rawValue, operation: "uv_fs_event_start")
            }
            handle.stop()
            try handle.start(path) { [unowned self] name, events, status in happened(name, events, status) }
            knownName = Self.name(of: handle.knownPath)
            // Something else may have come between the two.
            guard let after = FileStatus(path: path) else {
                // It has gone again, or may not be looked at: the next change, at the latest its end, comes here again.
                if before == nil { return }
                continue
            }
            if before?.isSameFile(as: after) ?? false {
                watched = after
                return
            }
        }
    }

    private func happened(_ reported: String?, _ events: UVFileEvent.Events, _ status: Int32) {
        // The root has no name.
        let name = reported == "" ? baseName : reported
        let isFolder = watched?.type == .directory
        let ownName = watched == nil || isFolder ? name : baseName
        push(FileChange(name: ownName, kind: status < 0 ? [] : FileChange.Kind(rawValue: events.rawValue)))
        // An entry may have the name of the folder that it is in, which is looked at for nothing then.
        guard !isFolder || name == nil || name == baseName || name == knownName else { return }
        // What has gone is not watched any more, even if something else has its number by now.
        let isThere = events.contains(.changed)
        if isThere, let watched, let now = FileStatus(path: path), now.isSameFile(as: watched) { return }
        armAgain()
    }

    private func armAgain() {
        timer = nil
        do {
            try arm()
            // It may have been written to before it was watched.
            push(FileChange(name: baseName, kind: .renamed))
        } catch {
            handle.stop()
            timer = loop.callLater(after: Self.patience) { [weak self] in self?.armAgain() }
        }
    }

    func close() {
        timer?.cancel()
        timer = nil
        handle.close()
    }
}
