// The system's resolver, in libuv's thread pool.

internal import CLibuv

/// One answer of the resolver.
struct ResolvedName {
    let family: Int32
    let type: Int32
    let `protocol`: Int32
    let canonicalName: String?
    let name: SocketName
}

/// Looks a host or service up. libuv: uv_getaddrinfo_t
final class UVGetAddrInfo: UVRequest {
    private let callback: (Int32, [ResolvedName]) -> Void

    init(on loop: UVLoop, _ callback: @escaping (_ status: Int32, [ResolvedName]) -> Void) {
        self.callback = callback
        super.init(UV_GETADDRINFO, on: loop)
    }

    func submit(
        host: String?, service: String?, family: Int32, type: Int32, protocol: Int32, flags: Int32
    ) throws(IOError) {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = type
        hints.ai_protocol = `protocol`
        hints.ai_flags = flags
        try startInPool("getaddrinfo") {
            uv_getaddrinfo(
                loop.raw, pointer(as: uv_getaddrinfo_t.self), addrInfoDidEnd, host, service, &hints)
        }
    }

    fileprivate func end(_ status: Int32, _ first: UnsafeMutablePointer<addrinfo>?) {
        var names: [ResolvedName] = []
        var next = first
        while let info = next?.pointee {
            next = info.ai_next
            guard var name = SocketName(info.ai_addr) else { continue }
            name.length = info.ai_addrlen
            names.append(
                ResolvedName(
                    family: info.ai_family, type: info.ai_socktype, protocol: info.ai_protocol,
                    canonicalName: info.ai_canonname.map { String(cString: $0) }, name: name))
        }
        uv_freeaddrinfo(first)
        callback(status, names)
    }
}

private func addrInfoDidEnd(
    _ request: UnsafeMutablePointer<uv_getaddrinfo_t>?, _ status: Int32, _ result: UnsafeMutablePointer<addrinfo>?
) {
    UVRequest.complete(request?.pointee.data, as: UVGetAddrInfo.self)?.end(status, result)
}

/// Looks an address up. libuv: uv_getnameinfo_t
final class UVGetNameInfo: UVRequest {
    private let callback: (Int32, String, String) -> Void

    init(on loop: UVLoop, _ callback: @escaping (_ status: Int32, _ host: String, _ service: String) -> Void) {
        self.callback = callback
        super.init(UV_GETNAMEINFO, on: loop)
    }

    func submit(_ name: SocketName, flags: Int32) throws(IOError) {
        try startInPool("getnameinfo") {
            name.withAddress {
                uv_getnameinfo(loop.raw, pointer(as: uv_getnameinfo_t.self), nameInfoDidEnd, $0, flags)
            }
        }
    }

    fileprivate func end(_ status: Int32, _ host: String, _ service: String) { callback(status, host, service) }
}

private func nameInfoDidEnd(
    _ request: UnsafeMutablePointer<uv_getnameinfo_t>?, _ status: Int32, _ host: UnsafePointer<CChar>?,
    _ service: UnsafePointer<CChar>?
) {
    UVRequest.complete(request?.pointee.data, as: UVGetNameInfo.self)?
        .end(status, host.map { String(cString: $0) } ?? "", service.map { String(cString: $0) } ?? "")
}

/// The flags of the resolver.
enum ResolverConstant {
    static let passive = AI_PASSIVE
    static let canonicalName = AI_CANONNAME
    static let numericHost = AI_NUMERICHOST
    static let numericService = AI_NUMERICSERV
    static let addressConfigured = AI_ADDRCONFIG
    static let mapped = AI_V4MAPPED
    static let all = AI_ALL
    static let nameNumericHost = NI_NUMERICHOST
    static let nameNumericService = NI_NUMERICSERV
    static let nameRequired = NI_NAMEREQD
    static let nameDatagram = NI_DGRAM
    static let nameLocal = NI_NOFQDN
}
