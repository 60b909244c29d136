// Several loops in several threads, and loops that talk to each other.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct ManyLoopsTests {
    @Test func loopsInSeveralThreadsDoNotDisturbEachOther() async throws {
        let sums = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask {
                    try await onLoop { loop in
                        var sum = 0
                        let tasks = (0..<200).map { n in
                            loop.createTask {
                                for _ in 0..<5 { try await loop.sleep(for: .zero) }
                                try await loop.sleep(for: .microseconds(n % 5 * 100))
                                return n
                            }
                        }
                        for task in tasks { sum += try await task.value }
                        for _ in 0..<100 { loop.callSoon { sum += number } }
                        try await loop.sleep(for: .zero)
                        return sum
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(sums.sorted() == (0..<8).map { 19_900 + 100 * $0 })
    }

    @Test func eachThreadFindsItsOwnRunningLoop() async throws {
        let isOwn = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await onLoop { loop in
                        for _ in 0..<50 {
                            guard try EventLoop.running === loop else { return false }
                            try await loop.sleep(for: .zero)
                        }
                        return true
                    }
                }
            }
            return try await group.reduce(true) { $0 && $1 }
        }
        #expect(isOwn)
    }

    @Test func taskOfOneLoopAwaitsAResultOfAnother() async throws {
        let result = try await withServingLoop { other in
            try await onLoop { loop in
                let first = try await other.run { otherLoop in
                    try await otherLoop.sleep(for: .milliseconds(1))
                    return try EventLoop.running === otherLoop && other.isOnLoopThread
                }
                let isBack = loop.executor.isOnLoopThread
                return [first, isBack, try EventLoop.running === loop]
            }
        }
        #expect(result == [true, true, true])
    }

    @Test func loopsInARingPassANumberOn() async throws {
        let result = try await withServingLoop { first in
            try await withServingLoop { second in
                try await withServingLoop { third in
                    let ring = [first, second, third]
                    @Sendable func pass(_ n: Int) async throws -> Int {
                        guard n < 300 else { return n }
                        return try await ring[n % 3].run { _ in n + 1 }
                    }
                    var n = 0
                    while n < 300 { n = try await pass(n) }
                    return n
                }
            }
        }
        #expect(result == 300)
    }

    @Test func closedLoopsLeaveNoDescriptorsOpen() async {
        // In a process of its own. What the runtime opens for itself meanwhile are a few; a loop that left one of its
        // own would make it fifty.
        await #expect(processExitsWith: .success) {
            let opened = try await onThread {
                func openDescriptors() -> Int { (0..<4096).count { fcntl(Int32($0), F_GETFD) >= 0 } }
                // The first loop may leave what libuv keeps for the process.
                try EventLoop().close()
                let before = openDescriptors()
                for n in 0..<50 {
                    let loop = try EventLoop()
                    try #expect(loop.runUntilComplete { n } == n)
                    try loop.close()
                }
                return openDescriptors() - before
            }
            #expect(opened < 50)
        }
    }

    @Test func futureOfAnotherLoopIsCompletedThroughItsExecutor() async throws {
        let result = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let transfer = UncheckedTransfer(future)  // SAFETY: touched by the callback, on the future's loop.
            let executor = loop.executor
            try UVThread { _ = try? executor.callSoonThreadsafe { _ in try transfer.value.setResult(9) } }.detach()
            return try await future.value
        }
        #expect(result == 9)
    }
}
