// Descriptors that a loop is going to poll. When libuv begins to poll one and the system refuses, because memory or the number of
// watches has run out, libuv ends the process. So that is tried before, when there is still somebody to tell.

internal import CLibuv

extension UVLoop {
    /// Throws if the loop could not poll a descriptor now.
    func tryToPoll(_ descriptor: Int32) throws(IOError) {
        try uvCheck(asyncio_try_to_poll(uv_backend_fd(raw), descriptor), "epoll_ctl")
    }

    /// The same before a call of libuv that takes a descriptor over; a status.
    @inline(__always)
    func tryingToPoll(_ descriptor: Int32, _ open: () -> Int32) -> Int32 {
        let status = asyncio_try_to_poll(uv_backend_fd(raw), descriptor)
        return status == 0 ? open() : status
    }

    /// The same before the first path is watched: libuv opens a descriptor for that, polls it, and does not close it any more.
    func tryToPollFileEvents() throws(IOError) {
        #if os(Linux)
            guard raw.pointee.inotify_fd == -1 else { return }
            try uvCheck(asyncio_try_to_poll_another(uv_backend_fd(raw)), "epoll_ctl")
        #endif
    }

    /// The same for what it opens when the first signal is watched.
    func tryToPollSignals() throws(IOError) { try tryToPoll(raw.pointee.signal_io_watcher.fd) }
}
