// An object per thread: the running loop and the loop that was set.

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A slot that holds another object, or none, on each thread. It keeps the object alive until it is replaced or
/// the thread ends.
struct ThreadLocal<Object: AnyObject>: Sendable {
    private let key: pthread_key_t

    init() {
        var key = pthread_key_t()
        let status = pthread_key_create(&key, releaseThreadLocal)
        precondition(status == 0, "pthread_key_create failed with \(status)")
        self.key = key
    }

    var value: Object? {
        // SAFETY: the slot holds a retained `Object` or null; only the setter writes it.
        pthread_getspecific(key).map { Unmanaged<Object>.fromOpaque($0).takeUnretainedValue() }
    }

    func set(_ object: Object?) {
        let old = pthread_getspecific(key)
        // SAFETY: retained here, released by the next `set` or at the thread's end.
        pthread_setspecific(key, object.map { UnsafeRawPointer(Unmanaged.passRetained($0).toOpaque()) })
        if let old { Unmanaged<AnyObject>.fromOpaque(old).release() }
    }
}

#if canImport(Darwin)
    private func releaseThreadLocal(_ object: UnsafeMutableRawPointer) {
        // SAFETY: pthread hands over the value that `set` retained, once, at the end of its thread.
        Unmanaged<AnyObject>.fromOpaque(object).release()
    }
#else
    private func releaseThreadLocal(_ object: UnsafeMutableRawPointer?) {
        guard let object else { return }
        // SAFETY: pthread hands over the value that `set` retained, once, at the end of its thread.
        Unmanaged<AnyObject>.fromOpaque(object).release()
    }
#endif
