// The file of results, and what people read of it.

import AsyncIO

/// What has been measured, by kind; a kind that is run again replaces what was there.
struct Results {
    private var root: JSON

    init(_ text: String?) {
        root = text.flatMap { JSON($0) } ?? .object([])
    }

    /// `facts` are those of the machine and of this run.
    mutating func set(_ kind: Kind, facts: JSON, _ lines: [JSON]) {
        var entry = facts
        entry["lines"] = .array(lines)
        root[kind.rawValue] = entry
    }

    var text: String { root.lines() + "\n" }

    /// Tables of the kinds that are there.
    func markdown(_ kinds: [Kind]) -> String {
        kinds.compactMap { kind in
            guard let entry = root[kind.rawValue], let lines = entry["lines"]?.array else { return nil }
            let tables = tables(kind, lines)
            return tables.isEmpty ? nil : tables.joined(separator: "\n") + "\n" + footing(entry)
        }.joined(separator: "\n")
    }

    private func footing(_ entry: JSON) -> String {
        func text(_ key: String) -> String { entry[key]?.string ?? "?" }
        let cores = entry["cores"]?.number.map { Int($0) } ?? 0
        return "\(text("date")), \(text("cpu")), \(cores) cores, \(text("kernel")), libuv \(text("libuv")), "
            + "\(text("swift")); load average \(text("load_before")) before and \(text("load_after")) after.\n"
    }

    private func tables(_ kind: Kind, _ lines: [JSON]) -> [String] {
        switch kind {
        case .micro: [micro(lines)]
        case .echo, .unix, .http, .churn:
            [
                "### \(kind): requests per second · ratio to libuv, higher is better\n\n" + network(lines, "rps"),
                "### \(kind): the server's CPU time for a request, in µs · ratio to libuv, lower is better\n\n"
                    + network(lines, "server_us_per_req"),
            ]
        case .idle: [idle(lines)]
        case .growth: growth(lines)
        }
    }

    private func micro(_ lines: [JSON]) -> String {
        var table = Table("workload", referenceColumn: "libuv")
        for line in inOrder(lines) {
            guard let bench = line["bench"]?.string, let peer = line["peer"]?.string else { continue }
            let byCPU = MicroWorkload.all.contains { $0.name == bench && $0.byCPU }
            let value = line[byCPU ? "cpu_per_op_ns" : "per_op_ns"]?.number
            table.add(value, row: byCPU ? "\(bench) (CPU)" : bench, column: peer)
        }
        return "### micro: ns for an operation · ratio to libuv, lower is better\n\n" + table.markdown
    }

    private func network(_ lines: [JSON], _ field: String) -> String {
        var table = Table("server", referenceRow: "libuv protocol")
        for line in inOrder(lines) {
            guard let connections = line["conns"]?.number, let size = line["size"]?.number else { continue }
            table.add(
                line[field]?.number, row: server(line), column: "\(readableSize(Int(size))) × \(Int(connections))")
        }
        return table.markdown
    }

    private func idle(_ lines: [JSON]) -> String {
        var table = Table("server")
        for line in inOrder(lines) {
            table.add(line["kib_per_conn"]?.number, row: server(line), column: "idle")
            table.add(line["kib_per_conn_after_echo"]?.number, row: server(line), column: "after an echo")
        }
        return "### idle: KiB of the server's memory for a connection\n\n" + table.markdown
    }

    private func growth(_ lines: [JSON]) -> [String] {
        let titles = [
            ("call_soon_queued", "ns for a callback, with so many queued"),
            ("timers_alive", "ns for a timer that replaces another, with so many alive"),
            ("connections", "the server's CPU time in µs for an echo of 1 KiB, with so many connections"),
            ("size", "the server's CPU time in µs for an echo of so many bytes, 10 connections"),
            ("loops", "requests per second, with so many loops, 100 connections"),
        ]
        return titles.compactMap { curve, title in
            let fields = ["call_soon_queued": "per_op_ns", "timers_alive": "per_op_ns", "loops": "rps"]
            var table = Table("")
            for line in inOrder(lines) where line["curve"]?.string == curve {
                let size = line["x"]?.number.map { String(Int($0)) } ?? "?"
                table.add(line[fields[curve] ?? "server_us_per_req"]?.number, row: server(line), column: size)
            }
            return "### growth: \(title)\n\n" + table.markdown
        }
    }

    private func server(_ line: JSON) -> String {
        [line["peer"]?.string, line["mode"]?.string].compactMap { $0 }.joined(separator: " ")
    }

    /// The first round has the order that people expect.
    private func inOrder(_ lines: [JSON]) -> [JSON] {
        lines.filter { $0["round"]?.number == 1 } + lines.filter { $0["round"]?.number != 1 }
    }

    private func readableSize(_ bytes: Int) -> String {
        bytes >= 1024 && bytes % 1024 == 0 ? "\(bytes / 1024) KiB" : "\(bytes) B"
    }
}

/// The tables in README.md stand between two comments.
func replaceBlock(in page: String, with tables: String) throws -> String {
    let (start, end) = ("<!-- results: written by compare --readme -->", "<!-- end of results -->")
    let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.firstIndex(of: start[...]), let last = lines.firstIndex(of: end[...]), first < last else {
        throw Failure("README.md has no place for the results")
    }
    return (lines[...first] + ["", tables[...], ""] + lines[last...]).joined(separator: "\n")
}
