// The one lock of the library: a pthread mutex at a stable address.
//
// `Synchronization.Mutex` is not used because ThreadSanitizer does not see its hand-over on Linux and
// reports races that are not there.

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A mutual-exclusion lock. Not recursive. Never run a callback or resume a continuation while holding it.
struct PthreadLock: ~Copyable, Sendable {
    // SAFETY: the mutex lives at this address from init to deinit and is only touched through pthread calls.
    private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>

    init() {
        mutex = .allocate(capacity: 1)
        let status = pthread_mutex_init(mutex, nil)
        precondition(status == 0, "pthread_mutex_init failed with \(status)")
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    @inline(__always)
    func lock() { pthread_mutex_lock(mutex) }

    @inline(__always)
    func unlock() { pthread_mutex_unlock(mutex) }

    @inline(__always)
    func withLock<R: ~Copyable, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        lock()
        defer { unlock() }
        return try body()
    }

    /// Waits on `condition`, which belongs to this lock; the caller holds the lock.
    func wait(on condition: borrowing ConditionVariable) {
        pthread_cond_wait(condition.condition, mutex)
    }

    /// The same, but not for longer than so many nanoseconds. Like the other it may return for no reason.
    func wait(on condition: borrowing ConditionVariable, atMost nanoseconds: Int64) {
        var time = timespec()
        #if !canImport(Darwin)
            clock_gettime(CLOCK_MONOTONIC, &time)
        #endif
        // Short enough for any clock; who waits for longer waits again.
        let rest = min(max(nanoseconds, 0), 3600 * 1_000_000_000) + Int64(time.tv_nsec)
        time.tv_sec += numericCast(rest / 1_000_000_000)
        time.tv_nsec = numericCast(rest % 1_000_000_000)
        #if canImport(Darwin)
            pthread_cond_timedwait_relative_np(condition.condition, mutex, &time)
        #else
            pthread_cond_timedwait(condition.condition, mutex, &time)
        #endif
    }
}

/// A condition variable, to be used with one ``PthreadLock``.
struct ConditionVariable: ~Copyable, Sendable {
    // SAFETY: as for the mutex of `PthreadLock`.
    fileprivate nonisolated(unsafe) let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        condition = .allocate(capacity: 1)
        #if canImport(Darwin)
            let status = pthread_cond_init(condition, nil)
        #else
            // A wait for a time must not depend on the clock that people set.
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            let status = pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        #endif
        precondition(status == 0, "pthread_cond_init failed with \(status)")
    }

    deinit {
        pthread_cond_destroy(condition)
        condition.deallocate()
    }

    func signal() { pthread_cond_signal(condition) }
    func broadcast() { pthread_cond_broadcast(condition) }
}
