// The position of an open file, and what is read ahead of it.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct FilePositionTests {
    @Test func readersOfOneFileGetDisjointPieces() async throws {
        try await inFolder { loop, folder in
            let lines = (0..<5000).map { "line \($0)\n" }
            try await loop.files.writeFile(folder + "/a", lines.joined())
            let file = try await loop.files.open(folder + "/a")
            let readers = (0..<5).map { _ in loop.createTask { try await collected(file.lines).map(asText) } }
            let found = try await loop.gather(readers)
            #expect(found.flatMap { $0 }.count == 5000)
            #expect(Set(found.flatMap { $0 }) == Set(lines))
            try await file.close()
        }
    }

    /// What was read ahead while somebody wrote is not given out when the writer is done.
    @Test func linesSeeWhatWasWrittenBefore() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            let size = 1 << 20
            for round in 0..<10 {
                try await loop.files.writeFile(path, String(repeating: "old\n", count: size / 4))
                try await loop.files.withFile(path, .update) { (file: AsyncFile) async throws in
                    try await file.seek(to: size - 60_000)
                    let writer = loop.createTask {
                        try await file.pwrite(octets(String(repeating: "new\n", count: size / 4)), at: 0)
                    }
                    try await loop.rounds(1 + round)
                    _ = try await file.readLine()
                    try await writer.value
                    #expect(try await file.readLine() == octets("new\n"))
                }
            }
        }
    }

    @Test func readsAfterLinesSeeWhatWasWritten() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "one\ntwo\nthree\n")
            try await loop.files.withFile(folder + "/a", .update) { (file: AsyncFile) async throws in
                #expect(try await file.readLine() == octets("one\n"))
                try await file.write("TWO")
                #expect(file.position == 7)
                #expect(try await file.readLine() == octets("\n"))
                try await file.pwrite(octets("THREE"), at: 8)
                #expect(try await file.readLine() == octets("THREE\n"))
                let end = try await file.readLine()
                #expect(end.isEmpty)
            }
        }
    }

    /// As Python's `a+`: what is written goes to the end, wherever the position is, and the position after it.
    @Test func appendedPiecesGoToTheEnd() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "0123456789")
            try await loop.files.writeFile(folder + "/b", "ab")
            try await loop.files.withFile(path, [.read, .append]) { (file: AsyncFile) async throws in
                try await file.seek(to: 0)
                #expect(try await file.read(3) == octets("012"))
                try await loop.files.writeFile(path, "XY", mode: .append)
                try await file.write("end")
                #expect(file.position == 15)
                try await file.seek(to: 2)
                try await loop.files.withFile(folder + "/b") { (source: AsyncFile) async throws in
                    #expect(try await loop.files.sendfile(from: source, to: file, offset: 0, count: 2) == 2)
                }
                #expect(file.position == 17)
                try await file.seek(to: 8)
                #expect(try await file.read() == octets("89XYendab"))
            }
        }
    }

    @Test func readsPastTheEndGiveNothing() async throws {
        try await inFolder { loop, folder in
            try await loop.files.withFile(folder + "/a", [.read, .write]) { (file: AsyncFile) async throws in
                try await file.write("abc")
                try await file.seek(to: 1000)
                for count in [-1, 0, 1, 5, .max] {
                    let isEmpty = try await file.read(count).isEmpty
                    #expect(isEmpty)
                }
                #expect(try await file.readLine() == [])
                #expect(try await file.readExactly(0) == [])
                #expect(file.position == 1000)
                try await file.write("x")
                #expect(try await file.stat().size == 1001)
                #expect(try await file.pread(5, at: 998) == [0, 0, 120])
                #expect(try await file.pread(.max, at: 0).count == 1001)
                #expect(try await file.seekToEnd() == 1001)
                #expect(loopCode(await caught { try await file.seekToEnd(before: 1002) }) == .invalidArgument)
                #expect(loopCode(await caught { try await file.seekToEnd(before: -1) }) == .invalidArgument)
                #expect(loopCode(await caught { try await file.seek(to: -1) }) == .invalidArgument)
                #expect(loopCode(await caught { try await file.truncate(to: -1) }) == .invalidArgument)
                #expect(loopCode(await caught { try await file.readExactly(-1) }) == .invalidArgument)
                #expect(loopCode(await caught { try await file.pread(-1, at: 0) }) == .invalidArgument)
                #expect(loopCode(await caught { try await file.pwrite([1], at: -1) }) == .invalidArgument)
            }
        }
    }

    /// No trap, whatever the numbers.
    @Test func placesBeyondEverythingAreRefused() async throws {
        try await inFolder { loop, folder in
            try await loop.files.withFile(folder + "/a", [.read, .write]) { (file: AsyncFile) async throws in
                #expect(await systemError { try await file.pread(.max, at: .max) } != nil)
                #expect(await systemError { try await file.pwrite(octets("abc"), at: .max) } != nil)
                #expect(await systemError { try await file.truncate(to: .max) } != nil)
                try await file.seek(to: .max)
                #expect(await systemError { try await file.write("abc") } != nil)
                #expect(await systemError { try await file.read(10) } != nil)
                #expect(await systemError { try await file.read() } != nil)
                for distance in [Int.min, .min + 1, -1, 1, .max] {
                    #expect(loopCode(await caught { try await file.seekToEnd(before: distance) }) == .invalidArgument)
                }
                #expect(file.position == .max)
                #expect(try await file.stat().size == 0)
            }
        }
    }

    /// Also if nobody waits for it any more.
    @Test func truncationComesBeforeWhatIsWrittenAfterIt() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            let file = try await loop.files.open(path, [.read, .write])
            for _ in 0..<5 {
                // So much that it takes a while to forget it.
                writeNow(path, [UInt8](repeating: 1, count: 64 << 20))
                let cutting = loop.createTask { try await file.truncate(to: 3) }
                try await loop.untilTrue { systemStatus(path)?.st_size == 3 }
                cutting.cancel()
                _ = await caught { try await cutting.value }
                try await file.seek(to: 1)
                let writing = loop.createTask { try await file.write("abc") }
                while !writing.isDone {
                    #expect(loop.uv.requestCount <= 1)
                    try await loop.rounds(1)
                }
                try await writing.value
                #expect(try await file.pread(10, at: 0) == octets("\u{1}abc"))
            }
            try await file.close()
        }
    }

    @Test func nothingIsWrittenByNothing() async throws {
        try await inFolder { loop, folder in
            try await loop.files.withFile(folder + "/a", .write) { (file: AsyncFile) async throws in
                try await file.write("")
                try await file.write([UInt8]())
                try await file.write([[UInt8]]())
                try await file.write([[], []])
                try await file.pwrite([], at: 10)
                try await file.write(octets("slice").dropFirst(2))
                #expect(file.position == 3)
            }
            #expect(try await loop.files.readText(folder + "/a") == "ice")
        }
    }

    @Test func wrongDirectionIsRefused() async throws {
        try await inFolder { loop, folder in
            try await loop.files.withFile(folder + "/a", .write) { (file: AsyncFile) async throws in
                #expect(await systemError { try await file.read() }?.code == .badDescriptor)
            }
            try await loop.files.withFile(folder + "/a", .read) { (file: AsyncFile) async throws in
                let error = await systemError { try await file.write("x") }
                #expect(error?.code == .badDescriptor)
                #expect(error?.operation == "write")
                #expect(await systemError { try await file.truncate(to: 1) }?.code == .invalidArgument)
            }
        }
    }

    @Test func fileThatGrowsAndShrinksIsReadAsItIs() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "one\n")
            try await loop.files.withFile(path) { (file: AsyncFile) async throws in
                #expect(try await file.readLine() == octets("one\n"))
                #expect(try await file.readLine() == [])
                try await loop.files.writeFile(path, "two\nthr", mode: .append)
                #expect(try await file.readLine() == octets("two\n"))
                #expect(try await file.readLine() == octets("thr"))
                try await loop.files.writeFile(path, "ee\n", mode: .append)
                #expect(try await file.readLine() == octets("ee\n"))
                truncate(path, 2)
                #expect(try await file.readLine() == [])
                #expect(file.position == 14)
            }
        }
    }

    @Test func bodyGetsTheErrorOfTheBodyAndTheFileIsClosed() async throws {
        try await inFolder { loop, folder in
            let escaped = Variable<AsyncFile>()
            let task = loop.createTask {
                try await loop.files.withFile(folder + "/a", .write) { (file: AsyncFile) async throws in
                    escaped.value = file
                    try await loop.untilCancelled()
                }
            }
            try await loop.untilTrue { escaped.value != nil }
            task.cancel()
            #expect(await caught { try await task.value } is CancellationError)
            #expect(openPaths(under: folder).isEmpty)
            let file = try #require(escaped.value)
            #expect(file.isClosed)
            for call: (AsyncFile) async throws -> Void in [
                { _ = try await $0.read(into: .init(start: nil, count: 0)) }, { try await $0.write([[1]]) },
                { _ = try await $0.pread(1, at: 0) }, { try await $0.pwrite([1], at: 0) }, { try await $0.sync() },
                { _ = try await $0.readLine() }, { try await $0.truncate(to: 0) }, { try await $0.seek(to: 0) },
                { try await $0.setPermissions(0o600) }, { _ = try await collected($0.lines) },
                { try await $0.setTimes(access: .zero, modification: .zero) }, { _ = try await collected($0) },
            ] { #expect(loopCode(await caught { try await call(file) }) == .invalidState) }
        }
    }
}
