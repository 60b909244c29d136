// StreamReader as it is fed by a program: read, readExactly, the end of the stream, and errors.

import Testing

@testable import AsyncIO

@Suite struct StreamReaderTests {
    // MARK: - Limits

    @Test(arguments: [0, -1, .min])
    func limitHasToBePositive(limit: Int) async throws {
        let error = try await onLoop { loop in await caught { try StreamReader(loop: loop, limit: limit) } }
        #expect(loopCode(error) == .invalidArgument)
    }

    @Test func limitHasToBePositiveForConnectionsAndServers() async throws {
        let codes = try await onLoop { loop in
            [
                loopCode(await caught { try await loop.openConnection(host: "127.0.0.1", port: 1, limit: 0) }),
                loopCode(await caught { try await loop.openUnixConnection(path: "/tmp/none", limit: 0) }),
                loopCode(await caught { try await loop.startServer(host: "127.0.0.1", port: 0, limit: 0) { _, _ in } }),
            ]
        }
        #expect(codes == [.invalidArgument, .invalidArgument, .invalidArgument])
    }

    @Test func largestLimitMeansNone() async throws {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let reader = try StreamReader(loop: loop, limit: .max)
                reader.feedData(octets("line\n"))
                #expect(try await reader.readLine() == octets("line\n"))
            }
        }
    }

    // MARK: - read

    @Test func readOfZeroBytesReturnsAtOnce() async throws {
        let bytes = try await onLoop { loop in try await StreamReader(loop: loop).read(0) }
        #expect(bytes == [])
    }

    @Test func readReturnsWhatThereIsUpToItsCount() async throws {
        let pieces = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("abcdef"))
            return [asText(try await reader.read(4)), asText(try await reader.read(100))]
        }
        #expect(pieces == ["abcd", "ef"])
    }

    @Test func readWaitsForTheFirstByteOnly() async throws {
        let (bytes, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.read(3) }
            try await loop.rounds(2)
            reader.feedData(octets("abcdef"))
            reader.feedData(octets("gh"))
            let bytes = try await task.value
            return (asText(bytes), asText(try await reader.read(100)))
        }
        #expect(bytes == "abc")
        #expect(rest == "defgh")
    }

    @Test func feedingNothingDoesNotWakeAReader() async throws {
        let isDone = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData([])
            let task = loop.createTask { try await reader.read(3) }
            try await loop.rounds(2)
            reader.feedData([])
            try await loop.rounds(3)
            let isDone = task.isDone
            reader.feedEOF()
            return (isDone, try await task.value.isEmpty)
        }
        #expect(isDone == (false, true))
    }

    @Test func readAtTheEndReturnsNothingAgainAndAgain() async throws {
        let counts = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedEOF()
            return [try await reader.read(5).count, try await reader.read().count, try await reader.read(5).count]
        }
        #expect(counts == [0, 0, 0])
    }

    @Test func readWithoutCountReadsUpToTheEnd() async throws {
        let text = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("chunk1"))
            let task = loop.createTask { try await reader.read() }
            try await loop.rounds(2)
            reader.feedData(octets("chunk2"))
            try await loop.rounds(2)
            reader.feedData(octets("chunk3"))
            reader.feedEOF()
            return asText(try await task.value)
        }
        #expect(text == "chunk1chunk2chunk3")
    }

    @Test func limitDoesNotBoundReads() async throws {
        let texts = try await onLoop { loop in
            let reader = try StreamReader(loop: loop, limit: 3)
            reader.feedData(octets("abcdefghijklmnop"))
            return [asText(try await reader.read(7)), asText(try await reader.readExactly(9))]
        }
        #expect(texts == ["abcdefg", "hijklmnop"])
    }

    // MARK: - readExactly

    @Test func readExactlySpansChunks() async throws {
        let (text, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.readExactly(10) }
            for piece in ["abc", "def", "ghijkl"] {
                try await loop.rounds(2)
                reader.feedData(octets(piece))
            }
            return (asText(try await task.value), asText(try await reader.read(9)))
        }
        #expect(text == "abcdefghij")
        #expect(rest == "kl")
    }

    @Test func readExactlyOfZeroBytesReturnsAtOnceAndOfLessFails() async throws {
        let (bytes, error) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            return (try await reader.readExactly(0), await caught { try await reader.readExactly(-1) })
        }
        #expect(bytes == [])
        #expect(loopCode(error) == .invalidArgument)
    }

    @Test func readExactlyTellsWhatHadComeBeforeTheEnd() async throws {
        let (error, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.readExactly(10) }
            try await loop.rounds(2)
            reader.feedData(octets("abc"))
            reader.feedEOF()
            return (await caught { try await task.value }, try await reader.read())
        }
        #expect(error as? IncompleteReadError == IncompleteReadError(partial: octets("abc"), expected: 10))
        #expect(rest == [])
    }

    // MARK: - The end

    @Test func isAtEOFOnlyWhenEverythingHasBeenRead() async throws {
        let answers = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            var answers = [reader.isAtEOF]
            reader.feedData(octets("ab"))
            answers.append(reader.isAtEOF)
            reader.feedEOF()
            answers.append(reader.isAtEOF)
            _ = try await reader.read(1)
            answers.append(reader.isAtEOF)
            _ = try await reader.read(1)
            answers.append(reader.isAtEOF)
            return answers
        }
        #expect(answers == [false, false, false, false, true])
    }

    @Test func isAtEOFIsFalseWhileATaskHasNotTakenItsBytes() async throws {
        let answers = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.read(10) }
            try await loop.rounds(2)
            reader.feedData(octets("ab"))
            reader.feedEOF()
            let early = reader.isAtEOF
            let bytes = try await task.value
            return (early, asText(bytes), reader.isAtEOF)
        }
        #expect(answers == (false, "ab", true))
    }

    // MARK: - Errors

    @Test func exceptionIsStickyForEveryKindOfRead() async throws {
        let (errors, stored) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("line\n"))
            reader.setException(TestError())
            var array = [UInt8](repeating: 0, count: 4)
            var errors: [(any Error)?] = []
            errors.append(await caught { try await reader.read(1) })
            errors.append(await caught { try await reader.read(0) })
            errors.append(await caught { try await reader.read() })
            errors.append(await caught { try await reader.readExactly(1) })
            errors.append(await caught { try await reader.readLine() })
            errors.append(await caught { try await reader.readUntil("\n") })
            do { _ = try await reader.read(into: &array) } catch { errors.append(error) }
            return (errors.map { $0 as? TestError }, reader.exception as? TestError)
        }
        #expect(errors == Array(repeating: TestError(), count: 7))
        #expect(stored == TestError())
    }

    @Test func exceptionIsNilWithoutAnError() async throws {
        let isNil = try await onLoop { loop in try StreamReader(loop: loop).exception == nil }
        #expect(isNil)
    }

    enum Kind: CaseIterable { case read, readToEnd, exactly, line, until, into }

    @Test(arguments: Kind.allCases)
    func exceptionWakesAReadThatWaits(kind: Kind) async throws {
        let (error, later) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.take(kind) }
            try await loop.rounds(2)
            reader.setException(TestError())
            return (await caught { try await task.value }, await caught { try await reader.take(kind) })
        }
        #expect(error as? TestError == TestError())
        #expect(later as? TestError == TestError())
    }

    @Test(arguments: Kind.allCases)
    func bytesThatCameBeforeTheExceptionInTheSameRoundAreDelivered(kind: Kind) async throws {
        let (got, error) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.take(kind) }
            try await loop.rounds(2)
            reader.feedData(octets("line\n"))
            reader.setException(TestError())
            let result = await settled(task)
            return (result, await caught { try await reader.read(1) })
        }
        // A read up to the end cannot succeed any more.
        #expect(got == (kind == .readToEnd ? "error \(TestError())" : "value line\n"))
        #expect(error as? TestError == TestError())
    }

    @Test func exceptionAfterACancelledReadIsHarmless() async throws {
        let (result, error) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.read(1) }
            try await loop.rounds(2)
            task.cancel()
            reader.setException(TestError())
            return (await settled(task), await caught { try await reader.read(1) })
        }
        #expect(result == "cancelled")
        #expect(error as? TestError == TestError())
    }

    // MARK: - Two readers

    @Test(arguments: Kind.allCases)
    func secondReadIsRefusedWhileOneWaits(kind: Kind) async throws {
        let (error, first) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { asText(try await reader.read(4)) }
            try await loop.rounds(2)
            let error = await caught { try await reader.take(kind) }
            reader.feedData(octets("data"))
            return (error, try await task.value)
        }
        #expect(loopCode(error) == .alreadyReading)
        #expect("\(try #require(error))".contains("called while another coroutine is already waiting"))
        #expect(first == "data")
    }

    @Test func readsThatNeedNotWaitAreAllowedOneAfterTheOther() async throws {
        let pieces = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("abcdef"))
            let first = loop.createTask { asText(try await reader.read(3)) }
            let second = loop.createTask { asText(try await reader.readExactly(3)) }
            return [try await first.value, try await second.value]
        }
        #expect(pieces == ["abc", "def"])
    }
}

extension StreamReader {
    /// One kind of read as good as another, as a text.
    fileprivate func take(_ kind: StreamReaderTests.Kind) async throws -> String {
        switch kind {
        case .read: return asText(try await read(5))
        case .readToEnd: return asText(try await read())
        case .exactly: return asText(try await readExactly(5))
        case .line: return asText(try await readLine())
        case .until: return asText(try await readUntil([[10], octets("END")]))
        case .into:
            var array = [UInt8](repeating: 0, count: 5)
            let count = try await read(into: &array)
            return asText(Array(array.prefix(count)))
        }
    }
}
