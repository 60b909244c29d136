// What ran, how often and how long: the table at the end of the tour.

import AsyncIO

/// Collects what the sections did. It is not `Sendable`: it stays on the loop's thread, as the sections do.
final class Ledger {
    private struct Line {
        var count = 0
        var total = Duration.zero
        var note = ""
    }

    private let loop: EventLoop
    private let start: EventLoop.Instant
    private var names: [String] = []
    private var lines: [String: Line] = [:]

    init(_ loop: EventLoop) {
        self.loop = loop
        start = loop.time()
    }

    /// Counts one run of something that began at `begin`.
    func count(_ name: String, since begin: EventLoop.Instant) {
        update(name) { $0.total += begin.duration(to: loop.time()) }
    }

    /// Counts one run of something.
    func count(_ name: String) { update(name) { _ in } }

    /// Adds a remark to a line without counting.
    func note(_ name: String, _ text: String) {
        update(name) { line in
            line.count -= 1
            line.note = text
        }
    }

    private func update(_ name: String, _ change: (inout Line) -> Void) {
        if lines[name] == nil { names.append(name) }
        var line = lines[name] ?? Line()
        line.count += 1
        change(&line)
        lines[name] = line
    }

    func printTable() {
        print(
            "\n" + pad("what ran", 24) + pad("times", 10, right: true) + pad("ms in all", 12, right: true) + "  remarks"
        )
        for name in names {
            let line = lines[name] ?? Line()
            let time = line.total == .zero ? "" : milliseconds(line.total)
            print(pad(name, 24) + pad("\(line.count)", 10, right: true) + pad(time, 12, right: true) + "  " + line.note)
        }
        print("the whole tour: \(milliseconds(start.duration(to: loop.time()))) ms")
    }

    private func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let space = String(repeating: " ", count: max(width - text.count, 0))
        return right ? space + text : text + space
    }

    private func milliseconds(_ duration: Duration) -> String {
        let tenths = duration.components.seconds * 10_000 + duration.components.attoseconds / 100_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
