// The lines of a run as tables in Markdown: medians, and ratios to raw libuv with their spread over the rounds.

/// What one cell is made from.
struct Samples {
    var values: [Double] = []

    var median: Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// `1.02 (0.98 to 1.10)`: the median's ratio, and those of the best and worst round.
    func ratio(to reference: Samples) -> String {
        let whole = fixed(median / reference.median)
        guard values.count > 1, let low = values.min(), let high = values.max() else { return whole }
        return "\(whole) (\(fixed(low / reference.median)) to \(fixed(high / reference.median)))"
    }
}

/// With two digits after the point.
private func fixed(_ number: Double) -> String {
    guard number.isFinite else { return "–" }
    let hundredths = Int((number * 100).rounded())
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
}

/// With commas, or with a digit after the point where it is small.
private func readable(_ number: Double) -> String {
    if number < 9.95 { return String((number * 10).rounded() / 10) }
    var text = ""
    for (index, digit) in String(Int(number.rounded())).reversed().enumerated() {
        if index > 0 && index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return String(text.reversed())
}

/// Rows and columns in the order in which they first came up in round one.
struct Table {
    private var rows: [String] = []
    private var columns: [String] = []
    private var cells: [String: [String: Samples]] = [:]
    private let corner: String
    /// Whether each row or each column has raw libuv's figure.
    private let reference: (row: String?, column: String?)

    init(_ corner: String, referenceRow: String? = nil, referenceColumn: String? = nil) {
        self.corner = corner
        reference = (referenceRow, referenceColumn)
    }

    mutating func add(_ value: Double?, row: String, column: String) {
        if !rows.contains(row) { rows.append(row) }
        if !columns.contains(column) { columns.append(column) }
        if let value { cells[row, default: [:]][column, default: Samples()].values.append(value) }
    }

    var markdown: String {
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
        let value = readable(samples.median)
        guard let other = cells[reference.row ?? row]?[reference.column ?? column],
            reference.row != nil || reference.column != nil, other.median > 0
        else { return value }
        return "\(value) · \(samples.ratio(to: other))"
    }
}
