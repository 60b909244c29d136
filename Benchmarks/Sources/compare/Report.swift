// What people read of the results of one kind: its tables, what is missing in them and why, and where they come from.

import AsyncIO

struct Report {
    private let kind: Kind
    private let entry: JSON
    /// With those of the first round first, which has the order that people expect.
    private let lines: [JSON]

    init(_ kind: Kind, _ entry: JSON) {
        self.kind = kind
        self.entry = entry
        let lines = entry["lines"]?.array ?? []
        self.lines = lines.filter { $0["round"]?.number == 1 } + lines.filter { $0["round"]?.number != 1 }
    }

    /// Nil if nothing was measured.
    var markdown: String? {
        let tables = tables
        let parts = tables.compactMap { title, table in table.markdown.map { "### \(kind): \(title)\n\n\($0)" } }
        if parts.isEmpty { return nil }
        let leftOut = tables.map(\.table.leftOut).max() ?? 0
        let runs = leftOut == 0 ? "" : " \(leftOut) runs that were held down are left out."
        return (parts + [missing].compactMap(\.self) + [footing + runs + "\n"]).joined(separator: "\n")
    }

    private var tables: [(title: String, table: Table)] {
        switch kind {
        case .micro: [("ns for an operation · ratio to libuv, lower is better", micro)]
        case .echo, .unix, .http, .churn:
            [
                ("requests per second · ratio to libuv, higher is better", network("rps")),
                (
                    "the server's CPU time for a request, in µs · ratio to libuv, lower is better",
                    network("server_us_per_req")
                ),
            ]
        case .idle: [("KiB of the server's memory for a connection", idle)]
        case .growth: Curve.all.map { ($0.title, growth($0)) }
        }
    }

    private var micro: Table {
        var table = Table("workload", referenceColumn: "libuv")
        for line in lines {
            guard let bench = line["bench"]?.string, let peer = line["peer"]?.string else { continue }
            let byCPU = MicroWorkload.all.contains { $0.name == bench && $0.byCPU }
            table.add(
                line[byCPU ? "cpu_per_op_ns" : "per_op_ns"]?.number, row: byCPU ? "\(bench) (CPU)" : bench,
                column: peer, round: round(line))
        }
        return table
    }

    private func network(_ field: String) -> Table {
        var table = Table("server", referenceRow: "libuv protocol")
        for line in lines {
            table.add(
                line[field]?.number, row: server(line), column: line["case"]?.string ?? "?", round: round(line),
                heldDown: isHeldDown(line))
        }
        return table
    }

    private var idle: Table {
        var table = Table("server")
        for line in lines {
            let fields = [("kib_per_conn", "idle"), ("kib_per_conn_after_echo", "after an echo")]
            for (field, column) in fields {
                table.add(line[field]?.number, row: server(line), column: column, round: round(line))
            }
        }
        return table
    }

    /// The sizes are the rows, of which there are more than of servers.
    private func growth(_ curve: Curve) -> Table {
        let inProcess = curve.name == "loops_in_process"
        let reference = ["connections", "size"].contains(curve.name) ? "libuv protocol" : "libuv"
        var table = Table(
            curve.sizes, referenceRow: inProcess ? "1" : nil, referenceColumn: inProcess ? nil : reference)
        for line in lines where line["curve"]?.string == curve.name {
            let row = line["x"]?.number.map { readable(wholeNumber: Int($0)) } ?? "?"
            if inProcess {
                let fields = [
                    ("callbacks_per_s", "callbacks"), ("switches_per_s", "task switches"),
                    ("callback_cpu_ns", "CPU ns, callback"), ("switch_cpu_ns", "CPU ns, task switch"),
                ]
                for (field, column) in fields {
                    table.add(line[field]?.number, row: row, column: column, round: round(line))
                }
            } else {
                table.add(
                    (line["per_op_ns"] ?? line["server_us_per_req"])?.number, row: row, column: server(line),
                    round: round(line), heldDown: isHeldDown(line))
            }
        }
        return table
    }

    private func round(_ line: JSON) -> Int { Int(line["round"]?.number ?? 0) }

    private func server(_ line: JSON) -> String {
        [line["peer"]?.string, line["mode"]?.string].compactMap { $0 }.joined(separator: " ")
    }

    /// Whether something else on the machine kept both sides from working.
    private func isHeldDown(_ line: JSON) -> Bool {
        guard let server = line["server_cpu"]?.number, let load = line["loadgen_cpu"]?.number else { return false }
        return max(server, load) < 0.85
    }

    /// What was skipped or has failed, a line for each program and reason.
    private var missing: String? {
        var found: [(server: String, reason: String, cells: [String])] = []
        let rounds = Set(lines.map(round)).count
        for line in lines {
            guard let reason = line["skipped"]?.string ?? line["error"]?.string else { continue }
            let server = server(line)
            let index = found.firstIndex { $0.server == server && $0.reason == reason } ?? found.count
            if index == found.count { found.append((server, reason, [])) }
            found[index].cells.append(place(line))
        }
        if found.isEmpty { return nil }
        return found.map { server, reason, cells in
            var names: [String] = []
            for cell in cells where !names.contains(cell) { names.append(cell) }
            let texts = names.map { name in
                let count = cells.count { $0 == name }
                return count == rounds ? name : "\(name) (\(count) of \(rounds) rounds)"
            }
            return "- `\(server)`, \(texts.joined(separator: ", ")): \(reason)\n"
        }.joined()
    }

    /// What was measured, as the tables call it.
    private func place(_ line: JSON) -> String {
        if let curve = line["curve"]?.string { return "\(curve) \(Int(line["x"]?.number ?? 0))" }
        return line["case"]?.string ?? line["bench"]?.string ?? "?"
    }

    private var footing: String {
        func text(_ key: String) -> String { entry[key]?.string ?? "?" }
        let cores = entry["cores"]?.number.map { Int($0) } ?? 0
        let names = [("libuv", "libuv"), ("nio", "SwiftNIO"), ("cpython", "CPython"), ("uvloop", "uvloop")]
        let versions = names.compactMap { key, name in entry[key]?.string.map { "\(name) \($0)" } }
        return "\(text("date")), \(text("cpu")), \(cores) cores, \(text("kernel")), \(text("swift")), "
            + "\(versions.joined(separator: ", ")); load average \(text("load_before")) before and "
            + "\(text("load_after")) after."
    }
}
