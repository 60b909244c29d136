// libuv's pool of threads, which ends the process if one of its threads cannot be started: so that is tried before.

internal import CLibuv
import Synchronization

/// The threads that all loops of the process share.
enum ThreadPool {
    private static let lock = PthreadLock()
    private static let isStarted = Atomic<Bool>(false)

    /// To be called before libuv is given work for the pool, which starts its threads with the first piece.
    ///
    /// - Returns: a negative status if the system has no threads left.
    static func start() -> Int32 {
        if isStarted.load(ordering: .acquiring) { return 0 }
        return lock.withLock {
            if isStarted.load(ordering: .relaxed) { return 0 }
            let status = tryToStart(System.poolThreads)
            if status == 0 { isStarted.store(true, ordering: .releasing) }
            return status
        }
    }

    /// Starts as many threads as libuv will, all at once, and ends them again.
    private static func tryToStart(_ count: Int) -> Int32 {
        let gate = ProbeGate()
        var threads: [UVThread] = []
        defer {
            gate.open()
            for thread in threads { thread.join() }
        }
        do {
            for _ in 0..<count { threads.append(try UVThread { gate.wait() }) }
            return 0
        } catch {
            return (error as? IOError)?.code.rawValue ?? Int32(UV_EAGAIN.rawValue)
        }
    }
}

/// Holds threads until it is opened.
private final class ProbeGate: Sendable {
    private let lock = PthreadLock()
    private let changed = ConditionVariable()
    // SAFETY: touched only while holding `lock`.
    private nonisolated(unsafe) var isOpen = false

    func wait() {
        lock.lock()
        defer { lock.unlock() }
        while !isOpen { lock.wait(on: changed) }
    }

    func open() {
        lock.withLock {
            isOpen = true
            changed.broadcast()
        }
    }
}
