// Files that somebody changes while they are read or copied.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct ChangingFileTests {
    /// Cut off, and longer again than it was before anybody looks at its size.
    @Test func fileThatIsRewrittenWhileItIsReadIsCutOff() async {
        await #expect(processExitsWith: .success) {
            try await inFolder(poolThreads: 1) { loop, folder in
                let path = folder + "/a"
                try await loop.files.writeFile(path, noise(300_000))
                let steps = try PoolSteps(loop)
                let reading = loop.createTask { try await loop.files.readFile(path) }
                // It is opened, looked at, and the first part is read.
                for _ in 0..<3 { try await steps.next() }
                truncate(path, 0)
                try await steps.next()
                try await steps.untilCalled()
                writeNow(path, noise(400_000, seed: 2))
                steps.end()
                let error = await systemError { try await reading.value }
                #expect(error?.code == .endOfFile)
                #expect(error?.subject == path)
            }
        }
    }

    @Test func fileThatIsRewrittenWhileItIsCopiedIsCutOff() async {
        await #expect(processExitsWith: .success) {
            try await inFolder(poolThreads: 1) { loop, folder in
                let (a, b) = (folder + "/a", folder + "/b")
                try await loop.files.writeFile(a, noise(6 << 20))
                let steps = try PoolSteps(loop)
                let copying = loop.createTask { try await loop.files.copy(a, to: b) }
                while (systemStatus(b)?.st_size ?? 0) == 0 { try await steps.next() }
                truncate(a, 0)
                try await steps.next()
                try await steps.untilCalled()
                writeNow(a, noise(8 << 20, seed: 2))
                steps.end()
                let error = await systemError { try await copying.value }
                #expect(error?.code == .endOfFile)
                #expect(error?.subject == "\(a) -> \(b)")
                let isThere = try await loop.files.exists(b)
                #expect(!isThere)
            }
        }
    }

    /// A log goes on being written.
    @Test func fileThatGrowsIsReadAndCopied() async {
        await #expect(processExitsWith: .success) {
            try await inFolder(poolThreads: 1) { loop, folder in
                let (a, b) = (folder + "/a", folder + "/b")
                let bytes = noise(5 << 20)
                try await loop.files.writeFile(a, bytes)
                let log = open(a, O_WRONLY | O_APPEND | O_CLOEXEC)
                defer { close(log) }
                let steps = try PoolSteps(loop)
                let copying = loop.createTask { try await loop.files.copy(a, to: b) }
                while (systemStatus(b)?.st_size ?? 0) == 0 { try await steps.next() }
                #expect(write(log, "more", 4) == 4)
                steps.end()
                try await copying.value
                #expect(try await loop.files.readFile(b) == bytes)
                let more = try PoolSteps(loop)
                let reading = loop.createTask { try await loop.files.readFile(a) }
                for _ in 0..<3 { try await more.next() }
                #expect(write(log, "and", 3) == 3)
                more.end()
                #expect(try await reading.value == bytes + octets("moreand"))
            }
        }
    }

    /// Its name is a link, which stays. A piece that a thread is at when the copy is cancelled writes on.
    @Test func cancelledCopyToALinkLeavesAnEmptyFile() async throws {
        try await inFolder { loop, folder in
            let (a, b, link) = (folder + "/a", folder + "/b", folder + "/link")
            try await loop.files.writeFile(a, "")
            try await loop.files.withFile(a, .update) { try await $0.truncate(to: 1 << 30) }
            try await loop.files.symlink("b", at: link)
            for _ in 0..<10 {
                try await loop.files.writeFile(b, "old")
                let copy = loop.createTask { try await loop.files.copy(a, to: link) }
                // In the middle of a piece.
                try await loop.untilTrue { (systemStatus(b)?.st_size ?? 0) % (4 << 20) > 3 }
                copy.cancel()
                #expect(await caught { try await copy.value } is CancellationError)
                #expect(systemStatus(b)?.st_size == 0)
                try await loop.untilTrue { openPaths(under: folder).isEmpty }
                #expect(systemStatus(b)?.st_size == 0)
            }
            let isLink = try await loop.files.lstat(link).isSymbolicLink
            #expect(isLink)
        }
    }

    @Test func loopThatClosesEmptiesTheDestinationBehindALink() async throws {
        let folder = ScratchFolder()
        let (a, b, link) = (folder.path + "/a", folder.path + "/b", folder.path + "/link")
        try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            writeNow(a, [])
            truncate(a, 1 << 30)
            writeNow(b, octets("old"))
            #expect(symlink("b", link) == 0)
            _ = loop.createTask { try await loop.files.copy(a, to: link) }
            _ = loop.createTask {
                try await loop.untilTrue { (systemStatus(b)?.st_size ?? 0) % (4 << 20) > 3 }
                loop.stop()
            }
            try loop.runForever()
        }
        #expect(systemStatus(b)?.st_size == 0)
        for path in [a, b, link] { unlink(path) }
    }

    /// The loop is free while the system copies and reads.
    @Test func loopGoesOnWhileAFileOfAQuarterOfAGigabyteIsCopied() async throws {
        try await inFolder { loop, folder in
            let (a, b) = (folder + "/a", folder + "/b")
            let block = noise(1 << 20)
            let written = try await loop.files.withFile(a, .write) { (file: AsyncFile) async throws -> UInt64 in
                var hash = WordHash()
                for number in 0..<256 {
                    let piece = [UInt8(number)] + block.dropFirst()
                    hash.add(piece)
                    try await file.write(piece)
                }
                return hash.value
            }
            var ticks = 0
            let ticking = loop.createTask {
                while true {
                    try await loop.sleep(for: .milliseconds(1))
                    ticks += 1
                }
            }
            try await loop.files.copy(a, to: b)
            let ticksOfCopy = ticks
            let found = try await loop.files.withFile(b) { (file: AsyncFile) async throws -> UInt64 in
                var hash = WordHash()
                while true {
                    let bytes = try await file.read(1 << 20)
                    if bytes.isEmpty { return hash.value }
                    hash.add(bytes)
                }
            }
            ticking.cancel()
            #expect(ticksOfCopy > 3)
            #expect(ticks > ticksOfCopy + 3)
            #expect(found == written)
            #expect(systemStatus(b)?.st_size == 256 << 20)
        }
    }
}

/// Mixes words of eight bytes: quick even in a debug build.
private struct WordHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    /// Adds bytes, whose count has to be a multiple of eight.
    mutating func add(_ bytes: [UInt8]) {
        var value = self.value
        bytes.withUnsafeBytes { bytes in
            let words = bytes.bindMemory(to: UInt64.self)
            var index = 0
            while index < words.count {
                value = (value ^ words[index]) &* 0x100_0000_01b3
                index += 1
            }
        }
        self.value = value
    }
}
