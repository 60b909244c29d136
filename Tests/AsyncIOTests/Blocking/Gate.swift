// Holding blocking work back until the test lets it go.

@testable import AsyncIO

/// A gate for threads: work waits in `pass()` until `open()`.
final class Gate: Sendable {
    private let lock = PthreadLock()
    private let changed = ConditionVariable()
    // SAFETY: touched only while holding `lock`.
    private nonisolated(unsafe) var isOpen = false
    // SAFETY: touched only while holding `lock`.
    private nonisolated(unsafe) var waiting = 0

    /// Blocks the thread until the gate is open.
    func pass() {
        lock.withLock {
            waiting += 1
            changed.broadcast()
            while !isOpen { lock.wait(on: changed) }
        }
    }

    func open() {
        lock.withLock {
            isOpen = true
            changed.broadcast()
        }
    }

    /// Blocks the thread until so many others have come to the gate.
    func waitForArrivals(_ count: Int) {
        lock.withLock { while waiting < count { lock.wait(on: changed) } }
    }
}

/// A counter that threads share.
final class SharedCounter: Sendable {
    private let lock = PthreadLock()
    // SAFETY: touched only while holding `lock`.
    private nonisolated(unsafe) var count = 0

    var value: Int { lock.withLock { count } }
    func increment() { lock.withLock { count += 1 } }
}
