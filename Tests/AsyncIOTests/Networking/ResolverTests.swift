// Names and addresses: getAddrInfo and getNameInfo agree with the system, fail as it does, and can be cancelled.

import Glibc
import Testing

@testable import AsyncIO

/// A question to the resolver.
struct ResolverQuestion: Sendable, CustomTestStringConvertible {
    var host: String?
    var service: String?
    var family = AddressFamily.unspecified
    var type = SocketType.unspecified
    var flags: AddressInfoFlags = []

    var testDescription: String { "\(host ?? "-") \(service ?? "-") \(family) \(type.rawValue) \(flags.rawValue)" }

    /// What the system says, in the words of ``answers(of:)``.
    func systemAnswers() -> [String] {
        var hints = addrinfo()
        hints.ai_family = family.rawValue
        hints.ai_socktype = type.rawValue
        hints.ai_flags = flags.rawValue
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, service, &hints, &first) == 0 else { return ["error"] }
        defer { freeaddrinfo(first) }
        var answers: [String] = []
        var next = first
        while let info = next?.pointee {
            next = info.ai_next
            var text = [CChar](repeating: 0, count: 100)
            var port = [CChar](repeating: 0, count: 20)
            getnameinfo(
                info.ai_addr, info.ai_addrlen, &text, 100, &port, 20, NI_NUMERICHOST | NI_NUMERICSERV)
            let name = info.ai_canonname.map { String(cString: $0) } ?? "-"
            let numbers = "\(info.ai_family) \(info.ai_socktype) \(info.ai_protocol)"
            answers.append("\(numbers) \(name) \(Self.text(text)) \(Self.text(port))")
        }
        return answers
    }

    private static func text(_ buffer: [CChar]) -> String {
        String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func answers(of infos: [AddressInfo]) -> [String] {
        infos.map {
            let address = $0.address.ipAddress.map { "\($0)" } ?? "?"
            return "\($0.family.rawValue) \($0.type.rawValue) \($0.protocol) \($0.canonicalName ?? "-") \(address) "
                + "\($0.address.port ?? -1)"
        }
    }
}

@Suite struct ResolverTests {
    // MARK: - As the system

    @Test(arguments: [
        ResolverQuestion(host: "127.0.0.1", service: "80"),
        ResolverQuestion(host: "127.0.0.1", service: "80", type: .stream),
        ResolverQuestion(host: "127.0.0.1", service: "80", type: .datagram),
        ResolverQuestion(host: "127.0.0.1", service: "http", type: .stream),
        ResolverQuestion(host: "127.0.0.1", service: "http"),
        ResolverQuestion(host: "::1", service: "80"),
        ResolverQuestion(host: "::1", service: "http", family: .ipv6, type: .stream),
        ResolverQuestion(host: "127.0.0.1", service: nil),
        ResolverQuestion(host: "localhost", service: "80"),
        ResolverQuestion(host: "localhost", service: "http", type: .stream),
        ResolverQuestion(host: "localhost", service: "80", type: .stream, flags: .canonicalName),
        ResolverQuestion(host: nil, service: "80", type: .stream),
        ResolverQuestion(host: nil, service: "80", type: .stream, flags: .passive),
        ResolverQuestion(host: nil, service: "http"),
        ResolverQuestion(host: "127.0.0.1", service: "80", family: .ipv6, type: .stream, flags: .mapped),
    ])
    func answersAreTheSystems(question: ResolverQuestion) async throws {
        let answers = try await onLoop { loop in
            try await loop.getAddrInfo(
                host: question.host, service: question.service, family: question.family, type: question.type,
                flags: question.flags)
        }
        #expect(ResolverQuestion.answers(of: answers) == question.systemAnswers())
    }

    @Test(arguments: ["127.0.0.1", "::1", "localhost"], [SocketType.unspecified, .stream, .datagram, .raw])
    func answersForAPortAreTheSystems(host: String, type: SocketType) async throws {
        let answers = try await onLoop { loop in
            // The system refuses a port for raw sockets.
            do {
                return ResolverQuestion.answers(of: try await loop.getAddrInfo(host: host, port: 8080, type: type))
            } catch is IOError { return ["error"] }
        }
        #expect(answers == ResolverQuestion(host: host, service: "8080", type: type).systemAnswers())
    }

    @Test func addressAsHostGivesExactlyOneAnswerForAType() async throws {
        let answers = try await onLoop { loop in
            [
                try await loop.getAddrInfo(host: "192.0.2.1", port: 80, type: .stream),
                try await loop.getAddrInfo(host: "2001:db8::1", port: 53, type: .datagram),
            ]
        }
        #expect(
            answers == [
                [
                    AddressInfo(
                        family: .ipv4, type: .stream, protocol: 6, canonicalName: nil,
                        address: .ip(.v4(192, 0, 2, 1), port: 80))
                ],
                [
                    AddressInfo(
                        family: .ipv6, type: .datagram, protocol: 17, canonicalName: nil,
                        address: .ip(try #require(IPAddress("2001:db8::1")), port: 53))
                ],
            ])
    }

    @Test func addressAsHostIsAnsweredWithoutWaiting() async throws {
        let rounds = try await onLoop { loop in
            let counter = RoundCounter(loop)
            try await loop.rounds(1)
            counter.restart()
            _ = try await loop.getAddrInfo(host: "127.0.0.1", port: 80, type: .stream)
            let rounds = counter.now
            counter.stop()
            return rounds
        }
        #expect(rounds == 0)
    }

    @Test func localhostIsALoopbackAddress() async throws {
        let addresses = try await onLoop { loop in
            try await loop.getAddrInfo(host: "localhost", port: 80, type: .stream).map(\.address)
        }
        #expect(!addresses.isEmpty)
        #expect(addresses.allSatisfy { [.ip(.loopback, port: 80), .ip(.loopbackV6, port: 80)].contains($0) })
    }

    // MARK: - Errors

    @Test func hostThatIsNoAddressFailsIfOnlyAddressesAreAsked() async throws {
        let error = try await onLoop { loop in
            await caught { try await loop.getAddrInfo(host: "localhost", port: 80, type: .stream, flags: .numericHost) }
        }
        #expect(systemCode(error) == .unknownHost)
        #expect((error as? IOError)?.subject == "localhost")
    }

    @Test func unknownHostFails() async throws {
        let code = try await onLoop { loop in
            systemCode(await caught { try await loop.getAddrInfo(host: "no-such-host.invalid", port: 80) })
        }
        // Without a network the resolver cannot even say no.
        #expect([.unknownHost, .noAddress, .resolverFailed].contains(code))
    }

    @Test func unknownServiceFails() async throws {
        let code = try await onLoop { loop in
            systemCode(await caught { try await loop.getAddrInfo(host: "127.0.0.1", service: "no-such-service") })
        }
        #expect(code == .unknownService)
    }

    @Test func unknownFamilyFails() async throws {
        let code = try await onLoop { loop in
            systemCode(
                await caught {
                    try await loop.getAddrInfo(host: "127.0.0.1", port: 80, family: AddressFamily(rawValue: 12345))
                })
        }
        #expect(code == .unknownFamily)
    }

    @Test func addressOfAnotherFamilyFails() async throws {
        let error = try await onLoop { loop in
            await caught { try await loop.getAddrInfo(host: "::1", port: 80, family: .ipv4, type: .stream) }
        }
        #expect(error is IOError)
    }

    @Test func neitherHostNorServiceFails() async throws {
        let code = try await onLoop { loop in
            systemCode(await caught { try await loop.getAddrInfo(host: nil, service: nil) })
        }
        #expect(code == .unknownHost)
    }

    @Test func emptyHostFails() async throws {
        let error = try await onLoop { loop in await caught { try await loop.getAddrInfo(host: "", port: 80) } }
        #expect(systemCode(error) == .unknownHost)
    }

    @Test(arguments: [-1, 65536, .max, .min])
    func portOutOfRangeIsRefused(port: Int) async throws {
        let codes = try await onLoop { loop in
            [
                loopCode(await caught { try await loop.getAddrInfo(host: "127.0.0.1", port: port) }),
                loopCode(await caught { try await loop.getNameInfo(.ip(.loopback, port: port)) }),
            ]
        }
        #expect(codes == [.invalidArgument, .invalidArgument])
    }

    // MARK: - Back to names

    @Test(arguments: ["127.0.0.1", "::1"])
    func numbersStayNumbers(host: String) async throws {
        let address = SocketAddress.ip(try #require(IPAddress(host)), port: 80)
        let name = try await onLoop { loop in
            try await loop.getNameInfo(address, flags: [.numericHost, .numericService])
        }
        #expect(name == (host, "80"))
    }

    @Test func serviceDependsOnTheKindOfSocket() async throws {
        // Port 514 is shell over TCP and syslog over UDP; where the system does not know, both are numbers.
        let services = try await onLoop { loop in
            let address = SocketAddress.ip(.loopback, port: 514)
            return [
                try await loop.getNameInfo(address, flags: [.numericHost]).service,
                try await loop.getNameInfo(address, flags: [.numericHost, .datagram]).service,
            ]
        }
        #expect(services == ["shell", "syslog"] || services == ["514", "514"])
    }

    @Test func unixSocketHasNoNameInfo() async throws {
        let code = try await onLoop { loop in
            loopCode(await caught { try await loop.getNameInfo(.unix("/tmp/socket")) })
        }
        #expect(code == .invalidArgument)
    }

    // MARK: - Cancellation and the end

    @Test func lookupsCanBeCancelledWaitingOrRunning() async throws {
        let results = try await onLoop { loop in
            // More than the pool can take up at once.
            let tasks = (0..<64).map { n in
                loop.createTask { try await loop.getAddrInfo(host: "localhost", port: n).count }
            }
            try await loop.rounds(1)
            for task in tasks.dropLast() { task.cancel() }
            var results: [String] = []
            for task in tasks { results.append(await settled(task)) }
            return results
        }
        #expect(results.dropLast().allSatisfy { $0 == "cancelled" || $0.hasPrefix("value") })
        #expect(results.last?.hasPrefix("value") == true)
    }

    @Test func namesCanBeCancelledToo() async throws {
        let results = try await onLoop { loop in
            let tasks = (0..<32).map { n in
                loop.createTask {
                    try await loop.getNameInfo(.ip(.loopback, port: n), flags: [.numericHost, .numericService]).service
                }
            }
            try await loop.rounds(1)
            for task in tasks { task.cancel() }
            var results: [String] = []
            for task in tasks { results.append(await settled(task)) }
            return results
        }
        #expect(results.enumerated().allSatisfy { $1 == "cancelled" || $1 == "value \($0)" })
    }

    @Test func loopMayBeClosedWhileLookupsRun() async throws {
        try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            for n in 0..<32 {
                loop.createTask { [unowned loop] in _ = try await loop.getAddrInfo(host: "localhost", port: n) }
                loop.createTask { [unowned loop] in _ = try await loop.getNameInfo(.ip(.loopback, port: n)) }
            }
            try loop.runUntilComplete { [unowned loop] in try await loop.rounds(1) }
        }
    }

    @Test func closedLoopLooksNothingUp() async throws {
        let code = try await onThread {
            let loop = try EventLoop()
            try loop.close()
            let other = try EventLoop()
            defer { try? other.close() }
            return try other.runUntilComplete {
                loopCode(await caught { try await loop.getAddrInfo(host: "localhost") })
            }
        }
        #expect(code == .closed)
    }
}
