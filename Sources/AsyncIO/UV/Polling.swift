// Descriptors that a loop is going to poll. When libuv begins to poll one and the system refuses, because memory or the number of
// watches has run out, libuv ends the process. So the system is asked before, when there is still somebody to tell.

internal import CLibuv

extension UVLoop {
    /// Takes a descriptor into the set that the loop polls, for no events yet: libuv adds those later, which cannot fail then.
    func expectToPoll(_ descriptor: Int32) throws(IOError) {
        try uvCheck(asyncio_poll_add(uv_backend_fd(raw), descriptor), "epoll_ctl")
    }

    /// The same around a call of libuv that takes a descriptor over; a status.
    @inline(__always)
    func expectingToPoll(_ descriptor: Int32, _ open: () -> Int32) -> Int32 {
        let status = asyncio_poll_add(uv_backend_fd(raw), descriptor)
        guard status == 0 else { return status }
        let opened = open()
        if opened < 0 { asyncio_poll_remove(uv_backend_fd(raw), descriptor) }
        return opened
    }

    /// The same for what libuv opens by itself when the first path, or the first signal, is watched.
    func expectToPollFileEvents() throws(IOError) {
        #if os(Linux)
            try expectToPoll(raw.pointee.inotify_fd)
        #endif
    }

    func expectToPollSignals() throws(IOError) { try expectToPoll(raw.pointee.signal_io_watcher.fd) }
}
