// Copying what is in the way of copying: destinations that must not be harmed, and sources that are no plain files.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Swift's overlay of glibc lacks it.
private let nameSpaceFunction = dlsym(nil, "unshare").map {
    // SAFETY: the type is that of the function's declaration in C.
    unsafeBitCast($0, to: (@convention(c) (Int32) -> Int32).self)
}

@Suite struct CopyDestinationTests {
    /// Refused before anything is touched, by whatever name the destination is known.
    @Test(arguments: [CopyOptions(), .clone]) func refusedSourceLeavesTheDestination(options: CopyOptions) async throws
    {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.makeDirectory(folder + "/d")
            try await files.writeFile(folder + "/b", "b", permissions: 0o600)
            let before = try await files.stat(folder + "/b")
            for source in ["/d", "/none"] {
                let error = await systemError {
                    try await files.copy(folder + source, to: folder + "/b", options: options)
                }
                #expect(error?.code == (source == "/d" ? .isDirectory : .noSuchFile))
                #expect(error?.subject == "\(folder)\(source) -> \(folder)/b")
            }
            let error = await systemError { try await files.copy(folder + "/d", to: folder + "/new", options: options) }
            #expect(error?.code == .isDirectory)
            #expect(try await files.stat(folder + "/b") == before)
            #expect(try await files.list(folder).map(\.name) == ["b", "d"])
        }
    }

    /// A destination keeps its identity: other names of it see the new bytes too.
    @Test(arguments: [CopyOptions(), .clone]) func otherNamesOfTheDestinationSeeTheCopy(options: CopyOptions)
        async throws
    {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.writeFile(folder + "/a", "new")
            try await files.writeFile(folder + "/b", "a longer old text")
            try await files.link(folder + "/b", to: folder + "/hard")
            try await files.symlink("b", at: folder + "/soft")
            try await files.copy(folder + "/a", to: folder + "/soft", options: options)
            let isLink = try await files.lstat(folder + "/soft").isSymbolicLink
            #expect(isLink)
            #expect(try await files.readText(folder + "/b") == "new")
            #expect(try await files.readText(folder + "/hard") == "new")
        }
    }

    @Test(arguments: [CopyOptions(), .clone]) func copyToItselfByALinkKeepsTheFile(options: CopyOptions) async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.writeFile(folder + "/a", "a")
            try await files.symlink("a", at: folder + "/soft")
            try await files.link(folder + "/a", to: folder + "/hard")
            for (from, to) in [("a", "soft"), ("soft", "a"), ("hard", "a"), ("a", "a"), ("a", "./a")] {
                try await files.copy("\(folder)/\(from)", to: "\(folder)/\(to)", options: options)
                #expect(try await files.readText(folder + "/a") == "a")
            }
            #expect(try await files.list(folder).count == 3)
        }
    }

    /// A device with the name that a test may lose.
    @Test(.enabled(if: geteuid() == 0, "only root makes devices"), arguments: [CopyOptions(), .clone])
    func deviceStaysWhenTheCopyFails(options: CopyOptions) async throws {
        try await inFolder { loop, folder in
            let full = folder + "/full"
            #expect(mknod(full, S_IFCHR | 0o666, 1 << 8 | 7) == 0)
            try await loop.files.writeFile(folder + "/a", "a", permissions: 0o640)
            let error = await systemError { try await loop.files.copy(folder + "/a", to: full, options: options) }
            #expect(error?.code == .noSpace)
            let info = try await loop.files.lstat(full)
            #expect(info.type == .characterDevice)
        }
    }

    /// Somebody else's file, which this user may write, but not change the permissions of, be it at the end.
    @Test(.enabled(if: geteuid() == 0, "only root becomes somebody else"), arguments: [0o644, 0o444, 0o466, 0o4666])
    func fileOfSomebodyElseIsNotLost(permissions: UInt32) async {
        await #expect(processExitsWith: .success) { [permissions] in
            try await inFolder { loop, folder in
                let files = loop.files
                try await files.setPermissions(folder, 0o777)
                try await files.writeFile(folder + "/a", "new")
                try await files.writeFile(folder + "/b", "theirs")
                try await files.setPermissions(folder + "/b", 0o666)
                try await files.setPermissions(folder + "/a", FilePermissions(rawValue: permissions))
                #expect(seteuid(65534) == 0)
                let error = await systemError { try await files.copy(folder + "/a", to: folder + "/b") }
                #expect(seteuid(0) == 0)
                #expect(error?.code == .notPermitted)
                #expect(try await files.readText(folder + "/b") == "theirs")
            }
        }
    }

    @Test func emptyNamesAreNoFiles() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "a")
            #expect(await systemError { try await loop.files.copy(folder + "/a", to: "") }?.code == .noSuchFile)
            #expect(await systemError { try await loop.files.copy("", to: folder + "/b") }?.code == .noSuchFile)
            #expect(
                await systemError { try await loop.files.copy(folder + "/a", to: folder + "/n/b") }?.code == .noSuchFile
            )
            #expect(
                await systemError { try await loop.files.copy(folder + "/a", to: folder + "/a/b") }?.code
                    == .notDirectory)
            #expect(try await loop.files.list(folder).count == 1)
        }
    }

    @Test func copyThroughALinkThatLeadsNowhereMakesItsTarget() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "a")
            try await loop.files.symlink("target", at: folder + "/soft")
            try await loop.files.copy(folder + "/a", to: folder + "/soft")
            #expect(try await loop.files.readText(folder + "/target") == "a")
        }
    }

    @Test(.enabled(if: access("/sys/kernel/mm", F_OK) == 0, "needs sysfs"))
    func fileThatClaimsToBeLongerIsCopied() async throws {
        try await inFolder { loop, folder in
            // A page, says the system of what has a few bytes.
            let source = "/sys/kernel/mm/transparent_hugepage/enabled"
            guard try await loop.files.exists(source) else { return }
            try await loop.files.copy(source, to: folder + "/b")
            #expect(try await loop.files.readFile(folder + "/b") == loop.files.readFile(source))
        }
    }

    @Test func largeSparseFileIsCopied() async throws {
        try await inFolder { loop, folder in
            let (a, b) = (folder + "/a", folder + "/b")
            try await loop.files.withFile(a, .write) { file in
                try await file.truncate(to: 200 << 20)
                try await file.pwrite(octets("end"), at: 200 << 20)
                try await file.pwrite(octets("middle"), at: 100 << 20)
            }
            try await loop.files.copy(a, to: b)
            try await loop.files.withFile(b) { (file: AsyncFile) async throws in
                #expect(try await file.stat().size == (200 << 20) + 3)
                #expect(try await file.pread(6, at: 100 << 20) == octets("middle"))
                #expect(try await file.pread(10, at: 200 << 20) == octets("end"))
            }
        }
    }

    /// However far it has come when it is cancelled: no destination of ours, no descriptor.
    @Test func copyMayBeCancelledAtAnyMoment() async throws {
        try await inFolder { loop, folder in
            let (a, b) = (folder + "/a", folder + "/b")
            try await loop.files.writeFile(a, noise(20_000_000))
            for round in 0..<40 {
                let copy = loop.createTask { try await loop.files.copy(a, to: b) }
                try await loop.rounds(round)
                copy.cancel()
                let error = await caught { try await copy.value }
                let isThere = try await loop.files.exists(b)
                #expect(isThere == (error == nil))
                try await loop.untilTrue { openPaths(under: folder).isEmpty }
                if isThere { try await loop.files.remove(b) }
            }
        }
    }

    @Test(.enabled("only who may mounts") { await canMount() })
    func fullDiskLeavesNoDestination() async {
        await #expect(processExitsWith: .success) {
            // In a name space of its own: the mount goes with the process. Only this thread is in it, and those that
            // it starts: libuv's pool must not be there yet.
            try await onFullDisk { loop, folder, disk in
                try await loop.files.writeFile(folder + "/a", noise(1_000_000))
                let error = await systemError { try await loop.files.copy(folder + "/a", to: disk + "/b") }
                #expect(error?.code == .noSpace)
                #expect(try await loop.files.list(disk).isEmpty)
                try await loop.files.writeFile(disk + "/b", "old")
                let second = await systemError { try await loop.files.copy(folder + "/a", to: disk + "/b") }
                #expect(second?.code == .noSpace)
                #expect(try await loop.files.list(disk).isEmpty)
                let third = await systemError { try await loop.files.writeFile(disk + "/c", noise(1_000_000)) }
                #expect(third?.code == .noSpace)
                #expect(third?.subject == disk + "/c")
                try await loop.files.remove(disk + "/c")
                // Across file systems.
                let moved = await systemError { try await loop.files.rename(folder + "/a", to: disk + "/a") }
                #expect(moved?.code == .crossDevice)
                let linked = await systemError { try await loop.files.link(folder + "/a", to: disk + "/a") }
                #expect(linked?.code == .crossDevice)
                try await loop.files.writeFile(folder + "/small", "small")
                try await loop.files.copy(folder + "/small", to: disk + "/small", options: .clone)
                #expect(try await loop.files.readText(disk + "/small") == "small")
            }
        }
    }
}

/// Runs `body` with a folder, and one in it that is a file system with room for 64 KiB.
private func onFullDisk(
    _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, String, String) async throws -> Void
) async throws {
    try await onLoop { loop in
        try #require(enterOwnNameSpace())
        try await loop.files.withTemporaryDirectory(prefix: "asyncio-files-") { folder in
            let disk = folder + "/disk"
            try await loop.files.makeDirectory(disk)
            try #require(mount("tmpfs", disk, "tmpfs", 0, "size=64k") == 0)
            defer { umount2(disk, 2) }
            try await body(loop, folder, disk)
            #expect(openPaths(under: folder).isEmpty)
        }
    }
}

/// Gives this thread mounts of its own, which are not seen outside.
private func enterOwnNameSpace() -> Bool {
    guard let unshare = nameSpaceFunction, unshare(0x20000) == 0 else { return false }
    return mount("none", "/", nil, 0x44000, nil) == 0
}

/// Whether file systems can be mounted: tried on a thread whose mounts go with it.
private func canMount() async -> Bool {
    let canMount = try? await onThread {
        let folder = ScratchFolder()
        guard enterOwnNameSpace(), mount("tmpfs", folder.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        return umount2(folder.path, 2) == 0
    }
    return canMount ?? false
}
