// Cancellation, the turn in the pool, and the end of the loop.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// One at a time: they keep threads of the pool, of which the process has four, and wait for others.
@Suite(.serialized) struct FileCancellationTests {
    @Test func cancelledReadLosesNothing() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            let bytes = noise(1_000_000)
            try await loop.files.writeFile(path, bytes)
            let file = try await loop.files.open(path)
            var result: [UInt8] = []
            for round in 0..<200 {
                let task = loop.createTask { try await file.read(1000) }
                try await loop.rounds(round % 4)
                task.cancel()
                if let piece = try? await task.value { result += piece }
            }
            result += try await file.read()
            #expect(result == bytes)
            try await file.close()
        }
    }

    @Test func cancelledReadOfPipeLosesNothing() async throws {
        try await inFolder { loop, folder in
            let pipe = NamedPipe(folder + "/p")
            let opening = loop.createTask { try await loop.files.open(pipe.path) }
            let writer = try await loop.files.open(pipe.path, .overwrite)
            let file = try await opening.value
            #expect(systemCode(await caught { try await file.seek(to: 0) }) == .invalidSeek)
            let reading = loop.createTask { try await file.read(100) }
            try await loop.rounds(3)
            reading.cancel()
            #expect(await caught { try await reading.value } is CancellationError)
            try await writer.write("abc\nde")
            #expect(try await file.readLine() == octets("abc\n"))
            try await writer.write("f\n")
            #expect(try await file.readLine() == octets("def\n"))
            try await writer.close()
            let isAtEnd = try await file.read().isEmpty
            #expect(isAtEnd)
            try await file.close()
        }
    }

    @Test func fileThatNobodyWantsAnyMoreIsClosed() async throws {
        try await inFolder { loop, folder in
            let pipe = NamedPipe(folder + "/p")
            let task = loop.createTask { try await loop.files.open(pipe.path) }
            try await loop.rounds(3)
            task.cancel()
            #expect(await caught { try await task.value } is CancellationError)
            try await loop.untilTrue {
                pipe.release()
                return loop.uv.requestCount == 0
            }
            try await loop.untilTrue { openPaths(under: folder).isEmpty }
        }
    }

    /// In a process of its own: in this one, tests that need two threads at once could wait for each other.
    @Test func oneThreadIsLeftForOthers() async {
        await #expect(processExitsWith: .success) {
            try await inFolder { loop, folder in
                let pipe = NamedPipe(folder + "/p")
                let tasks = pipe.occupy(20, on: loop)
                try await loop.rounds(3)
                #expect(loop.uv.requestCount == System.poolThreads - 1)
                let isUnknown = try await loop.getAddrInfo(host: "localhost", service: nil).isEmpty
                #expect(!isUnknown)
                #expect(try await loop.toThread { 1 } == 1)
                try await pipe.end(tasks, on: loop)
            }
        }
    }

    /// Three threads for each loop, and one more, are enough, whatever the files do.
    @Test func loopsLeaveAThreadForOthersTogether() async {
        await #expect(processExitsWith: .success) {
            try await inFolder(poolThreads: 4 * 3 + 1) { loop, folder in
                let (holding, found) = (SharedCounter(), SharedCounter())
                let group = try EventLoopGroup(count: 4)
                let holders = loop.createTask {
                    try await group.onEach { loop in
                        let pipe = NamedPipe("\(folder)/\(nameOfThisThread())")
                        let tasks = pipe.occupy(20, on: loop)
                        try await loop.rounds(3)
                        let count = loop.uv.requestCount
                        holding.increment()
                        try await loop.untilTrue { found.value > 0 }
                        try await pipe.end(tasks, on: loop)
                        return count
                    }
                }
                try await loop.untilTrue { holding.value == 4 }
                let isUnknown = try await loop.getAddrInfo(host: "localhost", service: nil).isEmpty
                #expect(!isUnknown)
                found.increment()
                #expect(try await holders.value == [3, 3, 3, 3])
                try await group.shutdown(deadline: nil)
            }
        }
    }

    /// A look is a call like others: on a file system that does not answer, polls keep no thread from the rest.
    @Test func pollsWaitForTheirTurn() async {
        await #expect(processExitsWith: .success) {
            try await inFolder { loop, folder in
                let pipe = NamedPipe(folder + "/p")
                let tasks = pipe.occupy(3, on: loop)
                try await loop.rounds(3)
                let looks = (0..<20).map { number in
                    loop.createTask {
                        var changes = loop.files.poll("\(folder)/\(number)", every: .milliseconds(1))
                            .makeAsyncIterator()
                        return try await changes.next()?.error?.code
                    }
                }
                try await loop.rounds(3)
                #expect(try await loop.toThread { 1 } == 1)
                try await loop.rounds(3)
                #expect(!looks.contains { $0.isDone })
                for task in tasks { task.cancel() }
                try await loop.untilTrue {
                    pipe.release()
                    return looks.allSatisfy { $0.isDone }
                }
                for look in looks { #expect(try await look.value == .noSuchFile) }
                try await pipe.end(tasks, on: loop)
            }
        }
    }

    @Test func closeWaitsForTheWriteThatRuns() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            let bytes = noise(4_000_000)
            for round in 0..<20 {
                let file = try await loop.files.open(path, .write)
                let task = loop.createTask { try await file.write(bytes) }
                try await loop.rounds(round)
                task.cancel()
                try await file.close()
                #expect(!isOpen(file.fileDescriptor) || openPaths(under: folder).isEmpty)
                _ = try? await task.value
                let written = try await loop.files.readFile(path)
                #expect(written.count == file.position)
                #expect(written == Array(bytes.prefix(written.count)))
            }
        }
    }

    @Test func closeIsNotBrokenOff() async throws {
        try await inFolder { loop, folder in
            let file = try await loop.files.open(folder + "/a", .write)
            let task = loop.createTask {
                try await file.close()
                #expect(openPaths(under: folder).isEmpty)
                try await loop.sleep(for: .zero)
            }
            try await loop.rounds(1)
            task.cancel()
            #expect(await caught { try await task.value } is CancellationError)
        }
    }

    @Test func loopThatClosesCleansUp() async throws {
        let folder = try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            let found = Variable<String>()
            _ = loop.createTask {
                try await loop.files.withTemporaryDirectory(prefix: "asyncio-files-") { folder in
                    try await loop.files.withFile(folder + "/a", .write) { file in
                        try await file.write("x")
                        found.value = folder
                        loop.stop()
                        try await loop.sleep(for: .seconds(1000))
                    }
                }
            }
            try loop.runForever()
            return found.value
        }
        let path = try #require(folder)
        #expect(openPaths(under: path).isEmpty)
        #expect(access(path, F_OK) == -1)
    }
}
