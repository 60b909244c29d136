// What a program is asked to do on its command line, which all of them have in common.

import Glibc

/// Where a server listens.
public enum Place: Sendable {
    case tcp(host: String, port: Int)
    case unix(path: String)
}

/// One workload, or a server written in one of the program's ways, the first of which is the obvious one.
public enum Order<Mode: RawRepresentable<String> & CaseIterable> {
    case workload(String, count: Int?)
    case server(http: Bool, at: Place, Mode)

    /// Ends the program with its usage if the arguments make no sense.
    public static func read(_ arguments: [String] = CommandLine.arguments) -> Self {
        guard let order = Order(Array(arguments.dropFirst())) else { usage(arguments.first ?? "") }
        return order
    }

    private init?(_ words: [String]) {
        switch (words.first, words.count) {
        case ("echo", 3...4), ("http", 3...4):
            guard let port = Int(words[2]), let mode = Self.mode(words.dropFirst(3).first) else { return nil }
            self = .server(http: words[0] == "http", at: .tcp(host: words[1], port: port), mode)
        case ("echo-unix", 2...3):
            guard let mode = Self.mode(words.dropFirst(2).first) else { return nil }
            self = .server(http: false, at: .unix(path: words[1]), mode)
        case ("echo", _), ("http", _), ("echo-unix", _): return nil
        case (let bench?, 1): self = .workload(bench, count: nil)
        case (let bench?, 2):
            guard let count = Int(words[1]), count > 0 else { return nil }
            self = .workload(bench, count: count)
        default: return nil
        }
    }

    private static func mode(_ name: String?) -> Mode? {
        name.map { Mode(rawValue: $0) } ?? Mode.allCases.first
    }

    private static func usage(_ path: String) -> Never {
        let program = path.split(separator: "/").last ?? ""
        let modes = Mode.allCases.map(\.rawValue).joined(separator: "|")
        complain(
            """
            usage: \(program) BENCH [N], above 0
                   \(program) echo HOST PORT [\(modes)]
                   \(program) echo-unix PATH [\(modes)]
                   \(program) http HOST PORT [\(modes)]
            """)
        exit(2)
    }
}
