// Datagrams: UDP, and Unix datagram sockets.

internal import CLibuv

/// Who is told what happens on a datagram socket.
protocol UVDatagramDelegate: AnyObject {
    /// A datagram, which may be empty. The memory is lent for the call.
    func datagramDidArrive(_ bytes: UnsafeRawBufferPointer, from name: SocketName)
    func receivingDidFail(_ status: Int32)
    func sendingDidEnd(_ status: Int32)
    /// The handle is gone; the last call.
    func datagramSocketDidClose()
}

/// A datagram socket. libuv: uv_udp_t
final class UVDatagram: UVHandle {
    /// Kept until the handle is closed.
    var delegate: (any UVDatagramDelegate)?
    /// Whether datagrams may be longer than those of UDP.
    var isLong = false

    init(on loop: UVLoop) throws {
        try super.init(UV_UDP, of: uv_udp_t.self, on: loop, operation: "uv_udp_init", initialize: uv_udp_init)
    }

    private var socket: UnsafeMutablePointer<uv_udp_t> { pointer(as: uv_udp_t.self) }

    /// Takes a socket over; on failure it stays the caller's.
    func open(_ descriptor: Int32) -> Int32 {
        loop.tryingToPoll(descriptor) { uv_udp_open(socket, descriptor) }
    }

    func startReceiving() -> Int32 {
        let status = uv_udp_recv_start(socket, datagramNeedsBuffer, datagramDidArrive)
        return status == Int32(UV_EALREADY.rawValue) ? 0 : status
    }
    func stopReceiving() { if isOpen { uv_udp_recv_stop(socket) } }

    /// Sends now: a count, or a negative status. Without a name it goes to where the socket is connected to.
    func trySend(_ bytes: UnsafeRawBufferPointer, to name: SocketName?) -> Int {
        var buffer = uv_buf_t(
            base: UnsafeMutableRawPointer(mutating: bytes.baseAddress)?.assumingMemoryBound(to: CChar.self),
            len: bytes.count)
        guard let name else { return Int(uv_udp_try_send(socket, &buffer, 1, nil)) }
        return Int(name.withAddress { uv_udp_try_send(socket, &buffer, 1, $0) })
    }

    /// Sends a copy when the system takes it.
    func send(_ bytes: UnsafeRawBufferPointer, to name: SocketName?) -> Int32 {
        let request = UVDatagramSend(bytes, on: self)
        guard let name else { return request.submit(to: socket, nil) }
        return name.withAddress { request.submit(to: socket, $0) }
    }

    var sendQueueSize: Int { uv_udp_get_send_queue_size(socket) }
    var sendQueueCount: Int { uv_udp_get_send_queue_count(socket) }

    func setMembership(_ group: String, interface: String?, joins: Bool) -> Int32 {
        uv_udp_set_membership(socket, group, interface, joins ? UV_JOIN_GROUP : UV_LEAVE_GROUP)
    }
    func setMulticastLoop(_ on: Bool) -> Int32 { uv_udp_set_multicast_loop(socket, on ? 1 : 0) }
    func setMulticastTimeToLive(_ hops: Int) -> Int32 { uv_udp_set_multicast_ttl(socket, Int32(clamping: hops)) }
    func setMulticastInterface(_ address: String?) -> Int32 { uv_udp_set_multicast_interface(socket, address) }
    func setTimeToLive(_ hops: Int) -> Int32 { uv_udp_set_ttl(socket, Int32(clamping: hops)) }
    func setBroadcast(_ on: Bool) -> Int32 { uv_udp_set_broadcast(socket, on ? 1 : 0) }

    /// The descriptor; -1 when the socket is closed.
    var descriptor: Int32 {
        var descriptor: Int32 = -1
        guard isOpen, uv_fileno(raw, &descriptor) == 0 else { return -1 }
        return descriptor
    }

    override func didClose() {
        let delegate = self.delegate
        self.delegate = nil
        delegate?.datagramSocketDidClose()
    }
}

private func datagramNeedsBuffer(
    _ handle: UnsafeMutablePointer<uv_handle_t>?, _ suggested: Int, _ buffer: UnsafeMutablePointer<uv_buf_t>?
) {
    withUVOwner(handle?.pointee.data, as: UVDatagram.self) { owner in
        let target = owner.isLong ? owner.loop.longDatagramBuffer : owner.loop.readBuffer
        buffer?.pointee = uv_buf_t(base: target.baseAddress?.assumingMemoryBound(to: CChar.self), len: target.count)
    }
}

private func datagramDidArrive(
    _ handle: UnsafeMutablePointer<uv_udp_t>?, _ count: Int, _ buffer: UnsafePointer<uv_buf_t>?,
    _ address: UnsafePointer<sockaddr>?, _ flags: UInt32
) {
    withUVOwner(handle?.pointee.data, as: UVDatagram.self) { owner in
        if count < 0 {
            owner.delegate?.receivingDidFail(Int32(count))
        } else if flags & UInt32(UV_UDP_PARTIAL.rawValue) != 0 {
            owner.delegate?.receivingDidFail(Int32(UV_EMSGSIZE.rawValue))
        } else if let name = SocketName(address) {
            owner.delegate?.datagramDidArrive(
                UnsafeRawBufferPointer(start: buffer?.pointee.base, count: count), from: name)
        }
    }
}

/// A copy of a datagram that waits to go out. libuv: uv_udp_send_t
private final class UVDatagramSend: UVRequest {
    private let owner: UVDatagram
    private let copy: UnsafeMutableRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer, on owner: UVDatagram) {
        self.owner = owner
        copy = .allocate(byteCount: max(bytes.count, 1), alignment: 1)
        copy.copyMemory(from: bytes)
        count = bytes.count
        super.init(UV_UDP_SEND, on: owner.loop)
    }

    private let count: Int

    deinit { copy.deallocate() }

    func submit(to socket: UnsafeMutablePointer<uv_udp_t>, _ address: UnsafePointer<sockaddr>?) -> Int32 {
        var buffer = uv_buf_t(base: copy.baseAddress?.assumingMemoryBound(to: CChar.self), len: count)
        return start { uv_udp_send(pointer(as: uv_udp_send_t.self), socket, &buffer, 1, address, datagramDidGo) }
    }

    fileprivate func end(_ status: Int32) { owner.delegate?.sendingDidEnd(status) }
}

private func datagramDidGo(_ request: UnsafeMutablePointer<uv_udp_send_t>?, _ status: Int32) {
    UVRequest.complete(request?.pointee.data, as: UVDatagramSend.self)?.end(status)
}
