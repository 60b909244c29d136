// What keeps a test that hangs from holding up the whole run without a word.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Watches over what tests run on threads of their own: aborts the process, and names the test, when a body has not
/// ended after ten minutes. It counts its own ticks, so that the time for which the process is stopped does not count.
final class Watchdog: Sendable {
    static let shared = Watchdog()

    /// After how many ticks, of a second each, the process is aborted.
    private static let patience = 600

    private let lock = PthreadLock()
    // SAFETY: all three are touched only while holding `lock`.
    private nonisolated(unsafe) var ticks = 0
    private nonisolated(unsafe) var lastTicket = 0
    private nonisolated(unsafe) var watched: [Int: (end: Int, test: Testing.SourceLocation)] = [:]

    private init() {
        do { try UVThread { Self.shared.run() }.detach() } catch { StandardError.print("no watchdog: \(error)") }
    }

    /// Runs `body`, which belongs to the test at `test`.
    func watch<Result>(_ test: Testing.SourceLocation, _ body: () -> Result) -> Result {
        let ticket = lock.withLock {
            lastTicket += 1
            watched[lastTicket] = (ticks + Self.patience, test)
            return lastTicket
        }
        defer { _ = lock.withLock { watched.removeValue(forKey: ticket) } }
        return body()
    }

    private func run() {
        while true {
            sleep(1)
            let late = lock.withLock {
                ticks += 1
                return watched.values.first { $0.end <= ticks }
            }
            guard let late else { continue }
            StandardError.print(
                "The test at \(late.test.fileID):\(late.test.line) has not ended after \(Self.patience) seconds.")
            abort()
        }
    }
}
