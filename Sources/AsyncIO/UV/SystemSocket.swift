// The single door to system calls on sockets and descriptors.

internal import CLibuv

/// System calls on a descriptor. Nothing here owns it.
struct SystemSocket {
    let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// A new socket that does not block and that children do not inherit.
    init(family: Int32, type: Int32, protocol: Int32 = 0) throws(IOError) {
        descriptor = try uvCheck(asyncio_socket(family, type, `protocol`), "socket")
    }

    // MARK: - Setting up

    func bind(to name: SocketName, subject: @autoclosure () -> String) throws(IOError) {
        let status = withUnsafePointer(to: name.storage) { asyncio_bind(descriptor, $0, name.length) }
        if status < 0 { throw IOError(uvStatus: status, operation: "bind", subject: subject()) }
    }

    func listen(backlog: Int, subject: String) throws(IOError) {
        try uvCheck(asyncio_listen(descriptor, Int32(clamping: max(backlog, 0))), "listen", subject: subject)
    }

    /// Begins to connect; the status is 0 when that succeeded at once.
    func connect(to name: SocketName) -> Int32 {
        withUnsafePointer(to: name.storage) { asyncio_connect(descriptor, $0, name.length) }
    }

    /// Takes a connection; a negative status if there is none.
    func accept() -> (status: Int32, peer: SocketName) {
        var peer = SocketName()
        let status = asyncio_accept(descriptor, &peer.storage, &peer.length)
        return (status, peer)
    }

    /// Whether the error of ``accept()`` is that of the connection, and not of the listening socket.
    static func saysThatOneConnectionFailed(_ status: Int32) -> Bool {
        var errors = [
            ECONNABORTED, EPERM, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
        ]
        #if os(Linux)
            errors.append(ENONET)
        #endif
        return errors.contains(-status)
    }

    func setOption(_ option: SocketOption, _ value: Int32) throws(IOError) {
        try uvCheck(asyncio_set_option(descriptor, option.level, option.name, value), "setsockopt")
    }

    func option(_ option: SocketOption) throws(IOError) -> Int32 {
        var value: Int32 = 0
        try uvCheck(asyncio_get_option(descriptor, option.level, option.name, &value), "getsockopt")
        return value
    }

    /// The error that is waiting on the socket, as a status; 0 if there is none.
    var pendingError: Int32 {
        var value: Int32 = 0
        let status = asyncio_get_option(descriptor, SOL_SOCKET, SO_ERROR, &value)
        return status < 0 ? status : -value
    }

    /// A second descriptor for the same socket.
    func duplicate() throws(IOError) -> SystemSocket { SystemSocket(try uvCheck(asyncio_duplicate(descriptor), "dup")) }

    func setNonBlocking() throws(IOError) { try uvCheck(asyncio_set_nonblocking(descriptor), "fcntl") }
    func isNonBlocking() throws(IOError) -> Bool { try uvCheck(asyncio_is_nonblocking(descriptor), "fcntl") != 0 }

    /// Whether the number is that of an open descriptor.
    var isOpen: Bool { asyncio_is_open(descriptor) != 0 }

    func endSending() -> Int32 { asyncio_end_sending(descriptor) }
    func close() { asyncio_close(descriptor) }

    // MARK: - What it is

    func localName() throws(IOError) -> SocketName {
        var name = SocketName()
        try uvCheck(asyncio_socket_name(descriptor, &name.storage, &name.length), "getsockname")
        return name
    }

    /// The other end's address; nil if the socket is not connected.
    func peerName() -> SocketName? {
        var name = SocketName()
        return asyncio_peer_name(descriptor, &name.storage, &name.length) < 0 ? nil : name
    }

    /// `SOCK_STREAM` and the like.
    func type() throws(IOError) -> Int32 { try option(.type) }

    // MARK: - Data. The result is a count or, negative, a status.

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        asyncio_receive(descriptor, buffer.baseAddress, buffer.count)
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer, from name: inout SocketName) -> Int {
        asyncio_receive_from(descriptor, buffer.baseAddress, buffer.count, &name.storage, &name.length)
    }

    /// A new array of what has come, up to `count` bytes.
    func receive(_ count: Int) -> (status: Int, bytes: [UInt8]) {
        var status = 0
        let bytes = [UInt8](upTo: count) { buffer in
            status = receive(into: buffer)
            return status
        }
        return (status, bytes)
    }

    /// A new array of a datagram, up to `count` bytes, and where it comes from.
    func receiveFrom(_ count: Int) -> (status: Int, bytes: [UInt8], name: SocketName) {
        var status = 0
        var name = SocketName()
        let bytes = [UInt8](upTo: count) { buffer in
            status = receive(into: buffer, from: &name)
            return status
        }
        return (status, bytes, name)
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Int { asyncio_send(descriptor, bytes.baseAddress, bytes.count) }

    func send(_ bytes: UnsafeRawBufferPointer, to name: SocketName) -> Int {
        withUnsafePointer(to: name.storage) {
            asyncio_send_to(descriptor, bytes.baseAddress, bytes.count, $0, name.length)
        }
    }

    /// Sends a piece of a file without taking it into memory.
    func send(file: Int32, from offset: Int, count: Int) -> Int {
        asyncio_send_file(descriptor, file, Int64(offset), count)
    }
}

/// A socket option with a number for its value.
struct SocketOption {
    let level: Int32
    let name: Int32

    static let reuseAddress = SocketOption(level: SOL_SOCKET, name: SO_REUSEADDR)
    static let reusePort = SocketOption(level: SOL_SOCKET, name: SO_REUSEPORT)
    static let keepAlive = SocketOption(level: SOL_SOCKET, name: SO_KEEPALIVE)
    static let broadcast = SocketOption(level: SOL_SOCKET, name: SO_BROADCAST)
    static let type = SocketOption(level: SOL_SOCKET, name: SO_TYPE)
    static let isListening = SocketOption(level: SOL_SOCKET, name: SO_ACCEPTCONN)
    static let ipv6Only = SocketOption(level: Int32(IPPROTO_IPV6), name: IPV6_V6ONLY)
    static let noDelay = SocketOption(level: Int32(IPPROTO_TCP), name: TCP_NODELAY)
    #if os(Linux)
        static let keepIdle = SocketOption(level: Int32(IPPROTO_TCP), name: TCP_KEEPIDLE)
    #else
        static let keepIdle = SocketOption(level: Int32(IPPROTO_TCP), name: TCP_KEEPALIVE)
    #endif
}

/// The numbers of the C headers that the layers above need.
enum SystemConstant {
    static let unspecified = AF_UNSPEC
    static let ipv4 = AF_INET
    static let ipv6 = AF_INET6
    static let unix = AF_UNIX
    #if os(Linux)
        static let stream = Int32(SOCK_STREAM.rawValue)
        static let datagram = Int32(SOCK_DGRAM.rawValue)
        static let raw = Int32(SOCK_RAW.rawValue)
    #else
        static let stream = SOCK_STREAM
        static let datagram = SOCK_DGRAM
        static let raw = SOCK_RAW
    #endif
    static let tcp = Int32(IPPROTO_TCP)
    static let udp = Int32(IPPROTO_UDP)
}

/// What a path or an open descriptor is.
struct FileIdentity: Equatable {
    let mode: UInt32
    let device: UInt64
    let inode: UInt64

    init(descriptor: Int32) throws(IOError) { try self.init(descriptor, nil) }
    /// Does not follow a link.
    init(path: String) throws(IOError) { try self.init(-1, path) }

    private init(_ descriptor: Int32, _ path: String?) throws(IOError) {
        var mode: UInt32 = 0
        var device: UInt64 = 0
        var inode: UInt64 = 0
        try uvCheck(
            asyncio_file_identity(descriptor, path, &mode, &device, &inode), path == nil ? "fstat" : "lstat",
            subject: path)
        self.mode = mode
        self.device = device
        self.inode = inode
    }

    var isSocket: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) }
    var isPipe: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFIFO) }
    var isCharacterDevice: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFCHR) }
    var isRegularFile: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) }
}

extension System {
    static func unlink(_ path: String) throws(IOError) { try uvCheck(asyncio_unlink(path), "unlink", subject: path) }

    /// Reads from a place in a file; a count or, negative, a status.
    static func read(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        asyncio_read_at(descriptor, buffer.baseAddress, buffer.count, Int64(offset))
    }

    static func seek(_ descriptor: Int32, to offset: Int) throws(IOError) {
        try uvCheck(asyncio_seek(descriptor, Int64(offset)), "lseek")
    }

    /// Writing to a connection that has gone becomes an error, unless the program has chosen otherwise.
    static let ignoreBrokenPipes: Void = asyncio_ignore_broken_pipes()

    /// The same once more, after a handler for SIGPIPE has been removed; if it was done before.
    static func ignoreBrokenPipesAgain() { asyncio_ignore_broken_pipes() }
}

extension [UInt8] {
    /// An array of what `fill` writes into memory of that size; it answers how many bytes that is, or a status below zero.
    ///
    /// All empty arrays share one piece of memory. The standard library's initialiser writes their count there, on whatever
    /// thread it is called, so it is not called for them.
    init(upTo capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Int) {
        guard capacity > 0 else {
            _ = fill(UnsafeMutableRawBufferPointer(start: nil, count: 0))
            self = []
            return
        }
        self.init(unsafeUninitializedCapacity: capacity) { buffer, count in
            count = Swift.max(fill(UnsafeMutableRawBufferPointer(buffer)), 0)
        }
    }
}
