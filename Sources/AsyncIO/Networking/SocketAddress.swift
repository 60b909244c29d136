// Where a socket is: a host and port, or a path.

/// The address of a socket.
///
/// ```swift
/// let address = SocketAddress("127.0.0.1:8080")  // also "[::1]:8080" and "unix:/run/app.sock"
/// ```
///
/// asyncio: the address tuples of the socket module · libuv: sockaddr
public enum SocketAddress: Hashable, Sendable, LosslessStringConvertible {
    /// An IP address and a port.
    case ip(IPAddress, port: Int)
    /// The path of a Unix socket. A leading NUL makes the name abstract (Linux); an empty path is that of a socket that
    /// has no name.
    case unix(String)

    /// The same as ``ip(_:port:)``.
    public static func ip(_ address: IPAddress, _ port: Int) -> SocketAddress { .ip(address, port: port) }

    /// Parses `127.0.0.1:80`, `[::1]:80` and `unix:/path`; nil if the text is none of these.
    public init?(_ description: String) {
        if description.hasPrefix("unix:") {
            self = .unix(Self.unescape(description.dropFirst(5)))
            return
        }
        guard let colon = description.lastIndex(of: ":") else { return nil }
        let digits = description[description.index(after: colon)...]
        var host = description[..<colon]
        let isBracketed = host.first == "[" && host.last == "]"
        if isBracketed { host = host.dropFirst().dropLast() }
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(digits),
            let address = IPAddress(String(host)), address.isV6 == isBracketed
        else { return nil }
        self = .ip(address, port: Int(port))
    }

    /// The IP address; nil for a Unix socket.
    public var ipAddress: IPAddress? {
        if case .ip(let address, _) = self { return address }
        return nil
    }

    /// The port; nil for a Unix socket.
    public var port: Int? {
        if case .ip(_, let port) = self { return port }
        return nil
    }

    /// The path of a Unix socket; nil for an IP address.
    public var path: String? {
        if case .unix(let path) = self { return path }
        return nil
    }

    /// The family of the address.
    public var family: AddressFamily {
        switch self {
        case .ip(let address, _): address.family
        case .unix: .unix
        }
    }

    /// In the text the NUL of an abstract name is an `@`, and a path that begins like that has a backslash before it.
    private static func escape(_ path: String) -> String {
        switch path.utf8.first {
        case 0: "@" + path.dropFirst()
        case UInt8(ascii: "@"), UInt8(ascii: "\\"): "\\" + path
        default: path
        }
    }

    private static func unescape(_ text: Substring) -> String {
        switch text.utf8.first {
        case UInt8(ascii: "@"): "\0" + text.dropFirst()
        case UInt8(ascii: "\\"): String(text.dropFirst())
        default: String(text)
        }
    }

    /// `127.0.0.1:80`, `[::1]:80`, `unix:/path`; the NUL of an abstract name is shown as `@`.
    public var description: String {
        switch self {
        case .ip(let address, let port): address.isV6 ? "[\(address)]:\(port)" : "\(address):\(port)"
        case .unix(let path): "unix:\(Self.escape(path))"
        }
    }

    /// The address as the system takes it.
    func socketName(argument: StaticString) throws -> SocketName {
        switch self {
        case .ip(let address, let port):
            guard let port = UInt16(exactly: port) else {
                throw EventLoopError.invalidArgument("\(argument): port must be 0-65535, not \(port)")
            }
            return address.socketName(port: port)
        case .unix(let path):
            if path.utf8.first != 0 && path.utf8.contains(0) {
                throw EventLoopError.invalidArgument("\(argument): a path must not contain a NUL")
            }
            guard let name = SocketName(unixPath: path) else {
                throw IOError(code: .nameTooLong, operation: "bind", reason: "AF_UNIX path too long", subject: path)
            }
            return name
        }
    }

    /// Nil for a family that has no address here.
    init?(_ name: SocketName) {
        if let ip = IPAddress.from(name) {
            self = .ip(ip.address, port: ip.port)
        } else if let path = name.unixPath {
            self = .unix(path)
        } else if name.family == SystemConstant.unspecified {
            // What a datagram of a Unix socket without a name comes from.
            self = .unix("")
        } else {
            return nil
        }
    }
}
