// Terminals as streams, and what kind of thing a descriptor is.

internal import CLibuv

/// A terminal. libuv: uv_tty_t
final class UVTTY: UVStream {
    enum Mode { case normal, raw, io }

    /// What the program may do with its descriptor.
    let isReadable: Bool
    let isWritable: Bool
    /// Called when the handle is gone and the terminal has its mode back; by who wants to know.
    var onClose: [ObjectIdentifier: () -> Void] = [:]
    private var current = Mode.normal
    private var guardian: TerminalGuard?

    /// Opens the terminal of a descriptor, which is left alone.
    ///
    /// libuv opens a terminal a second time, so that it does not block there and goes on blocking for everybody else.
    /// It makes the descriptor that it is given a copy of the new one, though, so it is given a copy.
    init(on loop: UVLoop, descriptor: Int32) throws {
        let access = try uvCheck(asyncio_access_mode(descriptor), "fcntl")
        isReadable = access != O_WRONLY
        isWritable = access != O_RDONLY
        let copy = try uvCheck(asyncio_duplicate_above_standard(descriptor), "fcntl")
        do {
            try loop.tryToPoll(copy)
            try super.init(UV_TTY, of: uv_tty_t.self, on: loop, operation: "uv_tty_init") {
                uv_tty_init($0, $1, copy, 0)
            }
        } catch {
            asyncio_close(copy)
            throw error
        }
        if self.descriptor != copy {
            asyncio_close(copy)
        } else {
            // It could not be opened again: the copy is the stream now, and what it shares with the caller's stays as
            // it is.
            asyncio_set_blocking(copy)
        }
    }

    /// The mode; normal too if the terminal was reset meanwhile.
    var mode: Mode { guardian?.wasReset == true ? .normal : current }

    func setMode(_ mode: Mode) throws {
        if guardian?.wasReset == true { try leave() }
        guard mode != current else { return }
        if mode == .normal { return try leave() }
        let entered = try guardian ?? TerminalGuard(descriptor: descriptor)
        // Lets go of the guard if this throws and nothing had been changed before.
        try apply(mode)
        guardian = entered
        current = mode
    }

    private func leave() throws {
        try apply(.normal)
        current = .normal
        guardian?.release()
        guardian = nil
    }

    private func apply(_ mode: Mode) throws {
        let number: uv_tty_mode_t =
            switch mode {
            case .normal: UV_TTY_MODE_NORMAL
            case .raw: UV_TTY_MODE_RAW
            case .io: UV_TTY_MODE_IO
            }
        try uvCheck(uv_tty_set_mode(pointer(as: uv_tty_t.self), number), "tcsetattr")
    }

    func windowSize() throws -> (columns: Int, rows: Int) {
        var columns: Int32 = 0
        var rows: Int32 = 0
        try uvCheck(uv_tty_get_winsize(pointer(as: uv_tty_t.self), &columns, &rows), "ioctl(TIOCGWINSZ)")
        return (Int(columns), Int(rows))
    }

    override func didClose() {
        super.didClose()
        guardian?.release()
        guardian = nil
        current = .normal
        let callbacks = onClose.values
        onClose = [:]
        for callback in callbacks { callback() }
    }
}

extension System {
    /// What libuv takes a descriptor for.
    enum Kind { case terminal, pipe, file, tcp, udp, unknown }

    static func kind(of descriptor: Int32) -> Kind {
        switch uv_guess_handle(descriptor) {
        case UV_TTY: .terminal
        case UV_NAMED_PIPE: .pipe
        case UV_FILE: .file
        case UV_TCP: .tcp
        case UV_UDP: .udp
        default: .unknown
        }
    }
}
