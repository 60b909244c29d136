// Opening, reading, writing and closing a file.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct OpenFileTests {
    @Test func whatIsWrittenIsRead() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            let bytes = noise(300_000)
            try await loop.files.writeFile(path, bytes)
            #expect(try await loop.files.readFile(path) == bytes)
            try await loop.files.writeFile(path, "tail", mode: .append)
            #expect(try await loop.files.readFile(path) == bytes + octets("tail"))
            #expect(try await loop.files.stat(path).size == 300_004)
        }
    }

    @Test func missingFileIsNamedInTheError() async throws {
        try await inFolder { loop, folder in
            let error = await systemError { try await loop.files.open(folder + "/none") }
            #expect(error?.code == .noSuchFile)
            #expect(error?.operation == "open")
            #expect(error?.subject == folder + "/none")
            let isThere = try await loop.files.exists(folder + "/none")
            #expect(!isThere)
            let isFolderThere = try await loop.files.exists(folder)
            #expect(isFolderThere)
            #expect(await systemError { try await loop.files.readFile("") }?.code == .noSuchFile)
        }
    }

    @Test func nulInPathIsRefused() async throws {
        try await inFolder { loop, _ in
            #expect(loopCode(await caught { try await loop.files.open("a\0b") }) == .invalidArgument)
            #expect(loopCode(await caught { try await loop.files.rename("a", to: "\0") }) == .invalidArgument)
        }
    }

    @Test func modesAreThoseOfPython() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            #expect(loopCode(await caught { try await loop.files.open(path, .create) }) == .invalidArgument)
            #expect(systemCode(await caught { try await loop.files.open(path, .update) }) == .noSuchFile)
            try await loop.files.writeFile(path, "hello", mode: .exclusive)
            #expect(systemCode(await caught { try await loop.files.open(path, .exclusive) }) == .fileExists)
            try await loop.files.withFile(path, .update) { file in
                try await file.write("J")
                #expect(try await file.read() == octets("ello"))
            }
            #expect(try await loop.files.readText(path) == "Jello")
            try await loop.files.withFile(path, [.read, .append]) { file in
                #expect(file.position == 5)
                try await file.seek(to: 1)
                try await file.write("!")
                #expect(file.position == 6)
                try await file.seek(to: 0)
                #expect(try await file.read() == octets("Jello!"))
            }
            try await loop.files.withFile(path, [.read, .write]) { file in
                let isEmpty = try await file.read().isEmpty
                #expect(isEmpty)
                try await file.write("new")
                try await file.seek(to: 1)
                #expect(try await file.read(9) == octets("ew"))
            }
        }
    }

    @Test func closedFileIsNotUsed() async throws {
        try await inFolder { loop, folder in
            let file = try await loop.files.open(folder + "/a", .write)
            try await file.close()
            try await file.close()
            #expect(file.isClosed)
            #expect(loopCode(await caught { try await file.write("x") }) == .invalidState)
            #expect(loopCode(await caught { try await file.read() }) == .invalidState)
            #expect(loopCode(await caught { try await file.stat() }) == .invalidState)
        }
    }

    @Test func droppedFileIsClosedAndReportedInDebugMode() async throws {
        try await inFolder(debug: true) { loop, folder in
            let reports = Reports(of: loop)
            _ = try await loop.files.open(folder + "/a", .write)
            try await loop.untilTrue { openPaths(under: folder).isEmpty }
            #expect(reports.messages == ["unclosed file \(folder)/a"])
        }
    }

    @Test func positionsAndSizes() async throws {
        try await inFolder { loop, folder in
            try await loop.files.withFile(folder + "/a", [.read, .write]) { file in
                try await file.write([octets("one"), [], octets("two")])
                #expect(file.position == 6)
                try await file.pwrite(octets("XX"), at: 1)
                #expect(try await file.pread(3, at: 1) == octets("XXt"))
                let isPastEnd = try await file.pread(3, at: 100).isEmpty
                #expect(isPastEnd)
                #expect(try await file.seekToEnd(before: 2) == 4)
                #expect(try await file.read() == octets("wo"))
                try await file.truncate(to: 2)
                #expect(try await file.stat().size == 2)
                try await file.sync()
                try await file.sync(dataOnly: true)
                try await file.seek(to: 0)
                let error = await caught { try await file.readExactly(3) } as? IncompleteReadError
                #expect(error == IncompleteReadError(partial: octets("oX"), expected: 3))
            }
        }
    }

    @Test func linesAndChunks() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "one\n\nthree")
            try await loop.files.withFile(path) { file in
                #expect(try await collected(file.lines).map(asText) == ["one\n", "\n", "three"])
                try await file.seek(to: 0)
                #expect(try await collected(file.chunks(of: 4)).map(asText) == ["one\n", "\nthr", "ee"])
                try await file.seek(to: 0)
                #expect(try await file.readLine() == octets("one\n"))
                #expect(file.position == 4)
                #expect(try await file.read() == octets("\nthree"))
                try await file.seek(to: 5)
                #expect(await caught { try await collected(file.lines(limit: 3)) } is LimitOverrunError)
                #expect(try await file.readLine() == octets("three"))
            }
            let large = noise(200_000)
            try await loop.files.writeFile(path, large)
            try await loop.files.withFile(path) { file in
                let counts = try await collected(file).map(\.count)
                #expect(counts == [65536, 65536, 65536, 3392])
            }
            let lines = try await loop.files.withFile(path) { try await collected($0.lines) }
            #expect(lines.flatMap { $0 } == large)
        }
    }

    @Test func fullDiskIsAnError() async throws {
        try await inFolder { loop, _ in
            let error = await systemError { try await loop.files.writeFile("/dev/full", "x", mode: .update) }
            #expect(error?.code == .noSpace)
            #expect(error?.operation == "write")
            #expect(error?.subject == "/dev/full")
        }
    }

    @Test func filesWithoutASizeAreRead() async throws {
        try await inFolder { loop, _ in
            let status = try await loop.files.readText("/proc/self/status")
            #expect(status.hasPrefix("Name:"))
            let isEmpty = try await loop.files.readFile("/dev/null").isEmpty
            #expect(isEmpty)
        }
    }

    @Test func concurrentWritesAreInOrder() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            let file = try await loop.files.open(path, .write)
            let writers = (0..<20).map { number in
                loop.createTask { try await file.write(String(repeating: "\(number),", count: 1000)) }
            }
            _ = try await loop.gather(writers)
            try await file.close()
            let expected = (0..<20).map { String(repeating: "\($0),", count: 1000) }.joined()
            #expect(try await loop.files.readText(path) == expected)
        }
    }

    @Test func childrenDoNotInheritFiles() async throws {
        try await inFolder { loop, folder in
            let file = try await loop.files.open(folder + "/a", .write)
            let (temporary, _) = try await loop.files.makeTemporaryFile(in: folder)
            #expect(fcntl(file.fileDescriptor, F_GETFD) & FD_CLOEXEC != 0)
            #expect(fcntl(temporary.fileDescriptor, F_GETFD) & FD_CLOEXEC != 0)
            try await file.close()
            try await temporary.close()
        }
    }

    @Test func moreBuffersThanTheSystemTakesAreWritten() async throws {
        try await inFolder { loop, folder in
            let pieces = (0..<5000).map { octets("\($0) ") } + [noise(1_000_000)]
            try await loop.files.withFile(folder + "/a", .write) { try await $0.write(pieces) }
            #expect(try await loop.files.readFile(folder + "/a") == pieces.flatMap { $0 })
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may do everything"))
    func refusedPermissionIsNamed() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "a", permissions: 0)
            let error = await systemError { try await loop.files.readFile(folder + "/a") }
            #expect(error?.code == .permissionDenied)
            #expect(error?.subject == folder + "/a")
        }
    }

    @Test func bodyOfOpenFileFailsAndTheFileIsClosed() async throws {
        try await inFolder { loop, folder in
            await #expect(throws: TestError()) {
                try await loop.files.withFile(folder + "/a", .write) { _ in throw TestError() }
            }
            #expect(openPaths(under: folder).isEmpty)
        }
    }

    @Test func fileThatIsCutOffWhileItIsReadIsAnError() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "")
            // However far the reading has come when the file is cut: all of it, the rest of it, or an error.
            var error: IOError?
            var patience = 0
            while error == nil {
                try await loop.files.withFile(path, .update) { try await $0.truncate(to: 1 << 24) }
                let reading = loop.createTask { try await loop.files.readFile(path) }
                try await loop.untilTrue { !openPaths(under: folder).isEmpty || reading.isDone }
                try await loop.rounds(patience % 100)
                patience += 1
                truncate(path, 1)
                error = await systemError {
                    let count = try await reading.value.count
                    #expect(count == 1 || count == 1 << 24)
                }
            }
            #expect(error?.code == .endOfFile)
            #expect(error?.subject == path)
        }
    }
}
