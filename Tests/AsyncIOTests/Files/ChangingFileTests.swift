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
}
