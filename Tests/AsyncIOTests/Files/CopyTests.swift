// Copying files.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct CopyTests {
    @Test func copyHasTheBytesAndThePermissions() async throws {
        try await inFolder { loop, folder in
            let (a, b) = (folder + "/a", folder + "/b")
            let bytes = noise(9_000_000)
            try await loop.files.writeFile(a, bytes, permissions: 0o600)
            try await loop.files.setPermissions(a, 0o741)
            try await loop.files.copy(a, to: b)
            #expect(try await loop.files.readFile(b) == bytes)
            #expect(try await loop.files.stat(b).permissions == 0o741)
            try await loop.files.writeFile(a, "short")
            try await loop.files.copy(a, to: b)
            #expect(try await loop.files.readText(b) == "short")
            try await loop.files.writeFile(a, "")
            try await loop.files.copy(a, to: b)
            #expect(try await loop.files.readText(b) == "")
        }
    }

    @Test func refusalsNameBothPaths() async throws {
        try await inFolder { loop, folder in
            let (a, b) = (folder + "/a", folder + "/b")
            try await loop.files.writeFile(a, "a")
            try await loop.files.writeFile(b, "b")
            let error = await systemError { try await loop.files.copy(a, to: b, options: .exclusive) }
            #expect(error?.code == .fileExists)
            #expect(error?.subject == "\(a) -> \(b)")
            #expect(try await loop.files.readText(b) == "b")
            #expect(await systemError { try await loop.files.copy(folder, to: b) }?.code == .isDirectory)
            #expect(await systemError { try await loop.files.copy(a, to: folder) }?.code == .isDirectory)
            #expect(await systemError { try await loop.files.copy(folder + "/n", to: b) }?.code == .noSuchFile)
            #expect(try await loop.files.readText(b) == "b")
        }
    }

    @Test func copyToItselfKeepsTheFile() async throws {
        try await inFolder { loop, folder in
            let (a, b) = (folder + "/a", folder + "/b")
            try await loop.files.writeFile(a, "a")
            try await loop.files.link(a, to: b)
            try await loop.files.copy(a, to: a)
            try await loop.files.copy(a, to: b)
            #expect(try await loop.files.readText(a) == "a")
        }
    }

    @Test func fullDiskIsAnErrorAndTheDeviceStays() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "a")
            let error = await systemError { try await loop.files.copy(folder + "/a", to: "/dev/full") }
            #expect(error?.code == .noSpace)
            #expect(try await loop.files.stat("/dev/full").type == .characterDevice)
        }
    }

    @Test func sourceWithoutASizeIsCopied() async throws {
        try await inFolder { loop, folder in
            try await loop.files.copy("/proc/version", to: folder + "/v")
            #expect(try await loop.files.readFile(folder + "/v") == loop.files.readFile("/proc/version"))
        }
    }

    @Test func sourceThatIsCutOffIsAnErrorAndLeavesNothing() async throws {
        try await inFolder { loop, folder in
            let (a, b) = (folder + "/a", folder + "/b")
            try await loop.files.writeFile(a, "")
            // Sparse, and larger than the copy gets ahead before the file is cut.
            try await loop.files.withFile(a, .update) { try await $0.truncate(to: 1 << 30) }
            let copy = loop.createTask { try await loop.files.copy(a, to: b) }
            while try await !loop.files.exists(b) {}
            truncate(a, 100)
            let error = await systemError { try await copy.value }
            #expect(error?.code == .endOfFile)
            #expect(error?.subject == "\(a) -> \(b)")
            let isThere = try await loop.files.exists(b)
            #expect(!isThere)
        }
    }

    @Test func cancelledCopyLeavesNothing() async throws {
        try await inFolder { loop, folder in
            let (a, b) = (folder + "/a", folder + "/b")
            try await loop.files.writeFile(a, "")
            try await loop.files.withFile(a, .update) { try await $0.truncate(to: 1 << 30) }
            let copy = loop.createTask { try await loop.files.copy(a, to: b) }
            while try await !loop.files.exists(b) {}
            copy.cancel()
            #expect(await caught { try await copy.value } is CancellationError)
            let isThere = try await loop.files.exists(b)
            #expect(!isThere)
        }
    }

    @Test func cloneFallsBackToCopying() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "a")
            try await loop.files.copy(folder + "/a", to: folder + "/b", options: .clone)
            #expect(try await loop.files.readText(folder + "/b") == "a")
        }
    }

    @Test func sendfileGoesToThePosition() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "0123456789")
            let source = try await loop.files.open(folder + "/a")
            let target = try await loop.files.open(folder + "/b", [.read, .write])
            try await target.write("ab")
            #expect(try await loop.files.sendfile(from: source, to: target, offset: 8, count: 100) == 2)
            try await target.write("c")
            #expect(source.position == 0)
            try await target.seek(to: 0)
            #expect(try await target.read() == octets("ab89c"))
            try await source.close()
            try await target.close()
        }
    }
}
