// Going through a folder and the folders in it.

/// Something that ``Files/walk(_:onError:)`` came across.
///
/// asyncio: os.DirEntry
public struct WalkEntry: Hashable, Sendable {
    /// Its path: that of the folder where the walk began, and the way from there.
    public let path: String
    /// Its name.
    public let name: String
    /// How many folders there are between it and the folder where the walk began.
    public let depth: Int
    /// What it is; links are not followed.
    public let type: FileType

    /// Whether it is a folder. What is in it comes next.
    public var isDirectory: Bool { type == .directory }
}

/// The contents of a folder and of the folders in it.
///
/// asyncio: os.walk · libuv: uv_fs_scandir
public struct Walk: AsyncSequence {
    fileprivate let files: Files
    fileprivate let root: String
    fileprivate let onError: (IOError) throws -> Void

    /// Goes through the folders. One listing for each level is in memory.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private struct Level {
            let path: String
            let entries: [DirectoryEntry]
            var next = 0
        }

        private let files: Files
        private let onError: (IOError) throws -> Void
        private var levels: [Level] = []
        /// The folder that is to be listed next.
        private var folder: String?

        fileprivate init(_ walk: Walk) {
            files = walk.files
            onError = walk.onError
            folder = walk.root
        }

        /// The next entry; nil at the end.
        ///
        /// **Cancellation:** ends the wait; the walk can go on.
        ///
        /// - Throws: ``IOError`` with the path of the folder that cannot be listed, or what `onError` throws.
        public mutating func next() async throws -> WalkEntry? { try await advance() }

        /// The same for callers that say where they are isolated.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> WalkEntry? {
            try await advance()
        }

        /// Leaves out what is in the folder that came last.
        public mutating func skipDescendants() { if !levels.isEmpty { folder = nil } }

        private mutating func advance() async throws -> WalkEntry? {
            if let path = folder {
                do {
                    levels.append(Level(path: path, entries: try await files.list(path)))
                    folder = nil
                } catch let error as IOError {
                    folder = nil
                    // The folder where the walk begins has to be there.
                    if levels.isEmpty { throw error }
                    try onError(error)
                }
            }
            while let last = levels.indices.last {
                let level = levels[last]
                guard level.next < level.entries.count else {
                    levels.removeLast()
                    continue
                }
                levels[last].next += 1
                let entry = level.entries[level.next]
                let path = files.join(level.path, entry.name)
                if entry.isDirectory { folder = path }
                return WalkEntry(path: path, name: entry.name, depth: last, type: entry.type)
            }
            return nil
        }
    }

    /// Begins at the top.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}

extension Files {
    /// Everything in a folder and in the folders in it: a folder before what is in it, sorted by the bytes of the names. Links
    /// are not followed. The folder itself is not part of it.
    ///
    /// ```swift
    /// for try await entry in loop.files.walk("Sources") where entry.type == .regular { print(entry.path) }
    /// ```
    ///
    /// **Cancellation:** ends the wait for an entry.
    ///
    /// - Parameters:
    ///   - path: the folder where the walk begins.
    ///   - onError: gets the error of a folder in the folder that cannot be listed, for example one that has gone meanwhile:
    ///     throws to end the walk, or returns to go on without the folder. It ends the walk unless something else is said here.
    ///     That the folder itself cannot be listed is always thrown, by the first `next()`.
    ///
    /// asyncio: os.walk · libuv: uv_fs_scandir
    public func walk(_ path: String, onError: @escaping (IOError) throws -> Void = { throw $0 }) -> Walk {
        Walk(files: self, root: path, onError: onError)
    }
}
