// The end of a group out of order: deadlines, threads that are blocked, groups that are dropped or cannot be made.

import Glibc
import Testing

@testable import AsyncIO

/// Whether any thread of this process has a name that begins so.
private func hasThread(named prefix: String) -> Bool {
    guard let folder = opendir("/proc/self/task") else { return false }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
        let thread = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if firstLine(ofFileAt: "/proc/self/task/\(thread)/comm")?.hasPrefix(prefix) == true { return true }
    }
    return false
}

private func descriptorNumbers() -> [Int32] { (0..<4096).filter { fcntl($0, F_GETFD) >= 0 } }

/// Lets the process open `count` descriptors more than it has; nil is as many as it may have.
private func limitDescriptors(to count: Int32?) {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    getrlimit(resource, &limit)
    let free = dup(0)
    close(free)
    limit.rlim_cur = count.map { rlim_t(free + $0) } ?? limit.rlim_max
    setrlimit(resource, &limit)
}

@Suite struct EventLoopGroupDeadlineTests {
    @Test func tasksThatTakeTooLongAreUnwound() async throws {
        let (begun, cleaned, reported) = (SharedCounter(), SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 2)
        _ = try await group.onEach { loop in loop.exceptionHandler = { _, _ in reported.increment() } }
        try await group.holdUp(begun: begun, cleaned: cleaned)
        await #expect(throws: TimeoutError.self) { try await group.shutdown(deadline: .milliseconds(1)) }
        #expect(cleaned.value == 1)
        #expect(reported.value == 1)
        #expect(group.executors.map(\.isRunning) == [false, false])
    }

    @Test func outcomeReachesACallerThatOnlyWaitsWhenAllIsOver() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 1)
        try await group.next().run { loop in loop.exceptionHandler = { _, _ in } }
        try await group.holdUp(begun: begun, cleaned: cleaned)
        while try group.ending.begin(deadline: .zero, closingTime: .seconds(600)) != .late { await Task.yield() }
        await #expect(throws: TimeoutError.self) { try await group.ending.wait() }
        try await group.shutdown()
    }

    @Test func laterCallBringsTheDeadlineForward() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 1)
        try await group.next().run { loop in loop.exceptionHandler = { _, _ in } }
        try await group.holdUp(begun: begun, cleaned: cleaned)
        let patient = Task { try await group.shutdown(deadline: nil) }
        while begun.value == 0 { await Task.yield() }
        await #expect(throws: TimeoutError.self) { try await group.shutdown(deadline: .zero) }
        await #expect(throws: TimeoutError.self) { try await patient.value }
        #expect(cleaned.value == 1)
    }

    @Test func laterCallDoesNotPutTheDeadlineOff() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        let group = try EventLoopGroup(count: 1)
        try await group.next().run { loop in loop.exceptionHandler = { _, _ in } }
        try await group.holdUp(begun: begun, cleaned: cleaned)
        let hasty = Task { try await group.shutdown(deadline: .milliseconds(50)) }
        while begun.value == 0 { await Task.yield() }
        // It may be over by now, and then there is nothing to wait for.
        _ = await caught { try await group.shutdown(deadline: nil) }
        await #expect(throws: TimeoutError.self) { try await hasty.value }
    }

    @Test func groupThatIsDroppedDuringItsShutdownLeavesTheDeadlineAlone() async throws {
        let (begun, cleaned) = (SharedCounter(), SharedCounter())
        var group: EventLoopGroup? = try EventLoopGroup(count: 1)
        try await group?.holdUp(begun: begun, cleaned: cleaned)
        let (ending, executor) = (try #require(group?.ending), try #require(group?.executors.first))
        #expect(try ending.begin(deadline: nil, closingTime: .seconds(600)) == .first)
        weak let dropped = group
        group = nil
        #expect(dropped == nil)
        #expect(ending.deadline == .distantFuture)
        while begun.value == 0 { await Task.yield() }
        try executor.callSoonThreadsafe { loop in loop.allTasks.first?.cancel() }
        try await ending.wait()
        #expect(cleaned.value == 1)
    }

    @Test func clientThatDoesNotReadHoldsTheGroupUpNoLongerThanTheDeadline() async throws {
        let written = SharedCounter()
        let group = try EventLoopGroup(count: 1)
        let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, writer in
            writer.write([UInt8](repeating: 7, count: 64 << 20))
            written.increment()
            try await writer.drain()
        }
        try await onLoop { loop in
            let client = try SystemSocket(family: SystemConstant.ipv4, type: SystemConstant.stream)
            try await loop.sockConnect(client.descriptor, try #require(servers.addresses.first))
            try await loop.untilTrue { written.value == 1 }
            await #expect(throws: TimeoutError.self) { try await group.shutdown(deadline: .milliseconds(1)) }
            client.close()
        }
        #expect(!group.executors[0].isRunning)
    }

    @Test func taskThatSwallowsEveryCancellationIsLeftWhereItIs() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let (begun, ended) = (SharedCounter(), SharedCounter())
            let group = try EventLoopGroup(count: 1, name: "stubborn")
            try await group.next().run { loop in
                loop.exceptionHandler = { _, _ in }
                loop.createTask(name: "swallower") {
                    while true {
                        begun.increment()
                        try? await loop.sleep(for: .seconds(3600))
                    }
                }
                // It is unwound all the same.
                loop.createTask(name: "well-behaved") {
                    defer { ended.increment() }
                    let future = loop.createFuture(of: Void.self)
                    try? await loop.sleep(for: .seconds(3600))
                    try await future.value
                }
                try await loop.rounds(3)
            }
            await #expect(throws: TimeoutError.self) {
                try await group.shutdown(deadline: .milliseconds(1), closingTime: .seconds(600))
            }
            #expect(ended.value == 1)
            #expect(!hasThread(named: "stubborn"))
            leaveWithoutLookingForLeaks()
        }
        let output = standardError(of: result)
        #expect(output.contains("Task \"swallower\" created at"))
        #expect(!output.contains("well-behaved"))
        #expect(!output.contains("left behind"))
    }

    @Test func threadThatIsBlockedIsNamedAndLeftBehind() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let gate = Gate()
            let group = try EventLoopGroup(count: 1, name: "blocked")
            try group.next().callSoonThreadsafe { _ in gate.pass() }
            gate.waitForArrivals(1)
            await #expect(throws: TimeoutError.self) {
                try await group.shutdown(deadline: .milliseconds(1), closingTime: .milliseconds(1))
            }
            #expect(hasThread(named: "blocked"))
            // Should it ever go on, it closes its loop and ends.
            gate.open()
            while hasThread(named: "blocked") { await Task.yield() }
        }
        #expect(standardError(of: result).contains("The thread blocked-0 of an EventLoopGroup is left behind"))
    }

    @Test func groupThatIsDroppedSaysSoAndEnds() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let ended = SharedCounter()
            var group: EventLoopGroup? = try EventLoopGroup(count: 2, name: "dropped")
            _ = try await group?.onEach { loop in
                loop.createTask {
                    defer { ended.increment() }
                    try await loop.sleep(for: .seconds(3600))
                }
                try await loop.rounds(2)
            }
            group = nil
            while hasThread(named: "dropped") { await Task.yield() }
            #expect(ended.value == 2)
        }
        #expect(standardError(of: result).contains("An EventLoopGroup was dropped without shutdown()"))
    }

    @Test func groupMayBeDroppedOnOneOfItsOwnLoops() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            do {
                let group = try EventLoopGroup(count: 2, name: "dropped")
                try group.next().callSoonThreadsafe { loop in
                    loop.createTask {
                        // The last one to hold it.
                        try await loop.sleep(for: .milliseconds(20))
                        withExtendedLifetime(group) {}
                    }
                }
            }
            while hasThread(named: "dropped") { await Task.yield() }
        }
        #expect(standardError(of: result).contains("An EventLoopGroup was dropped without shutdown()"))
    }

    @Test func groupThatWasShutDownIsDroppedSilently() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await EventLoopGroup.with(count: 2) { _ in }
        }
        #expect(!standardError(of: result).contains("EventLoopGroup"))
    }

    @Test func groupThatCannotBeMadeLeavesNothing() async {
        await #expect(processExitsWith: .success) {
            // What libuv and the runtime keep for the process is there after the first one.
            try await EventLoopGroup.with(count: 1) { _ in }
            var before = descriptorNumbers()
            // The first loop fails, or a later one, at whatever it opens.
            for room in Int32(0)..<20 {
                limitDescriptors(to: room)
                let error = await caught { try EventLoopGroup(count: 50, name: "half") }
                limitDescriptors(to: nil)
                #expect(systemCode(error) == .tooManyOpenFiles)
                #expect(!hasThread(named: "half"))
                // libuv 1.44 itself loses the one that it polls with if a loop fails right after that.
                let after = descriptorNumbers()
                #expect(after.count <= before.count + 1)
                before = after
            }
            let names = try await EventLoopGroup.with(count: 50, name: "whole") { group in
                try await group.onEach { _ in nameOfThisThread() }
            }
            #expect(Set(names).count == 50)
        }
    }
}
