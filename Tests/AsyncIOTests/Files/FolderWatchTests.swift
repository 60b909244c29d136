// Watching folders, several watchers, and the ends of watches.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

@Suite struct FolderWatchTests {
    @Test func everyThingThatHappensInAFolderIsNamed() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "x")
            var changes = loop.files.watch(folder).makeAsyncIterator()
            func expect(_ change: FileChange) async throws { while try await changes.next() != change {} }
            try await loop.files.writeFile(folder + "/a", "y")
            try await expect(FileChange(name: "a", kind: .changed))
            try await loop.files.setPermissions(folder + "/a", 0o600)
            try await expect(FileChange(name: "a", kind: .changed))
            try await loop.files.rename(folder + "/a", to: folder + "/b")
            try await expect(FileChange(name: "a", kind: .renamed))
            try await expect(FileChange(name: "b", kind: .renamed))
            try await loop.files.makeDirectory(folder + "/d")
            try await expect(FileChange(name: "d", kind: .renamed))
            try await loop.files.remove(folder + "/b")
            try await expect(FileChange(name: "b", kind: .renamed))
        }
    }

    @Test func twoWatchersOfOnePathSeeTheSame() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "0")
            try await loop.files.symlink("a", at: folder + "/s")
            var first = loop.files.watch(path).makeAsyncIterator()
            var second = loop.files.watch(path).makeAsyncIterator()
            var third = loop.files.watch(folder + "/s").makeAsyncIterator()
            var dropped: FileChanges? = loop.files.watch(path)
            #expect(dropped != nil)
            dropped = nil
            for round in 0..<3 {
                try await loop.files.writeFile(folder + "/new", "new \(round)")
                try await loop.files.rename(folder + "/new", to: path)
                while try await first.next()?.kind != .renamed {}
                while try await second.next()?.kind != .renamed {}
                while try await third.next()?.kind != .renamed {}
            }
        }
    }

    @Test func watcherMayBeDroppedByItsOwnLoop() async throws {
        try await inFolder { loop, folder in
            for round in 0..<5 {
                let watching: FileChanges = loop.files.watch(folder)
                try await loop.files.writeFile(folder + "/\(round)", "x")
                for try await change in watching {
                    #expect(change.name != nil)
                    break
                }
            }
            try await loop.untilTrue { (loop.uv.openHandles["fs_event"] ?? 0) <= 1 }
        }
    }

    @Test func folderThatIsRemovedAndMadeAgainIsWatched() async throws {
        try await inFolder { loop, folder in
            let inner = folder + "/d"
            try await loop.files.makeDirectory(inner)
            var changes = loop.files.watch(inner).makeAsyncIterator()
            try await loop.files.removeDirectory(inner)
            #expect(try await changes.next()?.name == "d")
            try await loop.files.makeDirectory(inner)
            try await loop.untilSeen("a", in: inner, by: changes)
        }
    }

    @Test(arguments: [true, false], ["/", "//"])
    func folderWithASlashAtTheEndGoesOnBeingWatched(isMoved: Bool, slashes: String) async throws {
        try await inFolder { loop, folder in
            let inner = folder + "/d"
            try await loop.files.makeDirectory(inner)
            var changes = loop.files.watch(inner + slashes).makeAsyncIterator()
            if isMoved {
                try await loop.files.rename(inner, to: folder + "/e")
            } else {
                try await loop.files.removeDirectory(inner)
            }
            #expect(try await changes.next()?.name == "d")
            try await loop.files.makeDirectory(inner)
            try await loop.untilSeen("a", in: inner, by: changes)
        }
    }

    @Test func fileWithASlashAtTheEndIsNoFolder() async throws {
        try await inFolder { loop, folder in
            try await loop.files.writeFile(folder + "/a", "x")
            var changes = loop.files.watch(folder + "/a/").makeAsyncIterator()
            let error = await systemError { try await changes.next() }
            #expect(error?.code == .notDirectory)
            #expect(error?.subject == folder + "/a/")
        }
    }

    /// The system watches what is there once, and libuv knows it by the path that came first.
    @Test func folderWithTwoPathsGoesOnBeingWatchedUnderBoth() async throws {
        try await inFolder { loop, folder in
            let inner = folder + "/d"
            try await loop.files.makeDirectory(inner)
            try await loop.files.symlink("d", at: folder + "/s")
            let first = loop.files.watch(inner).makeAsyncIterator()
            let second = loop.files.watch(folder + "/s").makeAsyncIterator()
            try await loop.files.removeDirectory(inner)
            try await loop.files.makeDirectory(inner)
            try await loop.untilSeen("a", in: inner, by: first)
            try await loop.untilSeen("b", in: inner, by: second)
        }
    }

    @Test func fileIsCalledByTheNameByWhichItIsWatched() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "0")
            try await loop.files.symlink("a", at: folder + "/s")
            var first = loop.files.watch(path).makeAsyncIterator()
            var second = loop.files.watch(folder + "/s").makeAsyncIterator()
            try await loop.files.writeFile(path, "1", mode: .append)
            #expect(try await first.next() == FileChange(name: "a", kind: .changed))
            #expect(try await second.next() == FileChange(name: "s", kind: .changed))
        }
    }

    /// File systems like to give a new file the number of the one that has just gone.
    @Test func fileThatIsMadeAgainAtOnceIsWatched() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            writeNow(path, octets("0"))
            var changes = loop.files.watch(path).makeAsyncIterator()
            for _ in 0..<10 {
                unlink(path)
                writeNow(path, octets("0"))
                while try await changes.next() != FileChange(name: "a", kind: .renamed) {}
                try await loop.files.writeFile(path, "more", mode: .append)
                while try await changes.next() != FileChange(name: "a", kind: .changed) {}
            }
        }
    }

    @Test func changesThatNobodyReadsAreKeptUpToALimit() async throws {
        try await inFolder { loop, folder in
            let sequence = loop.files.watch(folder)
            for number in 0..<6000 {
                close(open("\(folder)/\(number)", O_CREAT | O_WRONLY, 0o600))
                // Before the system's own queue is full.
                if number % 500 == 0 { try await loop.rounds(3) }
            }
            _ = try await loop.files.stat(folder)
            var changes = sequence.makeAsyncIterator()
            var count = 0
            while let change = try await changes.next(), !change.isOverflow { count += 1 }
            #expect(count == 4096)
            try await loop.files.writeFile(folder + "/after", "x")
            while try await changes.next()?.name != "after" {}
        }
    }

    @Test func cancelledReaderLeavesTheWatch() async throws {
        try await inFolder { loop, folder in
            let changes = Variable(loop.files.watch(folder).makeAsyncIterator())
            for round in 0..<10 {
                let task = loop.createTask { try await changes.value?.next() }
                try await loop.rounds(1 + round)
                task.cancel()
                #expect(await caught { try await task.value } is CancellationError)
            }
            try await loop.files.writeFile(folder + "/a", "x")
            #expect(try await changes.value?.next()?.name == "a")
            let second = loop.createTask { try await changes.value?.next() }
            try await loop.rounds(1)
            second.cancel()
            _ = await caught { try await second.value }
            changes.value = nil
        }
    }

    @Test func loopMayCloseWhileFilesAreWatched() async throws {
        let folder = try await inKeptFolder()
        try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            let kept = Variable<(FileChanges, FilePollChanges)>()
            let ended = Trace()
            _ = loop.createTask {
                let watch = loop.files.watch(folder)
                let poll = loop.files.poll(folder + "/none", every: .milliseconds(1))
                kept.value = (watch, poll)
                loop.callLater(after: .milliseconds(5)) { loop.stop() }
                do { for try await _ in watch {} } catch { ended("\(type(of: error))") }
            }
            try loop.runForever()
            try loop.close()
            #expect(ended.entries == ["CancellationError"])
            kept.value = nil
        }
        #expect(rmdir(folder) == 0)
    }

    private func inKeptFolder() async throws -> String {
        try await onLoop { try await $0.files.makeTemporaryDirectory(prefix: "asyncio-files-") }
    }

    /// Told of once, however often it is looked for; and afterwards there was nothing before.
    @Test func fileThatIsBackHadNothingBefore() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            var changes = loop.files.poll(path, every: .milliseconds(1)).makeAsyncIterator()
            #expect(try await changes.next()?.error?.code == .noSuchFile)
            for round in 0..<3 {
                // In one step, so that it is never seen empty.
                try await loop.files.writeFile(folder + "/new", "\(round)")
                try await loop.files.rename(folder + "/new", to: path)
                let back = try #require(try await changes.next())
                #expect(back.error == nil && back.current != nil)
                #expect(back.previous == nil)
                try await loop.files.remove(path)
                let gone = try #require(try await changes.next())
                #expect(gone.error?.code == .noSuchFile)
                #expect(gone.current == nil)
                #expect(gone.previous == back.current)
            }
        }
    }
}

extension EventLoop {
    /// Writes a file into a folder until a watcher has seen it: nobody knows when a new folder is found.
    fileprivate func untilSeen(_ name: String, in folder: String, by changes: FileChanges.AsyncIterator) async throws {
        let reader = createTask {
            var changes = changes
            while try await changes.next()?.name != name {}
        }
        while !reader.isDone {
            try await files.writeFile(folder + "/" + name, "x")
            try await rounds(10)
        }
        try await reader.value
    }
}
