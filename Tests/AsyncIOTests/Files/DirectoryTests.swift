// Folders, links, temporary names and permissions.

import Testing

@testable import AsyncIO

@Suite struct DirectoryTests {
    @Test func listIsSortedAndKnowsTypes() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.makeDirectory(folder + "/b")
            try await files.writeFile(folder + "/c", "x")
            try await files.symlink("c", at: folder + "/a")
            let entries = try await files.list(folder)
            #expect(entries.map(\.name) == ["a", "b", "c"])
            #expect(entries.map(\.type) == [.symbolicLink, .directory, .regular])
            #expect(await systemError { try await files.list(folder + "/c") }?.code == .notDirectory)
            #expect(try await files.readLink(folder + "/a") == "c")
            #expect(try await files.realPath(folder + "/./a") == files.realPath(folder) + "/c")
            let isLink = try await files.lstat(folder + "/a").isSymbolicLink
            #expect(isLink)
            let isRegular = try await files.stat(folder + "/a").isRegularFile
            #expect(isRegular)
        }
    }

    @Test func foldersOnTheWayAreMade() async throws {
        try await inFolder { loop, folder in
            let deep = folder + "/a/b/c"
            #expect(await systemError { try await loop.files.makeDirectory(deep) }?.code == .noSuchFile)
            try await loop.files.makeDirectory(deep, withIntermediates: true)
            try await loop.files.makeDirectory(deep, withIntermediates: true)
            #expect(await systemError { try await loop.files.makeDirectory(deep) }?.code == .fileExists)
            #expect(
                await systemError { try await loop.files.removeDirectory(folder + "/a") }?.code == .directoryNotEmpty)
            try await loop.files.writeFile(folder + "/f", "")
            let error = await systemError {
                try await loop.files.makeDirectory(folder + "/f", withIntermediates: true)
            }
            #expect(error?.code == .fileExists)
        }
    }

    @Test func makingFoldersThatAreThereIsCancelledAsAnythingElse() async {
        await #expect(processExitsWith: .success) {
            try await inFolder(poolThreads: 1) { loop, folder in
                let steps = try PoolSteps(loop)
                let making = loop.createTask {
                    try await loop.files.makeDirectory(folder, withIntermediates: true)
                }
                // It is there already, and what it is has still to be found out.
                try await steps.next()
                try await steps.untilCalled()
                making.cancel()
                #expect(await caught { try await making.value } is CancellationError)
                steps.end()
            }
        }
    }

    @Test func walkGoesParentsFirstAndDoesNotFollowLinks() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.makeDirectory(folder + "/d/e", withIntermediates: true)
            try await files.writeFile(folder + "/d/e/f", "")
            try await files.writeFile(folder + "/z", "")
            try await files.symlink(".", at: folder + "/link")
            let entries = try await collected(files.walk(folder))
            #expect(entries.map { String($0.path.dropFirst(folder.count)) } == ["/d", "/d/e", "/d/e/f", "/link", "/z"])
            #expect(entries.map(\.depth) == [0, 1, 2, 0, 0])
            let error = await systemError { try await collected(files.walk(folder + "/none")) }
            #expect(error?.code == .noSuchFile)
            #expect(error?.subject == folder + "/none")
        }
    }

    @Test func walkGoesOnIfTheHandlerSaysSo() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            for name in ["a", "b"] { try await files.makeDirectory(folder + "/" + name) }
            var walk = files.walk(folder) { #expect($0.code == .noSuchFile) }.makeAsyncIterator()
            #expect(try await walk.next()?.name == "a")
            try await files.removeDirectory(folder + "/a")
            #expect(try await walk.next()?.name == "b")
            let end = try await walk.next()
            #expect(end == nil)
        }
    }

    @Test func treeIsRemovedAndLinksAreNotFollowed() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            try await files.makeDirectory(folder + "/tree/deep/er", withIntermediates: true)
            try await files.writeFile(folder + "/tree/deep/f", "")
            try await files.writeFile(folder + "/kept", "")
            try await files.symlink(folder, at: folder + "/tree/up")
            try await files.removeTree(folder + "/tree")
            #expect(try await files.list(folder).map(\.name) == ["kept"])
        }
    }

    @Test func temporaryNames() async throws {
        try await inFolder { loop, folder in
            let (file, path) = try await loop.files.makeTemporaryFile(in: folder, prefix: "t-")
            #expect(path.hasPrefix(folder + "/t-"))
            #expect(try await file.stat().permissions == 0o600)
            try await file.write("x")
            try await file.seek(to: 0)
            #expect(try await file.read() == octets("x"))
            try await file.close()
            let made = try await loop.files.makeTemporaryDirectory(in: folder)
            #expect(try await loop.files.stat(made).permissions == 0o700)
            let gone = try await loop.files.withTemporaryDirectory(in: folder) { inner in
                try await loop.files.writeFile(inner + "/x", "x")
                return inner
            }
            let isThere = try await loop.files.exists(gone)
            #expect(!isThere)
            await #expect(throws: TestError()) {
                try await loop.files.withTemporaryDirectory(in: folder) { _ in throw TestError() }
            }
            #expect(try await loop.files.list(folder).count == 2)
        }
    }

    @Test func namesTimesAndPermissionsAreChanged() async throws {
        try await inFolder { loop, folder in
            let files = loop.files
            let (a, b) = (folder + "/a", folder + "/b")
            try await files.writeFile(a, "x", permissions: 0o600)
            #expect(try await files.stat(a).permissions == 0o600)
            try await files.setPermissions(a, 0o640)
            #expect(try await files.stat(a).permissions == 0o640)
            try await files.setTimes(a, access: .seconds(1_000), modification: .microseconds(1_700_000_000_123_457))
            let info = try await files.stat(a)
            #expect(info.accessTime == .seconds(1_000))
            #expect(info.modificationTime == .microseconds(1_700_000_000_123_457))
            try await files.link(a, to: b)
            #expect(try await files.stat(b).linkCount == 2)
            let isSame = try await files.stat(b).isSameFile(as: info)
            #expect(isSame)
            try await files.remove(a)
            try await files.rename(b, to: a)
            let error = await systemError { try await files.rename(b, to: a) }
            #expect(error?.subject == "\(b) -> \(a)")
            #expect(error?.code == .noSuchFile)
            try await files.access(a, [.read, .write])
            #expect(await systemError { try await files.access(b, []) }?.code == .noSuchFile)
            try await files.setOwner(a)
            #expect(try await files.statFileSystem(folder).size > 0)
        }
    }
}
