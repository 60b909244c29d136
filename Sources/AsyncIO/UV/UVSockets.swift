// The kinds of streams: TCP connections, and Unix sockets or pipes.

internal import CLibuv

/// A TCP connection. libuv: uv_tcp_t
final class UVTCP: UVStream {
    init(on loop: UVLoop) throws {
        try super.init(UV_TCP, of: uv_tcp_t.self, on: loop, operation: "uv_tcp_init", initialize: uv_tcp_init)
    }

    /// Takes a connected socket over; on failure it stays the caller's.
    func open(_ descriptor: Int32) -> Int32 {
        loop.tryingToPoll(descriptor) { uv_tcp_open(pointer(as: uv_tcp_t.self), descriptor) }
    }

    /// Makes the socket for an address; libuv would make it when it binds or connects.
    func makeSocket(for name: SocketName) throws(IOError) {
        let socket = try SystemSocket(family: name.family, type: SystemConstant.stream)
        let status = open(socket.descriptor)
        guard status < 0 else { return }
        socket.close()
        throw IOError(uvStatus: status, operation: "epoll_ctl")
    }

    /// libuv keeps some errors back until the socket is connected.
    func bind(to name: SocketName) -> Int32 {
        name.withAddress { uv_tcp_bind(pointer(as: uv_tcp_t.self), $0, 0) }
    }

    /// Connects and calls back with a status.
    func connect(to name: SocketName, _ callback: @escaping (Int32) -> Void) -> Int32 {
        let request = UVConnect(on: loop, callback)
        return name.withAddress { request.submit(pointer(as: uv_tcp_t.self), $0) }
    }
}

/// A request to connect. libuv: uv_connect_t
private final class UVConnect: UVRequest {
    private let callback: (Int32) -> Void

    init(on loop: UVLoop, _ callback: @escaping (Int32) -> Void) {
        self.callback = callback
        super.init(UV_CONNECT, on: loop)
    }

    func submit(_ handle: UnsafeMutablePointer<uv_tcp_t>, _ address: UnsafePointer<sockaddr>) -> Int32 {
        start { uv_tcp_connect(pointer(as: uv_connect_t.self), handle, address, connectDidEnd) }
    }

    fileprivate func end(_ status: Int32) { callback(status) }
}

private func connectDidEnd(_ request: UnsafeMutablePointer<uv_connect_t>?, _ status: Int32) {
    UVRequest.complete(request?.pointee.data, as: UVConnect.self)?.end(status)
}

/// A Unix socket, or one end of a pipe. libuv: uv_pipe_t
final class UVPipe: UVStream {
    init(on loop: UVLoop) throws {
        try super.init(UV_NAMED_PIPE, of: uv_pipe_t.self, on: loop, operation: "uv_pipe_init") {
            uv_pipe_init($0, $1, 0)
        }
    }

    /// Takes a connected socket or a pipe over; on failure it stays the caller's.
    func open(_ descriptor: Int32) -> Int32 {
        loop.tryingToPoll(descriptor) { uv_pipe_open(pointer(as: uv_pipe_t.self), descriptor) }
    }
}
