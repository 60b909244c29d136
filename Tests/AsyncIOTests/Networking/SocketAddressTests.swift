// Addresses as texts: what is parsed, what is not, and that printing and parsing fit each other.

import Testing

@testable import AsyncIO

@Suite struct SocketAddressTests {
    @Test(arguments: ["127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "fe80::1", "2001:db8::8:800:200c:417a"])
    func ipAddressIsPrintedAsItWasParsed(text: String) throws {
        #expect(try #require(IPAddress(text)).description == text)
    }

    @Test(arguments: [
        "", " ", "127.0.0", "127.0.0.1 ", "256.0.0.1", "1.2.3.4.5", "127.0.0.01x", "localhost", "::1::", ":::",
        "12345::",
        "[::1]", "fe80::1%", "fe80::1%no-such-interface", "127.0.0.1\0", "127.0.0.1\0.example.org", "::1\0",
        "127.0.0.1%1",
    ])
    func textThatIsNoIPAddressIsRefused(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func ipv6IsPrintedInItsShortForm() throws {
        #expect(try #require(IPAddress("0:0:0:0:0:0:0:1")).description == "::1")
        #expect(try #require(IPAddress("FE80:0::A")).description == "fe80::a")
    }

    @Test func scopeIsKept() throws {
        let address = try #require(IPAddress("fe80::1%1"))
        #expect(address.scope == 1)
        #expect(address.description == "fe80::1%1")
        #expect(address != IPAddress("fe80::1"))
        #expect(IPAddress(address.description) == address)
    }

    @Test func constantsAreWhatTheySay() {
        #expect(IPAddress.loopback == IPAddress("127.0.0.1"))
        #expect(IPAddress.any == IPAddress("0.0.0.0"))
        #expect(IPAddress.broadcast == IPAddress("255.255.255.255"))
        #expect(IPAddress.loopbackV6 == IPAddress("::1"))
        #expect(IPAddress.anyV6 == IPAddress("::"))
        #expect(IPAddress.v4(10, 1, 2, 3).description == "10.1.2.3")
    }

    @Test(arguments: [
        "127.0.0.1:80", "[::1]:8080", "[fe80::1%1]:1", "0.0.0.0:0", "[::]:65535", "unix:/run/a:1", "unix:",
    ])
    func socketAddressIsPrintedAsItWasParsed(text: String) throws {
        #expect(try #require(SocketAddress(text)).description == text)
    }

    @Test(arguments: [
        "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 1",
        "::1:80", "[::1]", "[::1]80", "[127.0.0.1]:80", "[::1:80", "localhost:80", "/path",
    ])
    func textThatIsNoSocketAddressIsRefused(text: String) {
        #expect(SocketAddress(text) == nil)
    }

    @Test func abstractNameSurvivesPrintingAndParsing() throws {
        let address = SocketAddress.unix("\0name")
        #expect(address.description == "unix:@name")
        #expect(SocketAddress(address.description) == address)
    }

    @Test func partsOfAnAddressAreThere() {
        let ip = SocketAddress.ip(.loopbackV6, 80)
        #expect(ip.ipAddress == .loopbackV6)
        #expect(ip.port == 80)
        #expect(ip.path == nil)
        #expect(ip.family == .ipv6)
        let unix = SocketAddress.unix("/a")
        #expect(unix.ipAddress == nil)
        #expect(unix.port == nil)
        #expect(unix.path == "/a")
        #expect(unix.family == .unix)
    }

    @Test(arguments: ["127.0.0.1:1", "[::1]:65535", "[fe80::1%1]:80", "unix:/a/b"])
    func systemNameLeadsBackToTheAddress(text: String) throws {
        let address = try #require(SocketAddress(text))
        #expect(SocketAddress(try address.socketName(argument: "test")) == address)
    }

    @Test(arguments: [-1, 65536, Int.max])
    func portOutOfRangeIsRefused(port: Int) {
        #expect(throws: EventLoopError(.invalidArgument, "")) {
            _ = try SocketAddress.ip(.loopback, port).socketName(argument: "test")
        }
    }

    @Test func pathThatIsTooLongIsRefused() throws {
        let error = #expect(throws: IOError.self) {
            _ = try SocketAddress.unix(String(repeating: "x", count: 200)).socketName(argument: "test")
        }
        #expect(error?.code == .nameTooLong)
    }
}
