// StreamReader up to separators: lines, several separators, chunk borders, and limits.

import Testing

@testable import AsyncIO

@Suite struct StreamReaderUntilTests {
    /// What reading lines up to the end gives, with the chunks fed one after the other while the reader waits.
    private func lines(_ chunks: [String], end: Bool = true, count: Int) async throws -> [String] {
        try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask {
                var lines: [String] = []
                for _ in 0..<count { lines.append(asText(try await reader.readLine())) }
                return lines
            }
            for chunk in chunks {
                try await loop.rounds(2)
                reader.feedData(octets(chunk))
            }
            if end { reader.feedEOF() }
            return try await task.value
        }
    }

    // MARK: - Lines

    @Test func lineIsPutTogetherOfChunks() async throws {
        #expect(
            try await lines(["chu", "nk1", " line\nrest", " of it\n"], end: false, count: 2) == [
                "chunk1 line\n", "rest of it\n",
            ])
    }

    @Test func lastLineMayLackItsNewlineAndThenThereIsNothing() async throws {
        #expect(try await lines(["a\nb"], count: 4) == ["a\n", "b", "", ""])
    }

    @Test func lineThatIsThereIsReturnedWithoutWaiting() async throws {
        let (line, count) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("a\nb\n"))
            let counter = RoundCounter(loop)
            try await loop.rounds(1)
            counter.restart()
            let line = try await reader.readLine()
            let count = counter.now
            counter.stop()
            return (asText(line), count)
        }
        #expect(line == "a\n")
        #expect(count == 0)
    }

    @Test func lineAfterReadOfSomeBytes() async throws {
        let texts = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("abc def\nxyz"))
            return [
                asText(try await reader.read(4)), asText(try await reader.readLine()), asText(try await reader.read(9)),
            ]
        }
        #expect(texts == ["abc ", "def\n", "xyz"])
    }

    @Test func lineThatIsTooLongIsDroppedWithItsNewline() async throws {
        let (error, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop, limit: 3)
            reader.feedData(octets("line1\nli2\n"))
            return (await caught { try await reader.readLine() }, asText(try await reader.readLine()))
        }
        #expect((error as? LimitOverrunError)?.consumed == 5)
        #expect(rest == "li2\n")
    }

    @Test func everythingIsDroppedIfTheEndOfTheLineHasNotCome() async throws {
        let (error, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop, limit: 3)
            let task = loop.createTask { try await reader.readLine() }
            try await loop.rounds(2)
            reader.feedData(octets("li"))
            try await loop.rounds(2)
            reader.feedData(octets("ne1"))
            let error = await caught { try await task.value }
            reader.feedData(octets("b\n"))
            return (error, asText(try await reader.readLine()))
        }
        #expect(error is LimitOverrunError)
        #expect(rest == "b\n")
    }

    @Test func limitCountsTheLineWithoutItsNewline() async throws {
        let line = try await onLoop { loop in
            let reader = try StreamReader(loop: loop, limit: 3)
            reader.feedData(octets("abc\n"))
            return asText(try await reader.readLine())
        }
        #expect(line == "abc\n")
    }

    // MARK: - Separators

    @Test func noSeparatorAndEmptyOnesAreRefused() async throws {
        let codes = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("x"))
            return [
                loopCode(await caught { try await reader.readUntil([UInt8]()) }),
                loopCode(await caught { try await reader.readUntil("") }),
                loopCode(await caught { try await reader.readUntil([[UInt8]]()) }),
                loopCode(await caught { try await reader.readUntil([[10], []]) }),
            ]
        }
        #expect(codes == Array(repeating: .invalidArgument, count: 4))
    }

    @Test func separatorMayBeSplitBetweenChunks() async throws {
        let (message, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.readUntil("SEPARATOR") }
            for chunk in ["some data SEP", "A", "RATO", "Rrest"] {
                try await loop.rounds(2)
                reader.feedData(octets(chunk))
            }
            return (asText(try await task.value), asText(try await reader.read(9)))
        }
        #expect(message == "some data SEPARATOR")
        #expect(rest == "rest")
    }

    @Test func separatorThatEndsFirstWinsAlsoAcrossChunks() async throws {
        let messages = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let separators = [octets("separator long"), octets("sep")]
            let task = loop.createTask {
                let first = asText(try await reader.readUntil(separators))
                let second = asText(try await reader.readUntil([octets("|"), octets("long;")]))
                return [first, second]
            }
            for chunk in ["a se", "p", "arator lo", "ng;|"] {
                try await loop.rounds(2)
                reader.feedData(octets(chunk))
            }
            return try await task.value
        }
        #expect(messages == ["a sep", "arator long;"])
    }

    @Test func endBeforeTheSeparatorTellsWhatHadComeAndEmptiesTheBuffer() async throws {
        let (error, isAtEOF) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("some dataS"))
            reader.feedEOF()
            return (await caught { try await reader.readUntil("SEP") }, reader.isAtEOF)
        }
        #expect(error as? IncompleteReadError == IncompleteReadError(partial: octets("some dataS"), expected: nil))
        #expect(isAtEOF)
    }

    @Test func separatorInTheLastChunkBeforeTheEndIsFound() async throws {
        let message = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.readUntil("|") }
            try await loop.rounds(2)
            reader.feedData(octets("a|"))
            reader.feedEOF()
            return asText(try await task.value)
        }
        #expect(message == "a|")
    }

    // MARK: - Limits

    @Test func overrunWithTheSeparatorFoundLeavesTheBufferAlone() async throws {
        let (error, message) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop, limit: 3)
            reader.feedData(octets("some dataAA"))
            let error = await caught { try await reader.readUntil("AA") }
            return (error as? LimitOverrunError, asText(try await reader.readExactly(11)))
        }
        #expect(error?.message == "Separator is found, but chunk is longer than limit")
        #expect(error?.consumed == 9)
        #expect(message == "some dataAA")
    }

    @Test func overrunWithoutTheSeparatorLeavesWhatMayBelongToIt() async throws {
        let (error, texts) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop, limit: 4)
            let task = loop.createTask { try await reader.readUntil("SEP") }
            try await loop.rounds(2)
            reader.feedData(octets("some"))
            try await loop.rounds(2)
            reader.feedData(octets("dataSE"))
            let error = await caught { try await task.value } as? LimitOverrunError
            reader.feedData(octets("P"))
            let consumed = asText(try await reader.readExactly(error?.consumed ?? 0))
            return (error, [consumed, asText(try await reader.readUntil("SEP"))])
        }
        #expect(error?.message == "Separator is not found, and chunk exceed the limit")
        #expect(error?.consumed == 8)
        #expect(texts == ["somedata", "SEP"])
    }

    @Test func overrunWithTheSeparatorSplitBetweenChunks() async throws {
        let (error, message) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop, limit: 3)
            let task = loop.createTask { try await reader.readUntil("SEP") }
            try await loop.rounds(2)
            reader.feedData(octets("abcSE"))
            try await loop.rounds(2)
            reader.feedData(octets("PSEP"))
            let first = asText(try await task.value)
            reader.feedData(octets("abcdSEP"))
            return (await caught { try await reader.readUntil("xSEP") } as? LimitOverrunError, first)
        }
        #expect(message == "abcSEP")
        #expect(error?.consumed == 7)
    }

    @Test func overrunIsRepeatedUntilSomebodyReads() async throws {
        let errors = try await onLoop { loop in
            let reader = try StreamReader(loop: loop, limit: 2)
            reader.feedData(octets("abcdef"))
            let first = await caught { try await reader.readUntil("|") } as? LimitOverrunError
            let second = await caught { try await reader.readUntil("|") } as? LimitOverrunError
            return [first, second]
        }
        #expect(errors[0] == errors[1])
        #expect(errors[0]?.consumed == 6)
    }
}
