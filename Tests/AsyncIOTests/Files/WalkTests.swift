// Large, deep and vanishing folders.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct WalkTests {
    @Test func thousandsOfEntriesAreListed() async throws {
        try await inFolder { loop, folder in
            #expect(try await loop.files.list(folder).isEmpty)
            for number in 0..<4000 { close(open("\(folder)/\(number)", O_CREAT | O_WRONLY, 0o600)) }
            let entries = try await loop.files.list(folder)
            let expected = (0..<4000).map(String.init).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(entries.map(\.name) == expected)
            #expect(entries.allSatisfy { $0.type == .regular })
        }
    }

    @Test func everyKindIsTold() async throws {
        try await inFolder { loop, folder in
            #expect(mkfifo(folder + "/fifo", 0o600) == 0)
            let server = try await loop.startUnixServer(path: folder + "/socket") { _, _ in }
            try await loop.files.symlink("none", at: folder + "/link")
            #expect(
                try await loop.files.list(folder).map { "\($0.name): \($0.type)" }
                    == ["fifo: fifo", "link: symbolic link", "socket: socket"])
            server.close()
            try await server.waitClosed()
        }
    }

    @Test func namesThatAreNotTextAreRepaired() async throws {
        try await inFolder { loop, folder in
            let path = octets(folder) + [0x2f, 0xff, 0x61, 0]
            path.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                close(open(base.assumingMemoryBound(to: CChar.self), O_CREAT | O_WRONLY, 0o600))
            }
            let names = try await loop.files.list(folder).map(\.name)
            #expect(names == ["\u{FFFD}a"])
            path.withUnsafeBytes { bytes in
                if let base = bytes.baseAddress { unlink(base.assumingMemoryBound(to: CChar.self)) }
            }
        }
    }

    @Test func deepTreeIsWalkedAndRemoved() async throws {
        try await inFolder { loop, folder in
            let depth = 1000
            try await loop.files.makeDirectory(
                folder + String(repeating: "/d", count: depth), withIntermediates: true)
            var expected = 0
            for try await entry in loop.files.walk(folder) {
                #expect(entry.depth == expected)
                expected += 1
            }
            #expect(expected == depth)
            try await loop.files.removeTree(folder + "/d")
            #expect(try await loop.files.list(folder).isEmpty)
        }
    }

    @Test func walkCanLeaveOutFolders() async throws {
        try await inFolder { loop, folder in
            for name in ["a", "b", "c"] {
                try await loop.files.makeDirectory(folder + "/\(name)/in", withIntermediates: true)
            }
            var walk = loop.files.walk(folder + "/").makeAsyncIterator()
            walk.skipDescendants()
            var seen: [String] = []
            while let entry = try await walk.next() {
                seen.append(String(entry.path.dropFirst(folder.count)))
                if entry.name == "b" { walk.skipDescendants() }
            }
            #expect(seen == ["/a", "/a/in", "/b", "/c", "/c/in"])
        }
    }

    @Test func walkSeesFoldersThatBecameFiles() async throws {
        try await inFolder { loop, folder in
            try await loop.files.makeDirectory(folder + "/a")
            var walk = loop.files.walk(folder).makeAsyncIterator()
            #expect(try await walk.next()?.name == "a")
            try await loop.files.removeDirectory(folder + "/a")
            try await loop.files.writeFile(folder + "/a", "")
            let error = await systemError { try await walk.next() }
            #expect(error?.code == .notDirectory)
            #expect(error?.subject == folder + "/a")
            let end = try await walk.next()
            #expect(end == nil)
        }
    }

    @Test func cancelledWalkGoesOn() async throws {
        try await inFolder { loop, folder in
            for number in 0..<30 {
                try await loop.files.makeDirectory(folder + "/\(number)/in", withIntermediates: true)
            }
            let walk = Variable(loop.files.walk(folder).makeAsyncIterator())
            var names = 0
            for round in 0..<1000 {
                let task = loop.createTask { try await walk.value?.next() != nil }
                try await loop.rounds(round % 6)
                task.cancel()
                guard let isMore = try? await task.value else { continue }
                if !isMore { break }
                names += 1
            }
            while try await walk.value?.next() != nil { names += 1 }
            #expect(names == 60)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root becomes somebody else"))
    func foldersThatMayNotBeReadAreToldOf() async {
        await #expect(processExitsWith: .success) {
            try await inFolder { loop, folder in
                let files = loop.files
                for name in ["a", "b", "c"] {
                    try await files.makeDirectory(folder + "/\(name)/in", withIntermediates: true)
                }
                try await files.setPermissions(folder, 0o755)
                try await files.setPermissions(folder + "/b", 0)
                #expect(seteuid(65534) == 0)
                let refused = Trace()
                let names = try await collected(files.walk(folder) { refused("\($0.code) \($0.subject ?? "")") })
                    .map(\.name)
                let error = await systemError { try await collected(files.walk(folder)) }
                let top = await systemError { try await collected(files.walk(folder + "/b") { _ in }) }
                let access = await systemError { try await files.access(folder + "/b", .read) }
                let removal = await systemError { try await files.removeTree(folder + "/a") }
                #expect(seteuid(0) == 0)
                #expect(names == ["a", "in", "b", "c", "in"])
                #expect(refused.entries.count == 1)
                #expect(error?.code == .permissionDenied)
                #expect(error?.subject == folder + "/b")
                #expect(top?.code == .permissionDenied)
                #expect(removal?.code == .permissionDenied)
                // It asks for the real user, as the system's call does.
                #expect(access == nil)
            }
        }
    }
}
