// A terminal: its life, its mode and its size.

/// A terminal: reads and writes it without blocking the loop, and changes its mode.
///
/// ```swift
/// let terminal = try loop.openTTY(fileDescriptor: 0)
/// try terminal.setMode(.raw)
/// let keys = try await terminal.reader.read(16)
/// terminal.close()
/// await terminal.waitClosed()
/// ```
///
/// The terminal has its normal mode again after ``close()``, when the loop is closed, when the process exits, and when
/// a signal ends it that nobody handles, a crash included: before a backtrace is shown. What cannot be helped is
/// SIGKILL. What the program handles by itself is its own affair: see ``resetAll()``.
///
/// The program's descriptor is left alone: it stays open, and goes on blocking for everybody who shares it.
///
/// asyncio: nothing · libuv: uv_tty_t
public final class TTY {
    /// How a terminal treats what is typed.
    public enum Mode: Hashable, Sendable {
        /// As it was when the mode was first changed: lines that can be edited, as a rule.
        case normal
        /// Every key at once, without echo; Ctrl-C is a key like others. What is written still has its line ends made
        /// for a terminal.
        case raw
        /// Bytes in and out as they are.
        case io
    }

    /// The loop that the terminal belongs to.
    public let loop: EventLoop
    /// The descriptor that the terminal was opened from, and which is still the program's.
    public let fileDescriptor: Int32
    let handle: UVTTY
    // Only touched on the loop's thread.
    var streams: TTYStreams?
    private var closeWaiters = Waiters()
    private var isGone = false

    fileprivate init(_ descriptor: Int32, loop: EventLoop) throws {
        self.loop = loop
        fileDescriptor = descriptor
        handle = try UVTTY(on: loop.uv, descriptor: descriptor)
        handle.onClose[ObjectIdentifier(self)] = { [weak self] in self?.didClose() }
    }

    deinit {
        // Readers and writers that somebody holds keep the terminal open.
        guard streams == nil, handle.isOpen, !loop.isClosed else { return }
        if loop.executor.isOnLoopThread || !loop.executor.isRunning {
            handle.close()
        } else {
            let transfer = UncheckedTransfer(handle)  // SAFETY: only the loop's thread touches it from here on.
            _ = try? loop.executor.callSoonThreadsafe { _ in transfer.value.close() }
        }
    }

    // MARK: - The mode

    /// The mode that this object has set; normal again after ``resetAll()`` and after the end.
    public var mode: Mode {
        switch handle.mode {
        case .normal: .normal
        case .raw: .raw
        case .io: .io
        }
    }

    /// Changes the mode once the terminal has taken what was written to it. A terminal that is open more than once, say
    /// for standard input and for standard output, has one mode: it is that of the last call, and the normal one when
    /// all are back to normal.
    ///
    /// A process in the background is stopped by this, as is the way of terminals.
    ///
    /// - Throws: ``EventLoopError`` `.transportClosing` after ``close()``; ``IOError`` if the terminal has gone.
    ///
    /// asyncio: tty.setraw, termios.tcsetattr · libuv: uv_tty_set_mode
    public func setMode(_ mode: Mode) throws {
        loop.canTouch("TTY.setMode")
        try checkUsable()
        switch mode {
        case .normal: try handle.setMode(.normal)
        case .raw: try handle.setMode(.raw)
        case .io: try handle.setMode(.io)
        }
    }

    /// Gives every terminal whose mode was changed its normal mode back; their objects are in normal mode then. It may
    /// be called on any thread, and does not wait: for a handler of fatal errors.
    ///
    /// libuv: uv_tty_reset_mode, which does it for one terminal
    public static func resetAll() { TerminalGuard.resetAll() }

    // MARK: - The end

    /// Closes the terminal when everything has been written. It gets its normal mode back, and the streams end. Doing
    /// it twice does nothing the second time.
    ///
    /// libuv: uv_close
    public func close() {
        loop.canTouch("TTY.close")
        if let streams { streams.transport.close() } else { handle.close() }
    }

    /// Whether the terminal is closing or closed.
    public var isClosing: Bool { streams?.transport.isClosing ?? false || !handle.isOpen }

    /// Waits until the terminal is closed and has its normal mode back.
    ///
    /// **Cancellation:** ends the wait; the terminal is closed nevertheless if it was to be.
    ///
    /// asyncio: StreamWriter.wait_closed · libuv: uv_close_cb
    public func waitClosed() async {
        loop.canTouch("TTY.waitClosed")
        if isGone || loop.isClosed { return }
        try? await loop.wait(in: \.closeWaiters, of: self)
    }

    private func didClose() {
        isGone = true
        closeWaiters.wakeAll()
    }

    func checkUsable() throws {
        if isClosing { throw EventLoopError(.transportClosing, "the terminal is closed") }
    }
}

extension EventLoop {
    /// Opens the terminal of a descriptor: 0 for what is typed, 1 for what is shown, or any other.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` if the descriptor is not a terminal's, `.closed`; ``IOError``.
    ///
    /// asyncio: loop.connect_read_pipe(sys.stdin) · libuv: uv_tty_init
    public func openTTY(fileDescriptor: Int32) throws -> TTY {
        try checkOpen("openTTY")
        try checkDescriptor(fileDescriptor)
        // Throws for a number without a descriptor.
        _ = try FileIdentity(descriptor: fileDescriptor)
        guard descriptorKind(fileDescriptor) == .terminal else {
            throw EventLoopError.invalidArgument(
                "fileDescriptor: \(fileDescriptor) is not a terminal but of the kind \(descriptorKind(fileDescriptor))")
        }
        return try TTY(fileDescriptor, loop: self)
    }

    /// What kind of thing a descriptor is: for programs that take what they are given as standard input.
    ///
    /// - Returns: ``DescriptorKind/unknown`` also for a number without a descriptor.
    ///
    /// asyncio: os.isatty, stat.S_ISFIFO and the like · libuv: uv_guess_handle
    public func descriptorKind(_ fileDescriptor: Int32) -> DescriptorKind {
        switch System.kind(of: fileDescriptor) {
        case .terminal: .terminal
        case .pipe: .pipe
        case .file: .file
        case .tcp: .tcp
        case .udp: .udp
        case .unknown: .unknown
        }
    }
}

/// A kind of descriptor.
///
/// libuv: uv_handle_type
public enum DescriptorKind: Hashable, Sendable {
    /// For ``EventLoop/openTTY(fileDescriptor:)``.
    case terminal
    /// A pipe or a Unix socket.
    case pipe
    /// A file, or a device that is none of the others.
    case file
    /// A connection or a listening socket of TCP.
    case tcp
    /// A socket of UDP.
    case udp
    /// Something else.
    case unknown
}
