// A terminal for the tests of terminals: both of its ends.

import CLibuv  // for termios, which Swift's overlay of glibc lacks
import Glibc
import Testing

@testable import AsyncIO

/// A pty. Its near end is the terminal that a program has; its far end is where a person would sit.
final class PseudoTerminal {
    let far: Int32
    let near: Int32
    let path: String

    init() throws {
        // Closed in children from the first moment on: those of other tests must not keep an end open.
        far = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var name = [CChar](repeating: 0, count: 128)
        guard far >= 0, let unlock = Self.unlockpt, unlock(far) == 0, let nameOf = Self.ptsname_r,
            nameOf(far, &name, name.count) == 0
        else { throw TestError(name: "the far end of a pty") }
        path = asText(name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
        near = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard near >= 0 else { throw TestError(name: "the near end of a pty") }
    }

    // glibc has them, and Swift's overlay does not.
    private static let unlockpt = function("unlockpt", as: (@convention(c) (Int32) -> Int32).self)
    private static let ptsname_r = function(
        "ptsname_r", as: (@convention(c) (Int32, UnsafeMutablePointer<CChar>, Int) -> Int32).self)

    private static func function<Function>(_ name: String, as _: Function.Type) -> Function? {
        // SAFETY: the type is that of the function's declaration in C.
        dlsym(nil, name).map { unsafeBitCast($0, to: Function.self) }
    }

    deinit {
        closeFar()
        closeNear()
    }

    private var farIsOpen = true
    private var nearIsOpen = true

    func closeFar() {
        if farIsOpen { close(far) }
        farIsOpen = false
    }

    func closeNear() {
        if nearIsOpen { close(near) }
        nearIsOpen = false
    }

    /// Another descriptor of the near end.
    func openNear(_ flags: Int32) throws -> Int32 {
        let descriptor = open(path, flags | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw TestError(name: "the near end of a pty") }
        return descriptor
    }

    /// Types on the far end.
    func type(_ text: String) { #expect(write(far, text, text.utf8.count) == text.utf8.count) }

    /// What is shown on the far end, which has to be so many bytes; waits for them.
    func shown(_ count: Int) -> String {
        var bytes = [UInt8](repeating: 0, count: count)
        var place = 0
        while place < count {
            let size = bytes.withUnsafeMutableBytes { read(far, $0.baseAddress.map { $0 + place }, count - place) }
            guard size > 0 else { break }
            place += size
        }
        return asText(Array(bytes.prefix(place)))
    }

    func resize(columns: Int, rows: Int) {
        var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        #expect(ioctl(far, UInt(TIOCSWINSZ), &size) == 0)
    }

    /// What the system says about the mode, whatever anybody believes.
    var settings: TerminalSettings { TerminalSettings(near) }
}

/// The settings of a terminal that its mode is made of.
struct TerminalSettings: Equatable {
    let echoes: Bool
    let editsLines: Bool
    let makesSignals: Bool
    let convertsOutput: Bool

    init(_ descriptor: Int32) {
        var attributes = termios()
        tcgetattr(descriptor, &attributes)
        echoes = attributes.c_lflag & tcflag_t(ECHO) != 0
        editsLines = attributes.c_lflag & tcflag_t(ICANON) != 0
        makesSignals = attributes.c_lflag & tcflag_t(ISIG) != 0
        convertsOutput = attributes.c_oflag & tcflag_t(OPOST) != 0
    }

    private init(_ all: Bool, convertsOutput: Bool) {
        echoes = all
        editsLines = all
        makesSignals = all
        self.convertsOutput = convertsOutput
    }

    static let normal = TerminalSettings(true, convertsOutput: true)
    static let raw = TerminalSettings(false, convertsOutput: true)
    static let io = TerminalSettings(false, convertsOutput: false)
}

/// Whether reading and writing wait.
func isBlocking(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFL) & O_NONBLOCK == 0 }
