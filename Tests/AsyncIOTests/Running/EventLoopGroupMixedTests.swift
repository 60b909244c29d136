// A group whose loops do everything at once: children, files, signals, servers.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct EventLoopGroupMixedTests {
    @Test func loopsStartChildrenAndReadFilesAtOnce() async throws {
        let results = try await EventLoopGroup.with(count: 2) { group in
            try await group.onEach { loop in
                try await loop.files.withTemporaryDirectory(prefix: "asyncio-group-") { folder in
                    let tasks = (0..<20).map { number in
                        loop.createTask {
                            let path = "\(folder)/\(number)"
                            let child = try await loop.createSubprocess(
                                shell: "cat; exit \(number)", stdin: .pipe, stdout: .pipe)
                            let output = try await child.communicate(noise(50_000, seed: UInt64(number))).stdout
                            try await loop.files.writeFile(path, output ?? [])
                            let isWhole = try await loop.files.readFile(path) == noise(50_000, seed: UInt64(number))
                            return isWhole && child.returnCode == Int32(number)
                        }
                    }
                    return try await loop.gather(tasks).filter { $0 }.count
                }
            }
        }
        #expect(results == [20, 20])
    }

    @Test func childrenOutliveAShutdownOnlyUntilTheyAreCleanedUp() async throws {
        let group = try EventLoopGroup(count: 2)
        let pids = try await group.onEach { loop in
            let child = try await loop.createSubprocess("sleep", ["1000"], stdin: .null, stdout: .null)
            _ = loop.createTask {
                defer { child.kill() }
                _ = try await child.wait()
            }
            try await loop.rounds(2)
            return child.pid
        }
        try await group.shutdown(deadline: nil)
        // They have been collected as well.
        for pid in pids { #expect(!processExists(pid)) }
    }

    @Test func filesUnderWayAreCleanedUpByAShutdown() async throws {
        let group = try EventLoopGroup(count: 3)
        let folders = try await group.onEach { loop in
            let ready = loop.createFuture(of: String.self)
            _ = loop.createTask {
                try await loop.files.withTemporaryDirectory(prefix: "asyncio-group-") { folder in
                    try ready.setResult(folder)
                    var changes = loop.files.watch(folder).makeAsyncIterator()
                    while true {
                        try await loop.files.writeFile(folder + "/a", noise(1_000_000))
                        try await loop.files.copy(folder + "/a", to: folder + "/b")
                        _ = try await changes.next()
                    }
                }
            }
            return try await ready.value
        }
        try await group.shutdown(deadline: nil)
        for folder in folders {
            #expect(access(folder, F_OK) == -1)
            #expect(openPaths(under: folder).isEmpty)
        }
    }

    @Test func signalsReachTheLoopThatWatchesThem() async {
        await #expect(processExitsWith: .success) {
            try await EventLoopGroup.with(count: 2) { group in
                let counts = try await group.onEach { loop in
                    var seen = 0
                    let signals = loop.signals(.user1)
                    kill(getpid(), SIGUSR1)
                    for await _ in signals {
                        seen += 1
                        break
                    }
                    return seen
                }
                #expect(counts == [1, 1])
            }
        }
    }
}
