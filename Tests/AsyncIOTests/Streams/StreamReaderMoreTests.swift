// StreamReader: reading into memory of the caller's, streams as sequences, and that a cancelled read loses nothing.

import Testing

@testable import AsyncIO

@Suite struct StreamReaderMoreTests {
    // MARK: - Into memory

    @Test func readIntoAnArrayFillsItsBeginning() async throws {
        let (counts, array) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("abcdef"))
            reader.feedEOF()
            var array = octets("....")
            var counts = [try await reader.read(into: &array)]
            counts.append(try await reader.read(into: &array))
            counts.append(try await reader.read(into: &array))
            return (counts, asText(array))
        }
        #expect(counts == [4, 2, 0])
        #expect(array == "efcd")
    }

    @Test func readIntoAnEmptyArrayReturnsAtOnce() async throws {
        let count = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            var array: [UInt8] = []
            return try await reader.read(into: &array)
        }
        #expect(count == 0)
    }

    @Test func readIntoMemoryWaitsForBytes() async throws {
        let text = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask {
                let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
                defer { memory.deallocate() }
                let count = try await reader.read(into: memory)
                return asText(Array(memory[..<count]))
            }
            try await loop.rounds(2)
            reader.feedData(octets("abc"))
            return try await task.value
        }
        #expect(text == "abc")
    }

    @Test func readIntoMemoryAtTheEndReturnsZero() async throws {
        let counts = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedEOF()
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
            defer { memory.deallocate() }
            let none = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            return [try await reader.read(into: memory), try await reader.read(into: none)]
        }
        #expect(counts == [0, 0])
    }

    // MARK: - Sequences

    @Test func linesEndWithTheStream() async throws {
        let lines = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask {
                var lines: [String] = []
                for try await line in reader.lines { lines.append(asText(line)) }
                return lines
            }
            for chunk in ["a\nb", "c\n", "\n", "last"] {
                try await loop.rounds(2)
                reader.feedData(octets(chunk))
            }
            reader.feedEOF()
            return try await task.value
        }
        #expect(lines == ["a\n", "bc\n", "\n", "last"])
    }

    @Test func chunksEndWithTheStream() async throws {
        let chunks = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask {
                var chunks: [String] = []
                for try await chunk in reader { chunks.append(asText(chunk)) }
                return chunks
            }
            for chunk in ["a\nb", "c"] {
                try await loop.rounds(3)
                reader.feedData(octets(chunk))
            }
            try await loop.rounds(3)
            reader.feedEOF()
            return try await task.value
        }
        #expect(chunks == ["a\nb", "c"])
    }

    @Test func sequencesThrowTheErrorOfTheStream() async throws {
        let (lines, error) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let trace = Trace()
            let task = loop.createTask { for try await line in reader.lines { trace(asText(line)) } }
            try await loop.rounds(2)
            reader.feedData(octets("a\n"))
            try await loop.rounds(3)
            reader.setException(TestError())
            let error = await caught { try await task.value }
            return (trace.entries, error)
        }
        #expect(lines == ["a\n"])
        #expect(error as? TestError == TestError())
    }

    // MARK: - Cancellation

    enum Kind: CaseIterable { case read, exactly, line, until, into, chunk }

    @Test(arguments: Kind.allCases)
    func cancelledReadLeavesTheStreamUsable(kind: Kind) async throws {
        let (result, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.take(kind) }
            try await loop.rounds(2)
            task.cancel()
            let result = await settled(task)
            reader.feedData(octets("abcdefgh\n"))
            return (result, asText(try await reader.read(100)))
        }
        #expect(result == "cancelled")
        #expect(rest == "abcdefgh\n")
    }

    @Test(arguments: Kind.allCases)
    func bytesThatCameInTheRoundOfTheCancellationStay(kind: Kind) async throws {
        let (result, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.take(kind) }
            try await loop.rounds(2)
            reader.feedData(octets("abcdefgh\n"))
            task.cancel()
            reader.feedData(octets("more\n"))
            return (await settled(task), asText(try await reader.read(100)))
        }
        #expect(result == "cancelled")
        #expect(rest == "abcdefgh\nmore\n")
    }

    @Test(arguments: Kind.allCases)
    func bytesThatCameAfterTheCancellationInItsRoundStay(kind: Kind) async throws {
        let (result, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let task = loop.createTask { try await reader.take(kind) }
            try await loop.rounds(2)
            task.cancel()
            reader.feedData(octets("abcdefgh\n"))
            reader.feedEOF()
            return (await settled(task), asText(try await reader.read()))
        }
        #expect(result == "cancelled")
        #expect(rest == "abcdefgh\n")
    }

    @Test func halfOfWhatWasAskedForStaysAfterACancellation() async throws {
        let (results, rest) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            reader.feedData(octets("ab"))
            let exactly = loop.createTask { try await reader.readExactly(5) }
            try await loop.rounds(2)
            exactly.cancel()
            let first = await settled(exactly)
            let line = loop.createTask { try await reader.readLine() }
            try await loop.rounds(2)
            reader.feedData(octets("cd"))
            try await loop.rounds(2)
            line.cancel()
            return ([first, await settled(line)], asText(try await reader.read(9)))
        }
        #expect(results == ["cancelled", "cancelled"])
        #expect(rest == "abcd")
    }

    @Test func anotherTaskReadsOnInTheRoundOfTheCancellation() async throws {
        let (result, text) = try await onLoop { loop in
            let reader = try StreamReader(loop: loop)
            let first = loop.createTask { try await reader.read(5) }
            try await loop.rounds(2)
            first.cancel()
            _ = await settled(first)
            let second = loop.createTask { asText(try await reader.read(5)) }
            try await loop.rounds(2)
            reader.feedData(octets("abc"))
            return (outcome(of: first), try await second.value)
        }
        #expect(result == "cancelled")
        #expect(text == "abc")
    }

    @Test func nothingIsLostByCancellationsOverAConnection() async throws {
        let content = noise(200_000, seed: 5)
        let got = try await onLoop { loop in
            var random = SplitMix(seed: 6)
            let pair = try await StreamPair.connected(loop, farLimit: 3000)
            let sender = loop.createTask {
                for start in stride(from: 0, to: content.count, by: 777) {
                    pair.near.writer.write(content[start..<min(start + 777, content.count)])
                    try await pair.near.writer.drain()
                    if start % 3 == 0 { try await loop.rounds(1) }
                }
                pair.near.writer.writeEOF()
            }
            var got: [UInt8] = []
            while true {
                let count = Int.random(in: 1...2000, using: &random)
                let isExact = Bool.random(using: &random)
                let task = loop.createTask {
                    isExact ? try await pair.far.reader.readExactly(count) : try await pair.far.reader.read(count)
                }
                try await loop.rounds(Int.random(in: 0...2, using: &random))
                if Bool.random(using: &random) { task.cancel() }
                do {
                    let bytes = try await task.value
                    got += bytes
                    if bytes.isEmpty { break }
                } catch let error as IncompleteReadError {
                    got += error.partial
                    break
                } catch is CancellationError {}
            }
            try await sender.value
            await pair.close()
            return got
        }
        #expect(got == content)
    }

    // MARK: - More than the limit over a connection

    @Test func readExactlyOfMuchMoreThanTheLimitOverAConnection() async throws {
        let content = noise(1_000_000, seed: 7)
        let got = try await onLoop { loop in
            let pair = try await StreamPair.connected(loop, farLimit: 1000)
            let sender = loop.createTask {
                pair.near.writer.write(content)
                try await pair.near.writer.drain()
            }
            let got = try await pair.far.reader.readExactly(content.count)
            try await sender.value
            await pair.close()
            return got
        }
        #expect(got == content)
    }
}

extension StreamReader {
    /// One kind of read as good as another, as a text.
    fileprivate func take(_ kind: StreamReaderMoreTests.Kind) async throws -> String {
        switch kind {
        case .read: return asText(try await read(4))
        case .exactly: return asText(try await readExactly(4))
        case .line: return asText(try await readLine())
        case .until: return asText(try await readUntil([octets("c"), octets("def")]))
        case .chunk:
            var iterator = makeAsyncIterator()
            return asText(try await iterator.next() ?? [])
        case .into:
            var array = [UInt8](repeating: 0, count: 4)
            let count = try await read(into: &array)
            return asText(Array(array.prefix(count)))
        }
    }
}
