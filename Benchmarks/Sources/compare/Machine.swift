// Where and when the figures were taken: without that they mean nothing.

import AsyncIO
import Glibc

/// The facts that stay the same during a run.
func machineFacts(_ programs: Programs, _ peers: [Peer]) async throws -> JSON {
    func firstLine(_ command: [String]) async throws -> JSON {
        do {
            let output = try await programs.run(command, limit: .seconds(30))
            return output.text.split(separator: "\n").first.map { .string(String($0)) } ?? .null
        } catch is IOError {
            return .null
        } catch is Failure {
            return .null
        }
    }
    var facts: JSON = .object([
        ("cpu", try await cpuName(programs.loop).map(JSON.string) ?? .null),
        ("cores", .number(Double(sysconf(Int32(_SC_NPROCESSORS_ONLN))))),
        ("kernel", try await firstLine(["uname", "-sr"])),
        ("libuv", try await firstLine(["pkg-config", "--modversion", "libuv"])),
        ("swift", try await firstLine(["swift", "--version"])),
        ("pinned", .bool(programs.canPin)),
    ])
    for peer in peers {
        for (name, version) in peer.versions.sorted(by: { $0.key < $1.key }) { facts[name] = .string(version) }
    }
    return facts
}

private func cpuName(_ loop: EventLoop) async throws -> String? {
    try await loop.text(of: "/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
        .map { String($0.drop { $0 != ":" }.dropFirst(2)) }
}

/// The averages of one, five and fifteen minutes.
func loadAverage(_ loop: EventLoop) async throws -> JSON {
    .string(try await loop.text(of: "/proc/loadavg")?.split(separator: " ").prefix(3).joined(separator: " ") ?? "")
}

/// In UTC, to the minute.
func date() -> JSON {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : String(number) }
    return .string(
        "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)) UTC")
}

/// Servers with thousands of connections need as many descriptors; children inherit the limit.
func allowDescriptors() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
