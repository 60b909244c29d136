// Watching and polling.

import Testing

@testable import AsyncIO

@Suite struct FileWatchTests {
    @Test func entryOfFolderIsNamed() async throws {
        try await inFolder { loop, folder in
            var changes = loop.files.watch(folder).makeAsyncIterator()
            try await loop.files.writeFile(folder + "/a", "x")
            var seen: Set<FileChange> = []
            while !seen.contains(FileChange(name: "a", kind: .changed)) {
                if let change = try await changes.next() { seen.insert(change) }
            }
            #expect(seen == [FileChange(name: "a", kind: .renamed), FileChange(name: "a", kind: .changed)])
        }
    }

    @Test func missingPathIsThrownByTheFirstNext() async throws {
        try await inFolder { loop, folder in
            let error = await systemError {
                for try await _ in loop.files.watch(folder + "/none") {}
            }
            #expect(error?.code == .noSuchFile)
            #expect(error?.subject == folder + "/none")
        }
    }

    @Test func fileThatIsReplacedGoesOnBeingWatched() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "0")
            var changes = loop.files.watch(path).makeAsyncIterator()
            for round in 1...5 {
                try await loop.files.writeFile(folder + "/new", "\(round)")
                try await loop.files.rename(folder + "/new", to: path)
                repeat { _ = try await changes.next() } while try await loop.files.readText(path) != "\(round)"
                try await loop.files.writeFile(path, "more \(round)")
                repeat { _ = try await changes.next() } while try await loop.files.readText(path) != "more \(round)"
            }
        }
    }

    @Test func fileThatIsGoneIsWatchedWhenItIsBack() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "0")
            var changes = loop.files.watch(path).makeAsyncIterator()
            try await loop.files.remove(path)
            let first = try await changes.next()
            #expect(first != nil)
            try await loop.files.writeFile(path, "1")
            while try await changes.next() != FileChange(name: "a", kind: .renamed) {}
        }
    }

    @Test func pendingChangesAreKeptOnce() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            try await loop.files.writeFile(path, "0")
            let sequence = loop.files.watch(path)
            for _ in 0..<100 {
                try await loop.files.withFile(path, .append) { try await $0.write("x") }
            }
            var changes = sequence.makeAsyncIterator()
            #expect(try await changes.next() == FileChange(name: "a", kind: .changed))
            let waiting = loop.createTask { try await changes.next() }
            try await loop.rounds(5)
            #expect(!waiting.isDone)
            waiting.cancel()
        }
    }

    @Test func pollTellsOfChangesAndOfMissingFiles() async throws {
        try await inFolder { loop, folder in
            let path = folder + "/a"
            var changes = loop.files.poll(path, every: .milliseconds(1)).makeAsyncIterator()
            let missing = try #require(try await changes.next())
            #expect(missing.error?.code == .noSuchFile)
            #expect(missing.current == nil && missing.previous == nil)
            try await loop.files.writeFile(path, "x")
            let found = try #require(try await changes.next())
            #expect(found.previous == nil && found.current != nil && found.error == nil)
            try await loop.files.writeFile(path, "longer")
            var size = found.current?.size
            while size != 6 { size = try await changes.next()?.current?.size }
            try await loop.files.remove(path)
            var last = try await changes.next()
            while last?.error == nil { last = try await changes.next() }
            #expect(last?.previous?.size == 6)
        }
    }

    @Test func intervalIsChecked() async throws {
        try await inFolder { loop, folder in
            var changes = loop.files.poll(folder, every: .microseconds(999)).makeAsyncIterator()
            #expect(loopCode(await caught { try await changes.next() }) == .invalidArgument)
            let end = try await changes.next()
            #expect(end == nil)
        }
    }
}
