// Looking for the end of a message, as a plain value: asyncio's rules for several separators and for limits.

/// A search for the first of some separators in a buffer that grows.
struct SeparatorSearch {
    enum Result: Equatable {
        /// The message, with its separator, has so many bytes.
        case found(Int)
        /// More bytes are needed.
        case none
        /// The message, or what there is of it, is longer than the limit.
        case overrun(LimitOverrunError)
    }

    /// The shortest separator, and the others by their length: there is seldom more than one.
    private let first: [UInt8]
    private let others: [[UInt8]]
    private let longest: Int
    /// No separator begins before this.
    private var offset = 0

    /// - Throws: ``EventLoopError`` `.invalidArgument` without separators, or with an empty one.
    init(_ separators: [[UInt8]]) throws {
        guard !separators.isEmpty else {
            throw EventLoopError.invalidArgument("separators: there should be at least one separator")
        }
        guard separators.allSatisfy({ !$0.isEmpty }) else {
            throw EventLoopError.invalidArgument("separator: Separator should be at least one-byte string")
        }
        // With equal ends the shortest separator wins.
        let sorted = separators.sorted { $0.count < $1.count }
        first = sorted[0]
        others = Array(sorted.dropFirst())
        longest = sorted[sorted.count - 1].count
    }

    /// - Throws: ``EventLoopError`` `.invalidArgument` for an empty separator.
    init(separator: [UInt8]) throws {
        guard !separator.isEmpty else {
            throw EventLoopError.invalidArgument("separator: Separator should be at least one-byte string")
        }
        first = separator
        others = []
        longest = separator.count
    }

    /// Looks at what has come so far.
    mutating func look(in buffer: borrowing StreamBuffer, limit: Int) -> Result {
        var match = buffer.firstIndex(of: first, from: offset).map { (start: $0, end: $0 + first.count) }
        for separator in others {
            guard let start = buffer.firstIndex(of: separator, from: offset) else { continue }
            let end = start + separator.count
            if match.map({ end < $0.end }) ?? true { match = (start, end) }
        }
        if let match {
            if match.start > limit {
                return .overrun(
                    LimitOverrunError("Separator is found, but chunk is longer than limit", consumed: match.start))
            }
            return .found(match.end)
        }
        // A separator may have begun to come.
        offset = max(0, buffer.count + 1 - longest)
        if offset > limit {
            return .overrun(
                LimitOverrunError("Separator is not found, and chunk exceed the limit", consumed: offset))
        }
        return .none
    }
}
