// A group of loops: its threads, which loop is next, and what a stop from outside does.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The name of the calling thread, as the system knows it.
func nameOfThisThread() -> String {
    #if os(Linux)
        return firstLine(ofFileAt: "/proc/thread-self/comm") ?? "?"
    #else
        var name = [CChar](repeating: 0, count: 64)
        pthread_getname_np(pthread_self(), &name, name.count)
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
    #endif
}

/// The first 63 bytes of a file's first line.
func firstLine(ofFileAt path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var line = [UInt8](repeating: 0, count: 64)
    let count = fread(&line, 1, line.count - 1, file)
    return String(decoding: line.prefix(count).prefix { $0 != 10 }, as: UTF8.self)
}

@Suite struct EventLoopGroupTests {
    @Test func threadsAreNamedAndNumbered() async throws {
        let names = try await EventLoopGroup.with(count: 3, name: "worker") { group in
            try await group.onEach { _ in nameOfThisThread() }
        }
        #expect(names == ["worker-0", "worker-1", "worker-2"])
    }

    @Test func longNameIsCutButNotTheNumber() async throws {
        let names = try await EventLoopGroup.with(count: 2, name: "a-name-beyond-15-bytes") { group in
            try await group.onEach { _ in nameOfThisThread() }
        }
        #expect(names == ["a-name-beyond-0", "a-name-beyond-1"])
    }

    @Test func eachLoopHasAThreadOfItsOwn() async throws {
        let found = try await EventLoopGroup.with(count: 4) { group in
            try await group.onEach { loop in
                let own = try EventLoop.running === loop && loop.executor.isOnLoopThread
                return (thread: ThreadIdentity.current.rawValue, isOwn: own)
            }
        }
        #expect(Set(found.map(\.thread)).count == 4)
        #expect(found.map(\.isOwn) == [true, true, true, true])
    }

    @Test func loopsRunAtOnce() async throws {
        // Each waits, on its thread, for the other to come.
        let gate = Gate()
        try await EventLoopGroup.with(count: 2) { group in
            let opener = try UVThread {
                gate.waitForArrivals(2)
                gate.open()
            }
            _ = try await group.onEach { _ in gate.pass() }
            opener.join()
        }
    }

    @Test func loopsRunWhenTheGroupIsThere() async throws {
        let group = try EventLoopGroup(count: 3)
        let running = group.executors.map(\.isRunning)
        try await group.shutdown()
        #expect(running == [true, true, true])
    }

    @Test func thereIsALoopForEachProcessorByDefault() async throws {
        let count = try await EventLoopGroup.with { group in group.count }
        #expect(count == System.parallelism)
    }

    @Test(arguments: [0, -1])
    func countThatIsNotPositiveIsRefused(count: Int) async throws {
        let error = await caught { try EventLoopGroup(count: count) }
        #expect(loopCode(error) == .invalidArgument)
        #expect("\(error.map { "\($0)" } ?? "")".hasPrefix("count: "))
    }

    @Test func loopsAreSetUpAsConfigured() async throws {
        let configured = try await EventLoopGroup.with(
            count: 2, configuration: .init(debug: true, slowCallbackDuration: .seconds(7))
        ) { group in
            try await group.onEach { loop in loop.debug && loop.slowCallbackDuration == .seconds(7) }
        }
        #expect(configured == [true, true])
    }

    @Test func nextGivesTheLoopsInTurn() async throws {
        let turns = try await EventLoopGroup.with(count: 3) { group in
            (0..<7).map { _ in
                let next = group.next()
                return group.executors.firstIndex { $0 === next }
            }
        }
        #expect(turns == [0, 1, 2, 0, 1, 2, 0])
    }

    @Test func nextIsFairToManyThreads() async throws {
        let counters = (0..<3).map { _ in SharedCounter() }
        try await EventLoopGroup.with(count: 3) { group in
            let threads = try (0..<6).map { _ in
                try UVThread {
                    for _ in 0..<500 {
                        let next = group.next()
                        if let index = group.executors.firstIndex(where: { $0 === next }) {
                            counters[index].increment()
                        }
                    }
                }
            }
            for thread in threads { thread.join() }
        }
        #expect(counters.map(\.value) == [1000, 1000, 1000])
    }

    @Test func loopThatIsStoppedGoesOn() async throws {
        let result = try await EventLoopGroup.with(count: 1) { group in
            for _ in 0..<20 {
                try await group.next().run { loop in
                    loop.stop()
                    try await loop.rounds(3)
                    loop.stop()
                }
            }
            return try await group.next().run { _ in nameOfThisThread() }
        }
        #expect(result == "loop-0")
    }

    @Test func interruptOfACallbackIsReportedAndTheLoopGoesOn() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await EventLoopGroup.with(count: 1) { group in
                try group.next().callSoonThreadsafe { _ in throw KeyboardInterrupt() }
                let four = try await group.next().run { _ in 4 }
                #expect(four == 4)
            }
        }
        #expect(standardError(of: result).contains("goes on after an error\n  exception: interrupted"))
    }

    @Test func loopOfAGroupCannotBeClosedByItsTasks() async throws {
        let code = try await EventLoopGroup.with(count: 1) { group in
            try await group.next().run { loop in loopCode(await caught { try loop.close() }) == .alreadyRunning }
        }
        #expect(code)
    }

    @Test func actorMayLiveOnALoopOfAGroup() async throws {
        let names = try await EventLoopGroup.with(count: 2, name: "home") { group in
            [await Resident(group.executors[1]).home(), await Resident(group.executors[0]).home()]
        }
        #expect(names == ["home-1", "home-0"])
    }
}

private actor Resident {
    private let executor: LoopExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ executor: LoopExecutor) { self.executor = executor }

    func home() -> String { nameOfThisThread() }
}
