// Names to addresses and back, by the system's resolver in libuv's thread pool.

/// One answer of the resolver: an address and the kind of socket to reach it.
///
/// asyncio: the tuples of loop.getaddrinfo
public struct AddressInfo: Hashable, Sendable {
    /// The family of the address.
    public let family: AddressFamily
    /// The kind of socket.
    public let type: SocketType
    /// The system's number of the protocol: 6 is TCP, 17 is UDP.
    public let `protocol`: Int32
    /// The host's proper name, in the first answer, if ``AddressInfoFlags/canonicalName`` asked for it.
    public let canonicalName: String?
    /// The address.
    public let address: SocketAddress
}

/// What ``EventLoop/getAddrInfo(host:port:family:type:protocol:flags:)`` is to do.
///
/// asyncio: socket.AI_PASSIVE and the like
public struct AddressInfoFlags: OptionSet, Sendable {
    /// The system's bits.
    public let rawValue: Int32

    /// Wraps the system's bits.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Without a host: addresses to listen on instead of to connect to.
    public static let passive = AddressInfoFlags(rawValue: ResolverConstant.passive)
    /// Ask for the host's proper name.
    public static let canonicalName = AddressInfoFlags(rawValue: ResolverConstant.canonicalName)
    /// The host is an address; look nothing up.
    public static let numericHost = AddressInfoFlags(rawValue: ResolverConstant.numericHost)
    /// The service is a number; look nothing up.
    public static let numericService = AddressInfoFlags(rawValue: ResolverConstant.numericService)
    /// Only families that the machine has addresses of.
    public static let addressConfigured = AddressInfoFlags(rawValue: ResolverConstant.addressConfigured)
    /// IPv4 addresses in IPv6 form, if there are no others.
    public static let mapped = AddressInfoFlags(rawValue: ResolverConstant.mapped)
    /// With ``mapped``: both.
    public static let all = AddressInfoFlags(rawValue: ResolverConstant.all)
}

/// What ``EventLoop/getNameInfo(_:flags:)`` is to do.
///
/// asyncio: socket.NI_NUMERICHOST and the like
public struct NameInfoFlags: OptionSet, Sendable {
    /// The system's bits.
    public let rawValue: Int32

    /// Wraps the system's bits.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The host as an address.
    public static let numericHost = NameInfoFlags(rawValue: ResolverConstant.nameNumericHost)
    /// The service as a number.
    public static let numericService = NameInfoFlags(rawValue: ResolverConstant.nameNumericService)
    /// Fail if the host has no name.
    public static let nameRequired = NameInfoFlags(rawValue: ResolverConstant.nameRequired)
    /// The service is one of datagrams.
    public static let datagram = NameInfoFlags(rawValue: ResolverConstant.nameDatagram)
    /// Without the domain for hosts of one's own.
    public static let localName = NameInfoFlags(rawValue: ResolverConstant.nameLocal)
}

extension EventLoop {
    /// Looks up the addresses of a host. An address as the host is answered at once when the type is known.
    ///
    /// **Cancellation:** a lookup that has not begun is taken back; the answer of one that has is ignored.
    ///
    /// - Parameters:
    ///   - host: a name or an address; nil for this machine.
    ///   - port: 0 to 65535.
    /// - Throws: ``IOError`` with the resolver's code, for example `.unknownHost`; ``EventLoopError``
    ///   `.invalidArgument` for a port out of range.
    ///
    /// asyncio: loop.getaddrinfo · libuv: uv_getaddrinfo
    public func getAddrInfo(
        host: String?, port: Int = 0, family: AddressFamily = .unspecified, type: SocketType = .unspecified,
        protocol: Int32 = 0, flags: AddressInfoFlags = []
    ) async throws -> [AddressInfo] {
        guard let checked = UInt16(exactly: port) else {
            throw EventLoopError.invalidArgument("port must be 0-65535, not \(port)")
        }
        if let host, let known = literal(host, port: checked, family, type, `protocol`, flags) { return [known] }
        return try await lookUp(host, "\(port)", family, type, `protocol`, flags.union(.numericService))
    }

    /// Looks up the addresses of a host for a service that is given by its name, for example `http`.
    ///
    /// **Cancellation:** as for a port.
    ///
    /// asyncio: loop.getaddrinfo · libuv: uv_getaddrinfo
    public func getAddrInfo(
        host: String?, service: String?, family: AddressFamily = .unspecified, type: SocketType = .unspecified,
        protocol: Int32 = 0, flags: AddressInfoFlags = []
    ) async throws -> [AddressInfo] {
        try await lookUp(host, service, family, type, `protocol`, flags)
    }

    /// The answer for an address, which needs no resolver; nil if the system has to say.
    private func literal(
        _ host: String, port: UInt16, _ family: AddressFamily, _ type: SocketType, _ protocol: Int32,
        _ flags: AddressInfoFlags
    ) -> AddressInfo? {
        let natural: Int32
        switch type {
        case .stream: natural = SystemConstant.tcp
        case .datagram: natural = SystemConstant.udp
        default: return nil
        }
        guard `protocol` == 0 || `protocol` == natural, flags.isDisjoint(with: [.canonicalName, .mapped, .all]),
            let address = IPAddress(host), family == .unspecified || family == address.family
        else { return nil }
        return AddressInfo(
            family: address.family, type: type, protocol: natural, canonicalName: nil,
            address: .ip(address, port: Int(port)))
    }

    private func lookUp(
        _ host: String?, _ service: String?, _ family: AddressFamily, _ type: SocketType, _ protocol: Int32,
        _ flags: AddressInfoFlags
    ) async throws -> [AddressInfo] {
        try checkOpen("getAddrInfo")
        let subject = host ?? service
        // The C functions would stop reading there.
        if host?.utf8.contains(0) ?? false || service?.utf8.contains(0) ?? false {
            throw EventLoopError.invalidArgument("host, service: must not contain a NUL")
        }
        guard subject != nil, host != "" else {
            // libuv calls an empty name invalid, from version 1.48 on.
            throw IOError(
                code: .unknownHost, operation: "getaddrinfo", reason: IOError.Code.unknownHost.text, subject: subject)
        }
        let future = createFuture(of: [AddressInfo].self)
        let request = UVGetAddrInfo(on: uv) { status, names in
            guard !future.isDone else { return }
            if status < 0 {
                future.fail(IOError(uvStatus: status, operation: "getaddrinfo", subject: subject))
            } else {
                future.finish(
                    names.compactMap { name in
                        SocketAddress(name.name).map {
                            AddressInfo(
                                family: AddressFamily(rawValue: name.family), type: SocketType(rawValue: name.type),
                                protocol: name.protocol, canonicalName: name.canonicalName, address: $0)
                        }
                    })
            }
        }
        try request.submit(
            host: host, service: service, family: family.rawValue, type: type.rawValue, protocol: `protocol`,
            flags: flags.rawValue)
        return try await answer(of: request, future)
    }

    /// Waits for the answer; a request whose answer nobody wants any more is taken back.
    private func answer<Value>(of request: UVRequest, _ future: Future<Value>) async throws -> Value {
        do {
            return try await future.value
        } catch {
            if future.isCancelled { request.cancel() }
            throw error
        }
    }

    /// Looks up the name of a host and of a service.
    ///
    /// **Cancellation:** a lookup that has not begun is taken back; the answer of one that has is ignored.
    ///
    /// - Throws: ``IOError`` with the resolver's code; ``EventLoopError`` `.invalidArgument` for an address that is not an
    ///   IP address with a port.
    ///
    /// asyncio: loop.getnameinfo · libuv: uv_getnameinfo
    public func getNameInfo(
        _ address: SocketAddress, flags: NameInfoFlags = []
    ) async throws -> (host: String, service: String) {
        try checkOpen("getNameInfo")
        guard case .ip = address else {
            throw EventLoopError.invalidArgument("address: getNameInfo takes an IP address, not \(address)")
        }
        let name = try address.socketName(argument: "address")
        let future = createFuture(of: (host: String, service: String).self)
        let request = UVGetNameInfo(on: uv) { status, host, service in
            guard !future.isDone else { return }
            if status < 0 {
                future.fail(IOError(uvStatus: status, operation: "getnameinfo", subject: "\(address)"))
            } else {
                future.finish((host, service))
            }
        }
        try request.submit(name, flags: flags.rawValue)
        return try await answer(of: request, future)
    }
}
