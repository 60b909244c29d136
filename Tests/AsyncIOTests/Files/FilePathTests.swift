// What paths are refused for, and what the system says about files, compared with the C library.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct FilePathTests {
    @Test func everyFieldIsThatOfTheSystem() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", noise(12_345), permissions: 0o604)
            try await loop.files.link(folder + "/a", to: folder + "/b")
            try await loop.files.symlink("a", at: folder + "/s")
            try await loop.files.makeDirectory(folder + "/d", permissions: 0o710)
            #expect(chmod(folder + "/d", 0o3751) == 0)
            // Before 1970, and to the nanosecond.
            var times = [
                timespec(tv_sec: -14_182_940, tv_nsec: 123_456_789), timespec(tv_sec: 1, tv_nsec: 999_999_999),
            ]
            #expect(utimensat(AT_FDCWD, folder + "/a", &times, 0) == 0)
            for path in ["/a", "/b", "/s", "/d", "", "/../../dev/null", "/../../proc/self/status"] {
                for followsLinks in [true, false] {
                    var expected = stat()
                    let status = followsLinks ? stat(folder + path, &expected) : lstat(folder + path, &expected)
                    guard status == 0 else { continue }
                    let info = try await followsLinks ? loop.files.stat(folder + path) : loop.files.lstat(folder + path)
                    #expect(info.size == Int(expected.st_size))
                    #expect(info.permissions.rawValue == UInt32(expected.st_mode) & 0o7777)
                    #expect(info.userID == expected.st_uid && info.groupID == expected.st_gid)
                    #expect(info.inode == UInt64(expected.st_ino) && info.device == UInt64(expected.st_dev))
                    #expect(info.linkCount == Int(expected.st_nlink))
                    #expect(info.blockSize == Int(expected.st_blksize) && info.blocks == Int(expected.st_blocks))
                    guard path != "/../../proc/self/status" else { continue }
                    #expect(info.accessTime == duration(expected.st_atim))
                    #expect(info.modificationTime == duration(expected.st_mtim))
                    #expect(info.statusChangeTime == duration(expected.st_ctim))
                }
            }
            let info = try await loop.files.stat(folder + "/a")
            #expect(info.accessTime == .seconds(-14_182_940) + .nanoseconds(123_456_789))
            #expect(info.creationTime >= .zero)
            #expect(try await loop.files.withFile(folder + "/a") { try await $0.stat() } == info)
            #expect(try await loop.files.stat("/dev/null").type == .characterDevice)
        }
    }

    private func duration(_ time: timespec) -> Duration { .seconds(Int(time.tv_sec)) + .nanoseconds(Int(time.tv_nsec)) }

    @Test func fileSystemIsThatOfTheSystem() async throws {
        try await inFolder { loop, folder in
            var expected = statvfs()
            #expect(statvfs(folder, &expected) == 0)
            let info = try await loop.files.statFileSystem(folder)
            #expect(info.blockSize == Int(expected.f_bsize))
            #expect(info.blocks == Int(expected.f_blocks))
            #expect(info.files == Int(expected.f_files))
            #expect(await systemError { try await loop.files.statFileSystem(folder + "/n") }?.operation == "statfs")
        }
    }

    @Test(arguments: [
        0.0, 0.25, -0.5, -1.000001, -14_182_940, -14_182_940.25, 400_497_753.25, 1.999999, 4_294_967_296.5,
    ])
    func timesAreSetToTheMicrosecond(seconds: Double) async throws {
        try await inFolder { loop, folder in
            let time = Duration.microseconds(Int(seconds * 1_000_000))
            try await loop.files.withFile(folder + "/a", .write) { (file: AsyncFile) async throws in
                try await file.setTimes(access: time, modification: time + .microseconds(1))
                let info = try await file.stat()
                #expect(info.accessTime == time)
                #expect(info.modificationTime == time + .microseconds(1))
            }
            try await loop.files.setTimes(
                folder + "/a", access: time + .nanoseconds(seconds < 0 ? 1000 : 1999), modification: time)
            let info = try await loop.files.stat(folder + "/a")
            #expect(info.accessTime == time + .microseconds(1))
            #expect(info.modificationTime == time)
            #expect(
                await systemError {
                    try await loop.files.setTimes(folder + "/n", access: time, modification: time)
                }?.code == .noSuchFile)
        }
    }

    @Test func loopsOfLinksAreRefused() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            let (a, b) = (folder + "/a", folder + "/b")
            try await files.symlink("b", at: a)
            try await files.symlink("a", at: b)
            for error in [
                await systemError { try await files.open(a) }, await systemError { try await files.stat(a) },
                await systemError { try await files.realPath(a) }, await systemError { try await files.list(a) },
                await systemError { try await files.copy(a, to: folder + "/c") },
                await systemError { try await files.setPermissions(a, 0o600) },
                await systemError { try await files.access(a, .read) },
            ] { #expect(error?.code == .tooManySymbolicLinks) }
            #expect(try await files.readLink(a) == "b")
            let isLink = try await files.lstat(a).isSymbolicLink
            #expect(isLink)
            try await files.removeTree(a)
            #expect(try await files.list(folder).map(\.name) == ["b"])
        }
    }

    @Test func flagsOfOpenAreHeeded() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.writeFile(folder + "/a", "a")
            try await files.symlink("a", at: folder + "/s")
            #expect(
                await systemError { try await files.open(folder + "/s", [.read, .noFollow]) }?.code
                    == .tooManySymbolicLinks)
            #expect(
                await systemError { try await files.open(folder + "/a", [.read, .directory]) }?.code == .notDirectory)
            #expect(await systemError { try await files.open(folder, .write) }?.code == .isDirectory)
            #expect(await systemError { try await files.readFile(folder) }?.code == .isDirectory)
            try await files.withFile(folder, [.read, .directory]) { try await $0.sync() }
            #expect(await systemError { try await files.open(folder + "/s", .exclusive) }?.code == .fileExists)
            try await files.withFile(folder + "/a", [.update, .truncate]) { (file: AsyncFile) async throws in
                #expect(try await file.stat().size == 0)
            }
            try await files.withFile(folder + "/new", [.update, .create, .synchronous]) { try await $0.write("x") }
            #expect(try await files.readText(folder + "/new") == "x")
            #expect(
                loopCode(await caught { try await files.open(folder + "/a", [.read, .truncate]) }) == .invalidArgument)
            #expect(
                loopCode(await caught { try await files.open(folder + "/a", [.write, .append]) }) == .invalidArgument)
            #expect(await systemError { try await files.open(folder + "/a/b") }?.code == .notDirectory)
            let long = folder + "/" + String(repeating: "n", count: 300)
            #expect(await systemError { try await files.open(long) }?.code == .nameTooLong)
        }
    }

    @Test func renameTakesThePlaceOfFilesOnly() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.writeFile(folder + "/a", "a")
            try await files.writeFile(folder + "/b", "b")
            try await files.makeDirectory(folder + "/full/inner", withIntermediates: true)
            try await files.makeDirectory(folder + "/empty")
            try await files.rename(folder + "/a", to: folder + "/b")
            #expect(try await files.readText(folder + "/b") == "a")
            func code(_ from: String, _ to: String) async -> IOError.Code? {
                await systemError { try await files.rename(folder + from, to: folder + to) }?.code
            }
            #expect(await code("/b", "/empty") == .isDirectory)
            #expect(await code("/empty", "/b") == .notDirectory)
            #expect(await code("/empty", "/full") == .directoryNotEmpty)
            #expect(await code("/full", "/full/inner/x") == .invalidArgument)
            #expect(await code("/b", "/none/x") == .noSuchFile)
            try await files.rename(folder + "/full", to: folder + "/empty")
            #expect(try await files.list(folder).map(\.name) == ["b", "empty"])
            try await files.rename(folder + "/b", to: folder + "/b")
            #expect(try await files.readText(folder + "/b") == "a")
        }
    }

    @Test func removalIsForTheRightKind() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.makeDirectory(folder + "/d")
            try await files.writeFile(folder + "/a", "a")
            let error = await systemError { try await files.remove(folder + "/d") }
            #expect(error?.code == .isDirectory || error?.code == .notPermitted)
            #expect(error?.operation == "unlink")
            #expect(await systemError { try await files.removeDirectory(folder + "/a") }?.code == .notDirectory)
            #expect(await systemError { try await files.removeDirectory(folder + "/n") }?.code == .noSuchFile)
            #expect(await systemError { try await files.removeTree(folder + "/n") }?.code == .noSuchFile)
            #expect(await systemError { try await files.readLink(folder + "/a") }?.code == .invalidArgument)
            #expect(await systemError { try await files.readLink(folder + "/n") }?.code == .noSuchFile)
            #expect(await systemError { try await files.symlink("x", at: folder + "/a") }?.code == .fileExists)
            #expect(await systemError { try await files.link(folder + "/n", to: folder + "/m") }?.code == .noSuchFile)
            #expect(await systemError { try await files.link(folder + "/a", to: folder + "/a") }?.code == .fileExists)
            #expect(await systemError { try await files.realPath(folder + "/n") }?.operation == "realpath")
            try await files.removeTree(folder + "/a")
            try await files.removeTree(folder + "/d")
            #expect(try await files.list(folder).isEmpty)
        }
    }

    @Test func temporaryNamesAreRefusedOrNew() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            #expect(
                loopCode(await caught { try await files.makeTemporaryFile(in: folder, prefix: "a/b") })
                    == .invalidArgument)
            #expect(
                loopCode(await caught { try await files.makeTemporaryDirectory(in: folder, prefix: "\0") })
                    == .invalidArgument)
            let error = await systemError { try await files.makeTemporaryDirectory(in: folder + "/none") }
            #expect(error?.code == .noSuchFile)
            #expect(error?.operation == "mkdtemp")
            #expect(
                await systemError { try await files.makeTemporaryFile(in: folder + "/none") }?.operation == "mkstemp")
            let tasks = (0..<50).map { _ in
                loop.createTask { try await files.makeTemporaryDirectory(in: folder, prefix: "") }
            }
            #expect(Set(try await loop.gather(tasks)).count == 50)
            let first = try #require(try await files.list(folder).first)
            #expect(first.name.utf8.count == 6)
        }
    }

    @Test func temporaryFolderGoesWithACancellation() async throws {
        try await inFolder { loop, folder in
            for round in 0..<40 {
                let task = loop.createTask {
                    try await loop.files.withTemporaryDirectory(in: folder) { inner in
                        try await loop.files.writeFile(inner + "/a", "x")
                        try await loop.untilCancelled()
                    }
                }
                try await loop.rounds(round)
                task.cancel()
                #expect(await caught { try await task.value } is CancellationError)
                while try await !loop.files.list(folder).isEmpty {}
            }
        }
    }
}
