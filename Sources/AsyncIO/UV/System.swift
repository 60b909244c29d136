// Small questions to the system: the clock, the thread, the environment, the main dispatch queue.

internal import CLibuv
import Dispatch  // links libdispatch, whose main queue the loop serves

/// A thread's identity as a number; zero is no thread.
struct ThreadIdentity: Equatable, Sendable {
    let rawValue: UInt

    static let none = ThreadIdentity(rawValue: 0)

    /// The calling thread. Through libuv, because glibc declares `pthread_self` constant and the optimiser keeps
    /// its answer across an `await`.
    @inline(__always)
    static var current: ThreadIdentity {
        ThreadIdentity(rawValue: number(uv_thread_self()))
    }

    // `uv_thread_t` is a number on Linux and a pointer on macOS.
    @inline(__always)
    private static func number(_ thread: UInt) -> UInt { thread }
    @inline(__always)
    private static func number(_ thread: OpaquePointer?) -> UInt { UInt(bitPattern: thread) }
}

enum System {
    /// The monotonic clock in nanoseconds.
    @inline(__always)
    static var nanoseconds: Int64 { Int64(bitPattern: uv_hrtime()) }

    static var isMainThread: Bool { asyncio_is_main_thread() != 0 }

    static func environment(_ name: String) -> String? {
        var size = 256
        while true {
            var result: String?
            let status = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer -> Int32 in
                let status = uv_os_getenv(name, buffer.baseAddress, &size)
                if status == 0, let base = buffer.baseAddress { result = String(cString: base) }
                return status
            }
            guard status == Int32(UV_ENOBUFS.rawValue) else { return result }
        }
    }

    /// The address of the Swift task that runs on this thread now.
    @inline(__always)
    static var currentTask: UnsafeRawPointer? { asyncio_current_task() }

    static func nameCurrentThread(_ name: String) { asyncio_set_thread_name(name) }

    /// How many threads can run at once.
    static var parallelism: Int { Int(uv_available_parallelism()) }

    /// libuv's version at run time, for example "1.44.2".
    static var libuvVersion: String { String(cString: uv_version_string()) }
}

/// The main dispatch queue, served by a loop on the main thread as CoreFoundation's run loop does it.
enum MainDispatchQueue {
    #if os(Linux)
        /// A descriptor that is readable while the queue has something to run; nil where other threads serve the queue.
        static var descriptor: Int32? {
            let descriptor = _dispatch_get_main_queue_handle_4CF()
            return descriptor >= 0 ? descriptor : nil
        }

        static func drain(_ descriptor: Int32) {
            var count: UInt64 = 0
            _ = withUnsafeMutableBytes(of: &count) { read(descriptor, $0.baseAddress, $0.count) }
            _dispatch_main_queue_callback_4CF(nil)
        }
    #else
        static var descriptor: Int32? { nil }
        static func drain(_ descriptor: Int32) {}
    #endif
}

extension System {
    /// Lets another thread run.
    static func yieldThread() { sched_yield() }
}
