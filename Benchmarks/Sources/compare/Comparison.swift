// The rounds of a run, and the lines that it collects.

import AsyncIO
import Glibc

/// What a line is of, whatever the program itself prints.
typealias Mark = [(key: String, value: JSON)]

/// One run of this program. It lives on its loop.
final class Comparison {
    let options: Options
    let programs: Programs
    let peers: [Peer]
    private(set) var lines: [JSON] = []
    private var port = 20_000 + Int(getpid()) % 10_000
    private var round = 0
    private let began: EventLoop.Instant

    init(_ options: Options, _ programs: Programs, _ peers: [Peer]) {
        self.options = options
        self.programs = programs
        self.peers = peers
        began = programs.loop.time()
    }

    /// Below the ports that the system gives to connections.
    func nextPort() -> Int {
        port = port >= 31_999 ? 20_000 : port + 1
        return port
    }

    /// Whoever came first in one round comes last in the next.
    func inTurn<Element>(_ elements: [Element], _ round: Int) -> [Element] {
        guard !elements.isEmpty else { return [] }
        let first = round % elements.count
        return Array(elements[first...] + elements[..<first])
    }

    /// All rounds of one kind.
    func run(_ kind: Kind) async throws {
        lines = []
        // Memory does not vary.
        let standard = options.quick || kind == .idle ? 1 : 3
        for number in 0..<(options.rounds ?? standard) {
            round = number
            switch kind {
            case .micro: try await runMicro(number)
            case .growth: try await runGrowth(number)
            case .echo, .unix, .http, .churn, .idle: try await runNetwork(kind, number)
            }
        }
    }

    /// Takes down what `measure` returns, or why it has failed: one peer that fails does not end the others.
    func record(
        _ kind: String, _ name: String, _ mark: Mark, _ measure: () async throws -> JSON
    ) async throws {
        let elapsed = Int(began.duration(to: programs.loop.time()).components.seconds)
        note("[\(elapsed) s] \(kind), round \(round + 1): \(name)")
        var line: JSON
        do {
            line = try await measure()
        } catch let failure as Failure {
            note("failed: \(failure)")
            line = .object([("error", .string(failure.brief))])
        }
        for (key, value) in mark { line[key] = value }
        line["round"] = .number(Double(round + 1))
        lines.append(line)
    }
}
