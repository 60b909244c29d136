// asyncio's rules of when a protocol has to stop writing, as a plain value.

/// The water marks of a write buffer.
struct FlowControl {
    static let defaultHigh = 65536

    private(set) var high = defaultHigh
    private(set) var low = defaultHigh / 4
    private(set) var isPaused = false

    /// Without a high mark it is four times the low one; without a low mark it is a quarter of the high one.
    mutating func setLimits(high newHigh: Int?, low newLow: Int?) throws {
        let high = newHigh ?? newLow.map(fourTimes) ?? Self.defaultHigh
        let low = newLow ?? high / 4
        guard high >= low, low >= 0 else {
            throw EventLoopError.invalidArgument("high (\(high)) must be >= low (\(low)) must be >= 0")
        }
        self.high = high
        self.low = low
    }

    /// Whether the protocol is to be told to stop, with this much in the buffer.
    @inline(__always)
    mutating func shouldPause(at size: Int) -> Bool {
        if size <= high || isPaused { return false }
        isPaused = true
        return true
    }

    /// Whether the protocol is to be told to go on, with this much in the buffer.
    @inline(__always)
    mutating func shouldResume(at size: Int) -> Bool {
        if !isPaused || size > low { return false }
        isPaused = false
        return true
    }

    private func fourTimes(_ low: Int) -> Int {
        let (high, overflow) = low.multipliedReportingOverflow(by: 4)
        return overflow ? .max : high
    }
}
