// The search for separators as a plain value: which match wins, what counts against the limit, and chunk borders.

import Testing

@testable import AsyncIO

@Suite struct SeparatorSearchTests {
    /// Looks after every chunk; what the last look says.
    private func look(
        _ separators: [String], limit: Int = 65536, _ chunks: String...
    ) throws -> SeparatorSearch.Result {
        var search = try SeparatorSearch(separators.map(octets))
        var buffer = StreamBuffer(pool: BlockPool())
        var result = search.look(in: buffer, limit: limit)
        for chunk in chunks {
            buffer.add(chunk)
            result = search.look(in: buffer, limit: limit)
            if result != .none { break }
        }
        return result
    }

    @Test func noSeparatorsAreRefused() {
        #expect(throws: EventLoopError(.invalidArgument, "")) { try SeparatorSearch([]) }
    }

    @Test func emptySeparatorIsRefused() {
        #expect(throws: EventLoopError(.invalidArgument, "")) { try SeparatorSearch([[]]) }
        #expect(throws: EventLoopError(.invalidArgument, "")) { try SeparatorSearch([[10], []]) }
    }

    @Test func messageEndsAfterItsSeparator() throws {
        #expect(try look(["\n"], "line\nrest") == .found(5))
    }

    @Test func separatorAtTheBeginningIsAMessageOfItsOwn() throws {
        #expect(try look(["\r\n"], "\r\nrest") == .found(2))
    }

    @Test func separatorThatIsSplitBetweenChunksIsFound() throws {
        #expect(try look(["END"], "messageE", "N", "D") == .found(10))
    }

    @Test func halfASeparatorThatIsNoneIsPassed() throws {
        #expect(try look(["END"], "aEN", "ENENDx") == .found(8))
    }

    @Test func theSeparatorThatEndsFirstWins() throws {
        #expect(try look(["long separator", ";"], "a long separator;") == .found(16))
        #expect(try look([";", "ab"], "xab;") == .found(3))
    }

    @Test func withEqualEndsTheShorterSeparatorCountsForTheLimit() throws {
        // As in asyncio: the message before the shorter one is longer.
        #expect(
            try look(["SEPARATOR", "TOR"], limit: 4, "abSEPARATOR")
                == .overrun(LimitOverrunError("Separator is found, but chunk is longer than limit", consumed: 8)))
        #expect(try look(["SEPARATOR"], limit: 4, "abSEPARATOR") == .found(11))
    }

    @Test func theOrderOfTheSeparatorsDoesNotMatter() throws {
        #expect(try look(["b", "abc"], "xabc") == .found(3))
        #expect(try look(["abc", "b"], "xabc") == .found(3))
    }

    @Test func limitMayBeReached() throws {
        #expect(try look(["\n"], limit: 3, "abc\n") == .found(4))
    }

    @Test func foundBeyondTheLimitSaysWhereTheSeparatorIs() throws {
        #expect(
            try look(["\n"], limit: 3, "abcd\n")
                == .overrun(LimitOverrunError("Separator is found, but chunk is longer than limit", consumed: 4)))
    }

    @Test func notFoundBeyondTheLimitLeavesWhatMayBeTheBeginningOfASeparator() throws {
        #expect(
            try look(["AAA"], limit: 3, "xxxxA", "A")
                == .overrun(LimitOverrunError("Separator is not found, and chunk exceed the limit", consumed: 4)))
    }

    @Test func notFoundIsCountedWithoutTheLongestSeparatorsBeginning() throws {
        // Five bytes, of which two may belong to the separator: not yet over the limit of three.
        #expect(try look(["AAA"], limit: 3, "xxxxx") == .none)
        #expect(
            try look(["AAA"], limit: 3, "xxxxxx")
                == .overrun(LimitOverrunError("Separator is not found, and chunk exceed the limit", consumed: 4)))
    }

    @Test func shortBufferIsNoReasonToLookBeforeItsBeginning() throws {
        #expect(try look(["separator"], "s", "ep", "arator") == .found(9))
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func randomSearchesAgreeWithANaiveOne(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<400 {
            let separators = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                (0..<Int.random(in: 1...4, using: &random)).map { _ in UInt8.random(in: 0..<3, using: &random) }
            }
            let limit = Int.random(in: 1...20, using: &random)
            var search = try SeparatorSearch(separators)
            var naive = NaiveSearch(separators: separators)
            var buffer = StreamBuffer(pool: BlockPool())
            var all: [UInt8] = []
            for _ in 0..<30 {
                let chunk = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    UInt8.random(in: 0..<4, using: &random)
                }
                chunk.withUnsafeBytes { buffer.append($0) }
                all += chunk
                let result = search.look(in: buffer, limit: limit)
                let expected = naive.look(in: all, limit: limit)
                guard result == expected else {
                    Issue.record("\(result) instead of \(expected): \(separators) in \(all), limit \(limit)")
                    return
                }
                if result != .none { break }
            }
        }
    }
}

/// asyncio's readuntil, word by word.
private struct NaiveSearch {
    let separators: [[UInt8]]
    var offset = 0

    mutating func look(in bytes: [UInt8], limit: Int) -> SeparatorSearch.Result {
        let sorted = separators.sorted { $0.count < $1.count }
        let shortest = sorted.first?.count ?? 0
        let longest = sorted.last?.count ?? 0
        guard bytes.count - offset >= shortest else { return .none }
        var match: (start: Int, end: Int)?
        for separator in sorted {
            guard bytes.count - offset >= separator.count else { continue }
            let starts = offset...(bytes.count - separator.count)
            guard let start = starts.first(where: { bytes[$0..<$0 + separator.count].elementsEqual(separator) })
            else { continue }
            if match.map({ start + separator.count < $0.end }) ?? true { match = (start, start + separator.count) }
        }
        if let match {
            guard match.start > limit else { return .found(match.end) }
            return .overrun(
                LimitOverrunError("Separator is found, but chunk is longer than limit", consumed: match.start))
        }
        offset = max(0, bytes.count + 1 - longest)
        guard offset > limit else { return .none }
        return .overrun(LimitOverrunError("Separator is not found, and chunk exceed the limit", consumed: offset))
    }
}
