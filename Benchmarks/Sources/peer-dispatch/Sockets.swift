// Sockets that do not block, for the servers.

import Dispatch
import Glibc
import NativeWorkloads

/// A system call has failed: the server cannot go on.
func failed(_ call: String) -> Never {
    complain("peer-dispatch: \(call): \(String(cString: strerror(errno)))")
    exit(1)
}

private func check(_ result: Int32, _ call: String) {
    if result < 0 { failed(call) }
}

private func doNotBlock(_ descriptor: Int32) {
    check(fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK), "fcntl")
}

func listen(host: String, port: Int) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { failed("inet_pton") }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    check(descriptor, "socket")
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    let bound = withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    check(bound, "bind")
    check(Glibc.listen(descriptor, 1024), "listen")
    doNotBlock(descriptor)
    return descriptor
}

func listen(path: String) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { room in
        precondition(path.utf8.count < room.count, "the path is too long")
        room.copyBytes(from: path.utf8)
    }
    unlink(path)
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    check(descriptor, "socket")
    let bound = withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    check(bound, "bind")
    check(Glibc.listen(descriptor, 1024), "listen")
    doNotBlock(descriptor)
    return descriptor
}

/// Calls `accepted` for each connection, on `queue`.
func acceptAll(_ listener: Int32, on queue: DispatchQueue, _ accepted: @escaping @Sendable (Int32) -> Void) -> Never {
    let source = DispatchSource.makeReadSource(fileDescriptor: listener, queue: queue)
    source.setEventHandler {
        while true {
            let descriptor = accept(listener, nil, nil)
            if descriptor < 0 { return }
            doNotBlock(descriptor)
            var on: Int32 = 1
            // A Unix socket refuses, and needs none.
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            accepted(descriptor)
        }
    }
    source.activate()
    print("LISTENING")
    fflush(nil)
    dispatchMain()
}
