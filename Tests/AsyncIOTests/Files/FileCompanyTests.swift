// Files next to everything else: names of hosts, Swift's own child tasks, actors, and many loops.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// An actor that lives on a loop and uses its files.
private actor Librarian {
    private nonisolated let executor: LoopExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ executor: LoopExecutor) { self.executor = executor }

    func copy(_ folder: String) async throws -> String {
        let loop = try EventLoop.running
        try await loop.files.writeFile(folder + "/actor", "by an actor")
        try await loop.files.copy(folder + "/actor", to: folder + "/copy")
        var text = ""
        try await loop.files.withFile(folder + "/copy") { file in
            for try await line in file.lines { text += asText(line) }
        }
        return text
    }
}

@Suite struct FileCompanyTests {
    /// In the order of the pool: a name is not looked up after a thousand files.
    @Test func namesOfHostsAreFoundBeforeAThousandFiles() async {
        await #expect(processExitsWith: .success) {
            try await inFolder { loop, folder in
                // No call of the others ends while these do not.
                let pipe = NamedPipe(folder + "/p")
                let held = pipe.occupy(System.poolThreads - 1, on: loop)
                var done = 0
                let tasks = (0..<1000).map { _ in
                    loop.createTask {
                        _ = try await loop.files.stat(folder)
                        done += 1
                    }
                }
                try await loop.rounds(1)
                #expect(loop.uv.requestCount < System.poolThreads)
                _ = try await loop.getAddrInfo(host: "localhost", service: nil)
                #expect(done == 0)
                try await loop.untilTrue {
                    pipe.release()
                    return held.allSatisfy { $0.isDone }
                }
                _ = try await loop.gather(tasks)
                #expect(done == 1000)
                for file in held { try await file.value.close() }
            }
        }
    }

    @Test(arguments: ["1", "2", "0", "nonsense"]) func poolOfAnySizeServesFiles(size: String) async {
        await #expect(processExitsWith: .success) { [size] in
            setenv("UV_THREADPOOL_SIZE", size, 1)
            try await inFolder { loop, folder in
                let copies = (0..<20).map { number in
                    loop.createTask {
                        try await loop.files.writeFile("\(folder)/\(number)", noise(100_000))
                        try await loop.files.copy("\(folder)/\(number)", to: "\(folder)/\(number).copy")
                        _ = try await loop.toThread { 1 }
                    }
                }
                _ = try await loop.getAddrInfo(host: "localhost", service: nil)
                _ = try await loop.gather(copies)
                #expect(try await loop.files.list(folder).count == 40)
            }
        }
    }

    @Test func swiftChildTasksUseFiles() async throws {
        try await inFolder { loop, folder in
            let executor = loop.executor
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<20 {
                    group.addTask {
                        try await executor.run { loop in
                            let path = "\(folder)/\(number)"
                            try await loop.files.writeFile(path, String(repeating: "line\n", count: number))
                            return try await loop.files.withFile(path) { try await collected($0.lines).count }
                        }
                    }
                }
                var counts: [Int] = []
                for try await count in group { counts.append(count) }
                return counts.sorted()
            }
            #expect(counts == Array(0..<20))
            async let first = executor.run { try await $0.files.list(folder).count }
            async let second = executor.run { try await $0.files.stat(folder).isDirectory }
            let (count, isFolder) = try await (first, second)
            #expect(count == 20 && isFolder)
        }
    }

    /// Child tasks that are on the loop by inheritance, and are cancelled by Swift's flag.
    @Test func cancelledSwiftChildTasksEnd() async throws {
        try await inFolder { loop, folder in
            let executor = loop.executor
            try await loop.files.writeFile(folder + "/a", noise(3_000_000))
            for round in 0..<20 {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<5 {
                        group.addTask {
                            _ = try? await executor.run { loop in
                                while true {
                                    _ = try await loop.files.readFile(folder + "/a")
                                    try await loop.files.copy(folder + "/a", to: "\(folder)/b\(round)")
                                }
                            }
                        }
                    }
                    for _ in 0..<round { await Task.yield() }
                    group.cancelAll()
                }
            }
            try await loop.untilTrue { loop.uv.requestCount == 0 }
        }
    }

    @Test func actorsOnALoopUseFiles() async throws {
        try await inFolder { loop, folder in
            let librarian = Librarian(loop.executor)
            let text = try await librarian.copy(folder)
            #expect(text == "by an actor")
        }
    }

    @Test func manyLoopsUseTheirFilesAtOnce() async throws {
        try await inFolder { _, folder in
            let group = try EventLoopGroup(count: 4)
            let counts = try await group.onEach { loop in
                let name = "\(folder)/\(nameOfThisThread())"
                var changes = loop.files.watch(folder).makeAsyncIterator()
                for round in 0..<30 {
                    try await loop.files.writeFile(name, noise(10_000, seed: UInt64(round)))
                    try await loop.files.copy(name, to: name + ".copy")
                    _ = try await changes.next()
                }
                return try await loop.files.readFile(name + ".copy").count
            }
            #expect(counts == [10_000, 10_000, 10_000, 10_000])
            try await group.shutdown(deadline: nil)
        }
    }
}
