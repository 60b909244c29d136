// The size of a terminal's window, and its changes.

extension TTY {
    /// The size of a window, in characters.
    ///
    /// asyncio: os.terminal_size
    public struct WindowSize: Hashable, Sendable {
        /// How many characters a line has; 0 if the terminal does not know.
        public let columns: Int
        /// How many lines there are; 0 if the terminal does not know.
        public let rows: Int

        /// A size.
        public init(columns: Int, rows: Int) {
            self.columns = columns
            self.rows = rows
        }
    }

    /// The size of the window now.
    ///
    /// - Throws: ``EventLoopError`` `.transportClosing` after ``close()``; ``IOError`` if the terminal has gone.
    ///
    /// asyncio: os.get_terminal_size · libuv: uv_tty_get_winsize
    public var windowSize: WindowSize {
        get throws {
            loop.canTouch("TTY.windowSize")
            try checkUsable()
            let size = try handle.windowSize()
            return WindowSize(columns: size.columns, rows: size.rows)
        }
    }

    /// The sizes that the window gets from now on. A change is noticed when the process gets SIGWINCH, which the system
    /// sends for the terminal that controls the process. Changes between two reads are one, with the newest size. The
    /// sequence ends when the terminal is closed; the watch for the signal ends when nobody holds the sequence any
    /// more.
    ///
    /// ```swift
    /// for await size in terminal.windowSizes { draw(size) }
    /// ```
    ///
    /// If the signal cannot be watched, the exception handler is told, and the sequence ends at once.
    ///
    /// asyncio: loop.add_signal_handler(SIGWINCH) · libuv: uv_signal_start, uv_tty_get_winsize
    public var windowSizes: WindowSizes {
        loop.canTouch("TTY.windowSizes")
        let watch = WindowWatch(handle, loop: loop)
        do {
            try checkUsable()
            try watch.start(on: loop)
        } catch {
            loop.callExceptionHandler(
                ExceptionContext(message: "The size of a window cannot be watched", exception: error))
            watch.changes.finish()
        }
        return WindowSizes(watch: watch)
    }

    /// The sizes of a window, one after the other. It has one reader; who wants several makes several sequences.
    public struct WindowSizes: AsyncSequence {
        /// Never fails: a cancelled task sees the end.
        public typealias Failure = Never

        fileprivate let watch: WindowWatch

        /// Goes through the sizes.
        public struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate let watch: WindowWatch

            /// The next size; nil after the end.
            ///
            /// **Cancellation:** ends the sequence for this task: nil. A change that came before is not lost.
            public mutating func next() async -> WindowSize? { await watch.next() }

            /// The same for callers that say where they are isolated.
            public mutating func next(isolation actor: isolated (any Actor)?) async -> WindowSize? {
                await watch.next()
            }
        }

        /// Begins with the first change that nobody has read.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(watch: watch) }
    }
}

/// Looks at the size of a window when there is reason to.
private final class WindowWatch {
    /// Holds an element while the size may have changed.
    let changes: Feed<Void>
    private let handle: UVTTY
    private var last: TTY.WindowSize?

    init(_ handle: UVTTY, loop: EventLoop) {
        self.handle = handle
        changes = Feed(loop: loop)
    }

    func start(on loop: EventLoop) throws {
        last = try size()
        let signal = try loop.watch(.windowChange) { [weak changes] in
            if let changes, changes.count == 0 { changes.push(()) }
        }
        let key = ObjectIdentifier(changes)
        handle.onClose[key] = { [weak changes] in changes?.finish() }
        changes.onEnd { [handle] in
            signal.close()
            handle.onClose[key] = nil
        }
    }

    private func size() throws -> TTY.WindowSize {
        let size = try handle.windowSize()
        return TTY.WindowSize(columns: size.columns, rows: size.rows)
    }

    func next() async -> TTY.WindowSize? {
        while let _: Void = try? await changes.next(), handle.isOpen, let size = try? size() {
            if size == last { continue }
            last = size
            return size
        }
        return nil
    }
}
