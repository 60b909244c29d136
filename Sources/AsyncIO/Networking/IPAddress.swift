// IP addresses as values.

/// An IPv4 or IPv6 address.
///
/// ```swift
/// IPAddress("127.0.0.1"), IPAddress("::1"), IPAddress("fe80::1%eth0")
/// ```
///
/// asyncio: the texts of ipaddress.ip_address · libuv: uv_inet_pton, uv_inet_ntop
public struct IPAddress: Hashable, Sendable, LosslessStringConvertible {
    private enum Bits: Hashable, Sendable {
        // Both with their bytes in network order.
        case v4(UInt32)
        case v6(UInt64, UInt64, scope: UInt32)
    }

    private let bits: Bits

    private init(_ bits: Bits) { self.bits = bits }

    /// Parses an address; nil if the text is not one. IPv6 may have a scope: `fe80::1%eth0` or `fe80::1%2`.
    public init?(_ description: String) {
        // The C functions would stop reading there.
        if description.utf8.contains(0) { return nil }
        if let bytes = AddressText.parseIPv4(description) {
            bits = .v4(bytes)
        } else if let address = AddressText.parseIPv6(description) {
            bits = .v6(address.bytes.0, address.bytes.1, scope: address.scope)
        } else {
            return nil
        }
    }

    /// An IPv4 address of its four numbers.
    public static func v4(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> IPAddress {
        IPAddress(.v4((UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)).bigEndian))
    }

    /// `127.0.0.1`
    public static let loopback = v4(127, 0, 0, 1)
    /// `0.0.0.0`
    public static let any = v4(0, 0, 0, 0)
    /// `255.255.255.255`
    public static let broadcast = v4(255, 255, 255, 255)
    /// `::1`
    public static let loopbackV6 = IPAddress(.v6(0, UInt64(1).bigEndian, scope: 0))
    /// `::`
    public static let anyV6 = IPAddress(.v6(0, 0, scope: 0))

    /// IPv4 or IPv6.
    public var family: AddressFamily {
        switch bits {
        case .v4: .ipv4
        case .v6: .ipv6
        }
    }

    /// Whether it is an IPv6 address.
    public var isV6: Bool { family == .ipv6 }

    /// The index of the interface that a link-local IPv6 address belongs to; 0 if none was given.
    public var scope: UInt32 {
        if case .v6(_, _, let scope) = bits { return scope }
        return 0
    }

    /// The address in its usual short form.
    public var description: String {
        switch bits {
        case .v4(let bytes): AddressText.formatIPv4(bytes)
        case .v6(let high, let low, let scope): AddressText.formatIPv6((high, low), scope: scope)
        }
    }

    func socketName(port: UInt16) -> SocketName {
        switch bits {
        case .v4(let bytes): SocketName(ipv4: bytes, port: port)
        case .v6(let high, let low, let scope): SocketName(ipv6: (high, low), port: port, scope: scope)
        }
    }

    /// The address and port of a name; nil for other families.
    static func from(_ name: SocketName) -> (address: IPAddress, port: Int)? {
        if let v4 = name.ipv4 { return (IPAddress(.v4(v4.bytes)), Int(v4.port)) }
        if let v6 = name.ipv6 { return (IPAddress(.v6(v6.bytes.0, v6.bytes.1, scope: v6.scope)), Int(v6.port)) }
        return nil
    }
}

/// A family of addresses.
///
/// asyncio: socket.AF_INET and the like
public struct AddressFamily: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The system's number.
    public let rawValue: Int32

    /// Wraps the system's number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Any family. asyncio: AF_UNSPEC
    public static let unspecified = AddressFamily(rawValue: SystemConstant.unspecified)
    /// asyncio: AF_INET
    public static let ipv4 = AddressFamily(rawValue: SystemConstant.ipv4)
    /// asyncio: AF_INET6
    public static let ipv6 = AddressFamily(rawValue: SystemConstant.ipv6)
    /// asyncio: AF_UNIX
    public static let unix = AddressFamily(rawValue: SystemConstant.unix)

    /// A name for messages.
    public var description: String {
        switch self {
        case .unspecified: "unspecified"
        case .ipv4: "IPv4"
        case .ipv6: "IPv6"
        case .unix: "Unix"
        default: "family \(rawValue)"
        }
    }
}

/// A kind of socket.
///
/// asyncio: socket.SOCK_STREAM and the like
public struct SocketType: RawRepresentable, Hashable, Sendable {
    /// The system's number.
    public let rawValue: Int32

    /// Wraps the system's number.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// Any kind, for the resolver.
    public static let unspecified = SocketType(rawValue: 0)
    /// asyncio: SOCK_STREAM
    public static let stream = SocketType(rawValue: SystemConstant.stream)
    /// asyncio: SOCK_DGRAM
    public static let datagram = SocketType(rawValue: SystemConstant.datagram)
    /// asyncio: SOCK_RAW
    public static let raw = SocketType(rawValue: SystemConstant.raw)
}
