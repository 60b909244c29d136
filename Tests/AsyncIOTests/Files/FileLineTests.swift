// Lines and pieces of a file at their borders.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct FileLineTests {
    /// Lines of all lengths around the size of what is read ahead.
    @Test func linesCrossTheBordersOfChunks() async throws {
        try await inFolder { loop, folder in
            var lines: [[UInt8]] = []
            for length in [65534, 65535, 65536, 65537, 1, 0, 131072, 3, 196_607] {
                lines.append([UInt8](repeating: UInt8(ascii: "a") + UInt8(lines.count), count: length) + [10])
            }
            lines.append(octets("no end"))
            try await loop.files.writeFile(folder + "/a", lines.flatMap { $0 })
            let found = try await loop.files.withFile(folder + "/a") { try await collected($0.lines) }
            #expect(found == lines)
        }
    }

    @Test func onlyNewlinesEndLines() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "a\r\n\rb\0c\u{85}d\u{2028}e\u{c}\n\n\r\n")
            let lines = try await loop.files.withFile(path) { try await collected($0.lines) }
            #expect(lines == ["a\r\n", "\rb\0c\u{85}d\u{2028}e\u{c}\n", "\n", "\r\n"].map(octets))
            try await loop.files.writeFile(path, "")
            let none = try await loop.files.withFile(path) { try await collected($0.lines) }
            #expect(none.isEmpty)
            try await loop.files.writeFile(path, [0, 0, 0])
            let nuls = try await loop.files.withFile(path) { try await collected($0.lines) }
            #expect(nuls == [[0, 0, 0]])
        }
    }

    @Test func lineBeyondTheLimitIsStillThere() async throws {
        try await inFolder { loop, folder in
            let line = noise(10_000_000).map { $0 == 10 ? 11 : $0 } + [10]
            try await loop.files.writeFile(folder + "/a", octets("first\n") + line + octets("last\n"))
            try await loop.files.withFile(folder + "/a") { (file: AsyncFile) async throws in
                var lines = file.lines.makeAsyncIterator()
                #expect(try await lines.next() == octets("first\n"))
                for _ in 0..<2 {
                    #expect(await caught { try await lines.next() } is LimitOverrunError)
                    #expect(file.position == 6)
                }
                #expect(await caught { try await file.readLine(limit: line.count - 2) } is LimitOverrunError)
                #expect(try await file.readLine(limit: line.count - 1) == line)
                #expect(try await lines.next() == octets("last\n"))
                let end = try await lines.next()
                #expect(end == nil)
            }
        }
    }

    @Test func separatorsOfSeveralBytesCrossTheBorders() async throws {
        try await inFolder { loop, folder in
            let first = [UInt8](repeating: 0x2e, count: 65535) + octets("\r\n")
            try await loop.files.writeFile(folder + "/a", first + octets("x\r\n\r"))
            try await loop.files.withFile(folder + "/a") { (file: AsyncFile) async throws in
                #expect(try await file.readUntil(octets("\r\n")) == first)
                #expect(try await file.readUntil(octets("\r\n")) == octets("x\r\n"))
                let error = await caught { try await file.readUntil(octets("\r\n")) } as? IncompleteReadError
                #expect(error?.partial == octets("\r"))
                #expect(loopCode(await caught { try await file.readUntil([]) }) == .invalidArgument)
                #expect(loopCode(await caught { try await file.readUntil([1], limit: 0) }) == .invalidArgument)
                #expect(loopCode(await caught { try await collected(file.lines(limit: 0)) }) == .invalidArgument)
                for count in [0, -1, .min] {
                    #expect(loopCode(await caught { try await collected(file.chunks(of: count)) }) == .invalidArgument)
                }
            }
        }
    }

    /// Whoever reads slowly gets no more of the file into memory than a chunk.
    @Test func oneChunkAtMostIsReadAhead() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", String(repeating: "0123456789abcde\n", count: 100_000))
            try await loop.files.withFile(folder + "/a") { (file: AsyncFile) async throws in
                var count = 0
                for try await line in file.lines {
                    count += line.count
                    #expect(file.position == count)
                    #expect(Int(file.offset) - count <= 65536)
                    #expect(file.readAhead.count <= 65536)
                }
                #expect(count == 1_600_000)
            }
        }
    }

    /// Cancelled after any number of rounds, a reader of lines has lost nothing.
    @Test func cancelledReaderOfLinesLosesNothing() async throws {
        try await inFolder { loop, folder in
            let text = (0..<60_000).map { "line \($0)\n" }.joined()
            try await loop.files.writeFile(folder + "/a", text)
            let file = try await loop.files.open(folder + "/a")
            var found: [UInt8] = []
            let piece = Variable<[UInt8]>()
            for round in 0..<60 {
                piece.value = []
                let reader = loop.createTask {
                    for try await line in file.lines { piece.value? += line }
                }
                try await loop.rounds(round % 20)
                reader.cancel()
                _ = await caught { try await reader.value }
                found += piece.value ?? []
                #expect(file.position == found.count)
            }
            found += try await file.read()
            #expect(found == octets(text))
            try await file.close()
        }
    }

    @Test func cancelledReaderOfEverythingLosesNothing() async throws {
        try await inFolder { loop, folder in
            let bytes = noise(5_000_000)
            try await loop.files.writeFile(folder + "/a", bytes)
            for round in 0..<30 {
                try await loop.files.withFile(folder + "/a") { (file: AsyncFile) async throws in
                    let start = try await file.readExactly(round).count
                    let reader = loop.createTask {
                        round % 2 == 0 ? try await file.read() : try await file.readExactly(4_000_000)
                    }
                    try await loop.rounds(round)
                    reader.cancel()
                    let got = (try? await reader.value) ?? []
                    #expect(file.position == start + got.count)
                    let rest = try await file.read()
                    #expect(Array(bytes.prefix(start)) + got + rest == bytes)
                }
            }
        }
    }

    @Test func cancelledWriterHasWrittenUpToThePosition() async throws {
        try await inFolder { loop, folder in
            let bytes = noise(4_000_000)
            for round in 0..<30 {
                let file = try await loop.files.open(folder + "/a", [.read, .write])
                let writer = loop.createTask {
                    if round % 2 == 0 { try await file.write(bytes) } else { try await file.write([bytes]) }
                }
                try await loop.rounds(round)
                writer.cancel()
                let error = await caught { try await writer.value }
                // A piece that a thread is at ends first.
                try await file.write("|")
                let written = file.position
                try await file.seek(to: 0)
                let content = try await file.read()
                #expect(content.count == written)
                #expect(content == bytes.prefix(written - 1) + octets("|"))
                #expect(error != nil || written == bytes.count + 1)
                try await file.close()
            }
        }
    }
}
