// Files that are no regular ones: pipes with names, devices, and what the system makes up.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

extension FileCancellationTests {
    @Test func readsThatNeverEndDoNotHoldUpTheClose() async throws {
        try await inFolder { loop, folder in
            #expect(mkfifo(folder + "/p", 0o600) == 0)
            // For reading and writing, so that it never ends by itself.
            let file = try await loop.files.open(folder + "/p", .update)
            let descriptor = file.fileDescriptor
            let reads = (0..<3).map { _ in loop.createTask { try await file.read(10) } }
            try await loop.rounds(3)
            try await file.close()
            try await file.close()
            #expect(file.isClosed)
            #expect(isOpen(descriptor))
            let keeper = open(folder + "/p", O_RDWR | O_CLOEXEC)
            #expect(write(keeper, "abc", 3) == 3)
            #expect(try await reads[0].value == octets("abc"))
            for read in reads[1...] { #expect(loopCode(await caught { try await read.value }) == .invalidState) }
            close(keeper)
            try await loop.untilTrue { openPaths(under: folder).isEmpty }
        }
    }

    @Test func writerOfAPipeThatNobodyReadsIsTold() async throws {
        try await inFolder { loop, folder in
            #expect(mkfifo(folder + "/p", 0o600) == 0)
            let reader = open(folder + "/p", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            let file = try await loop.files.open(folder + "/p", .overwrite)
            try await file.write("x")
            close(reader)
            let error = await systemError { try await file.write("y") }
            #expect(error?.code == .brokenPipe)
            #expect(error?.subject == folder + "/p")
            #expect(await systemError { try await file.pwrite([1], at: 3) }?.code == .invalidSeek)
            #expect(await systemError { try await file.seekToEnd() }?.code == .invalidSeek)
            try await file.close()
        }
    }

    @Test func cancelledLinesOfAPipeLoseNothing() async throws {
        try await inFolder { loop, folder in
            #expect(mkfifo(folder + "/p", 0o600) == 0)
            let file = try await loop.files.open(folder + "/p", .update)
            let writer = open(folder + "/p", O_WRONLY | O_CLOEXEC)
            var lines: [String] = []
            for round in 0..<40 {
                let reader = loop.createTask { try await file.readLine() }
                try await loop.rounds(round % 5)
                let text = round % 2 == 0 ? "half " : "whole\n"
                #expect(write(writer, text, text.utf8.count) == text.utf8.count)
                try await loop.rounds(round % 3)
                reader.cancel()
                if let line = try? await reader.value { lines.append(asText(line)) }
            }
            while lines.count < 20 { lines.append(asText(try await file.readLine())) }
            #expect(lines == [String](repeating: "half whole\n", count: 20))
            close(writer)
            try await file.close()
        }
    }
}

/// Swift's overlay of glibc lacks it.
private let signalThread = dlsym(nil, "tgkill").map {
    // SAFETY: the type is that of the function's declaration in C.
    unsafeBitCast($0, to: (@convention(c) (Int32, Int32, Int32) -> Int32).self)
}

@Suite struct SpecialFileTests {
    /// As everywhere in Python since PEP 475.
    @Test func signalsDoNotBreakReadsOff() async {
        await #expect(processExitsWith: .success) {
            // For the threads that are started from here on; whoever started this process may have blocked it.
            var none = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, nil)
            try await inFolder { loop, folder in
                let signalThread = try #require(signalThread)
                var action = sigaction()
                action.__sigaction_handler.sa_handler = { _ in }
                #expect(sigaction(SIGUSR1, &action, nil) == 0)
                #expect(mkfifo(folder + "/p", 0o600) == 0)
                let file = try await loop.files.open(folder + "/p", .update)
                let reading = loop.createTask { try await file.read(10) }
                for _ in 0..<200 {
                    try await loop.rounds(1)
                    for thread in try await loop.files.list("/proc/self/task") {
                        if let number = Int32(thread.name) { _ = signalThread(getpid(), number, SIGUSR1) }
                    }
                }
                let writer = open(folder + "/p", O_WRONLY | O_CLOEXEC)
                #expect(write(writer, "abc", 3) == 3)
                #expect(try await reading.value == octets("abc"))
                close(writer)
                try await file.close()
            }
        }
    }

    @Test func devicesWithoutAnEndGiveWhatIsAskedFor() async throws {
        try await inFolder { loop, folder in
            try await loop.files.withFile("/dev/zero") { (file: AsyncFile) async throws in
                #expect(try await file.readExactly(3_000_000) == [UInt8](repeating: 0, count: 3_000_000))
                #expect(try await file.read(.max).count == 1 << 20)
                #expect(await caught { try await file.readLine() } is LimitOverrunError)
                var count = 0
                for try await chunk in file {
                    count += chunk.count
                    if count > 1_000_000 { break }
                }
            }
            let random = try await loop.files.withFile("/dev/urandom") { try await $0.readExactly(100_000) }
            #expect(Set(random).count == 256)
            try await loop.files.withFile("/dev/null", .update) { (file: AsyncFile) async throws in
                try await file.write(noise(1_000_000))
                #expect(try await file.read() == [])
            }
            #expect(
                await systemError { try await loop.files.writeFile("/dev/full", "x", mode: .append) }?.code == .noSpace)
            try await loop.files.copy("/dev/null", to: folder + "/empty")
            #expect(try await loop.files.stat(folder + "/empty").size == 0)
            try await loop.files.writeFile(folder + "/a", "a")
            try await loop.files.copy(folder + "/a", to: "/dev/null")
            #expect(try await loop.files.stat("/dev/null").type == .characterDevice)
        }
    }

    @Test func whatTheSystemMakesUpIsReadInLines() async throws {
        try await inFolder { loop, folder in
            let lines = try await loop.files.withFile("/proc/self/status") { try await collected($0.lines) }
            #expect(lines.count > 10)
            #expect(lines.allSatisfy { $0.last == 10 })
            try await loop.files.copy("/proc/self/status", to: folder + "/status")
            #expect(try await loop.files.readText(folder + "/status").hasPrefix("Name:"))
            let error = await systemError { try await loop.files.writeFile("/proc/self/nothing", "x") }
            #expect(error != nil)
        }
    }

    @Test func endsOfPipesAreOpenedByTheirNumbers() async throws {
        try await inFolder { loop, _ in
            let pipe = try makePipe()
            let reader = try await loop.files.open("/dev/fd/\(pipe.reading)")
            close(pipe.reading)
            #expect(write(pipe.writing, "a\nb", 3) == 3)
            close(pipe.writing)
            #expect(reader.position == 0)
            #expect(try await collected(reader.lines).map(asText) == ["a\n", "b"])
            try await reader.close()
        }
    }

    @Test func pipeIsCopiedToItsEnd() async throws {
        try await inFolder { loop, folder in
            let pipe = try makePipe()
            let copy = loop.createTask { try await loop.files.copy("/dev/fd/\(pipe.reading)", to: folder + "/a") }
            #expect(write(pipe.writing, "some text", 9) == 9)
            // Without the pool: a thread that reads the pipe must not wait for others of the pool.
            try await loop.untilTrue { access(folder + "/a", F_OK) == 0 }
            close(pipe.writing)
            try await copy.value
            close(pipe.reading)
            #expect(try await loop.files.readText(folder + "/a") == "some text")
        }
    }
}
