// The lines of a run as a table in Markdown: medians, and ratios to one of its rows or columns.

/// Rows and columns in the order in which they first came up.
struct Table {
    private var rows: [String] = []
    private var columns: [String] = []
    private var cells: [String: [String: Samples]] = [:]
    private let corner: String
    /// The row or the column that everything else is compared with.
    private let reference: (row: String?, column: String?)

    init(_ corner: String, referenceRow: String? = nil, referenceColumn: String? = nil) {
        self.corner = corner
        reference = (referenceRow, referenceColumn)
    }

    mutating func add(_ value: Double?, row: String, column: String, round: Int, heldDown: Bool = false) {
        guard let value else { return }
        if !rows.contains(row) { rows.append(row) }
        if !columns.contains(column) { columns.append(column) }
        cells[row, default: [:]][column, default: Samples()].add(value, round: round, heldDown: heldDown)
    }

    /// How many runs do not count, since others of the same case were not held down.
    var leftOut: Int { cells.values.flatMap(\.values).map(\.leftOut).reduce(0, +) }

    /// Nil if there is nothing in it.
    var markdown: String? {
        if rows.isEmpty { return nil }
        var text = "| \(corner) | \(columns.joined(separator: " | ")) |\n|---|"
        text += String(repeating: "---:|", count: columns.count) + "\n"
        for row in rows {
            let texts = columns.map { cell(row, $0) }
            text += "| \(row) | \(texts.joined(separator: " | ")) |\n"
        }
        return text
    }

    private func cell(_ row: String, _ column: String) -> String {
        guard let samples = cells[row]?[column] else { return "–" }
        let value = readable(samples.median) + (samples.isHeldDown ? "!" : "")
        guard reference.row != row, reference.column != column, reference.row != nil || reference.column != nil,
            let other = cells[reference.row ?? row]?[reference.column ?? column], other.median > 0
        else { return value }
        return "\(value) · \(samples.ratio(to: other))"
    }
}
