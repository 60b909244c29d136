// What the rounds of a run say about one case: a median, and ratios to a reference that was measured in the same
// rounds.

/// The figures of one cell of a table, by round.
struct Samples {
    private var good: [Int: Double] = [:]
    /// Of runs in which neither the server nor its load was busy: something else on the machine held them down.
    private var heldDown: [Int: Double] = [:]

    mutating func add(_ value: Double, round: Int, heldDown isHeldDown: Bool) {
        if isHeldDown { heldDown[round] = value } else { good[round] = value }
    }

    /// Runs that were held down count only where there is no better one.
    private var values: [Int: Double] { good.isEmpty ? heldDown : good }
    var isHeldDown: Bool { good.isEmpty }
    var leftOut: Int { good.isEmpty ? 0 : heldDown.count }

    var median: Double { Samples.median(Array(values.values)) }

    /// `1.02 (0.98 to 1.10)`: the median, the lowest and the highest of the rounds' ratios. If no round has both
    /// figures it is that of the medians, as in `~1.02`.
    func ratio(to reference: Samples) -> String {
        let others = reference.values
        let ratios = values.compactMap { round, value in others[round].map { value / $0 } }.filter(\.isFinite)
        guard let low = ratios.min(), let high = ratios.max() else { return "~" + fixed(median / reference.median) }
        let whole = fixed(Samples.median(ratios))
        return ratios.count > 1 ? "\(whole) (\(fixed(low)) to \(fixed(high)))" : whole
    }

    private static func median(_ values: [Double]) -> Double {
        guard !values.isEmpty else { return .nan }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
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
func readable(_ number: Double) -> String {
    guard number.isFinite else { return "–" }
    return number < 9.95 ? String((number * 10).rounded() / 10) : readable(wholeNumber: Int(number.rounded()))
}

func readable(wholeNumber: Int) -> String {
    var text = ""
    for (index, digit) in String(wholeNumber).reversed().enumerated() {
        if index > 0 && index % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return String(text.reversed())
}
