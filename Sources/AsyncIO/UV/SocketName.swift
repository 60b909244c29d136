// The address of a socket as the system has it, and the texts of IP addresses.

internal import CLibuv

/// A `sockaddr` of any family with its length.
struct SocketName {
    var storage = sockaddr_storage()
    var length = socklen_t(0)

    init() {}

    /// Copies an address that a callback was lent; nil if there is none.
    init?(_ address: UnsafePointer<sockaddr>?) {
        guard let address else { return nil }
        switch Int32(address.pointee.sa_family) {
        case AF_INET: length = socklen_t(MemoryLayout<sockaddr_in>.size)
        case AF_INET6: length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        case AF_UNIX: length = socklen_t(MemoryLayout<sockaddr_un>.size)
        default: length = socklen_t(MemoryLayout<sa_family_t>.size)
        }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
    }

    /// The address of an IPv4 host, its bytes in network order.
    init(ipv4 bytes: UInt32, port: UInt16) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = bytes
        self.init(copying: address)
    }

    /// The address of an IPv6 host, its bytes in network order.
    init(ipv6 bytes: (UInt64, UInt64), port: UInt16, scope: UInt32) {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_scope_id = scope
        withUnsafeMutableBytes(of: &address.sin6_addr) { $0.storeBytes(of: bytes, as: (UInt64, UInt64).self) }
        self.init(copying: address)
    }

    /// The address of a Unix socket; nil if the path is too long. A leading NUL makes the name abstract.
    init?(unixPath path: String) {
        let offset = MemoryLayout<sockaddr_un>.offset(of: \sockaddr_un.sun_path) ?? 2
        let count = path.utf8.count
        guard count < MemoryLayout<sockaddr_un>.size - offset else { return nil }
        storage.ss_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &storage) { bytes in
            UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyBytes(from: path.utf8)
        }
        // The name of an abstract socket ends with its length, that of a file with a NUL.
        length = socklen_t(offset + count + (path.utf8.first == 0 ? 0 : 1))
    }

    private init<Address>(copying address: Address) {
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: Address.self) }
        length = socklen_t(MemoryLayout<Address>.size)
    }

    var family: Int32 { Int32(storage.ss_family) }

    /// Address bytes in network order and the port; nil for other families.
    var ipv4: (bytes: UInt32, port: UInt16)? {
        guard family == AF_INET else { return nil }
        let address = read(sockaddr_in.self)
        return (address.sin_addr.s_addr, UInt16(bigEndian: address.sin_port))
    }

    /// Address bytes in network order, the port and the scope; nil for other families.
    var ipv6: (bytes: (UInt64, UInt64), port: UInt16, scope: UInt32)? {
        guard family == AF_INET6 else { return nil }
        let address = read(sockaddr_in6.self)
        let bytes = withUnsafeBytes(of: address.sin6_addr) { $0.loadUnaligned(as: (UInt64, UInt64).self) }
        return (bytes, UInt16(bigEndian: address.sin6_port), address.sin6_scope_id)
    }

    /// The path of a Unix socket, empty if it has none; nil for other families.
    var unixPath: String? {
        guard family == AF_UNIX else { return nil }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \sockaddr_un.sun_path) ?? 2
        guard Int(length) > offset else { return "" }
        return withUnsafeBytes(of: storage) { bytes in
            let name = bytes[offset..<min(Int(length), bytes.count)]
            if name.first == 0 {
                // libuv passes no length: a name of nothing but NULs is none.
                guard let last = name.lastIndex(where: { $0 != 0 }) else { return "" }
                return String(decoding: name[...last], as: UTF8.self)
            }
            return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Whether this is the abstract name of a Unix socket.
    var isAbstract: Bool { family == AF_UNIX && (unixPath?.utf8.first == 0) }

    private func read<Address>(_: Address.Type) -> Address {
        withUnsafeBytes(of: storage) { $0.loadUnaligned(as: Address.self) }
    }

    /// Lends the address to a call of libuv's.
    func withAddress<Result>(_ body: (UnsafePointer<sockaddr>) throws -> Result) rethrows -> Result {
        try withUnsafePointer(to: storage) { storage in
            try storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0) }
        }
    }
}

/// Texts of IP addresses, by libuv.
enum AddressText {
    /// The bytes of a dotted IPv4 address in network order.
    static func parseIPv4(_ text: String) -> UInt32? {
        var address = in_addr()
        guard uv_inet_pton(AF_INET, text, &address) == 0 else { return nil }
        return address.s_addr
    }

    /// The bytes of an IPv6 address in network order, and its scope: `fe80::1%eth0`, `fe80::1%2`.
    static func parseIPv6(_ text: String) -> (bytes: (UInt64, UInt64), scope: UInt32)? {
        var address = in6_addr()
        var scope = UInt32(0)
        var digits = text[...]
        if let percent = text.firstIndex(of: "%") {
            let name = text[text.index(after: percent)...]
            digits = text[..<percent]
            let isNumber = name.utf8.allSatisfy { (48...57).contains($0) }
            scope = isNumber ? UInt32(name) ?? 0 : if_nametoindex(String(name))
            guard scope != 0 else { return nil }
        }
        guard uv_inet_pton(AF_INET6, String(digits), &address) == 0 else { return nil }
        return (withUnsafeBytes(of: address) { $0.loadUnaligned(as: (UInt64, UInt64).self) }, scope)
    }

    static func formatIPv4(_ bytes: UInt32) -> String { format(AF_INET, in_addr(s_addr: bytes)) }

    static func formatIPv6(_ bytes: (UInt64, UInt64), scope: UInt32) -> String {
        let text = format(AF_INET6, bytes)
        return scope == 0 ? text : "\(text)%\(scope)"
    }

    private static func format<Address>(_ family: Int32, _ address: Address) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            guard let base = text.baseAddress else { return "" }
            let status = withUnsafeBytes(of: address) { uv_inet_ntop(family, $0.baseAddress, base, text.count) }
            return status == 0 ? String(cString: base) : ""
        }
    }
}
