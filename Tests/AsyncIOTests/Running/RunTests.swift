// AsyncIO.run: one operation on a loop of its own.

import Testing

@testable import AsyncIO

@Suite struct RunTests {
    @Test func resultOfMainIsReturned() async throws {
        let value = try await onThread {
            try AsyncIO.run { loop in
                try await loop.sleep(for: .milliseconds(1))
                return 42
            }
        }
        #expect(value == 42)
    }

    @Test func errorOfMainIsThrown() async throws {
        await #expect(throws: TestError(name: "main")) {
            try await onThread { try AsyncIO.run { _ in throw TestError(name: "main") } }
        }
    }

    @Test func cancellationOfMainIsThrown() async throws {
        await #expect(throws: CancellationError.self) {
            try await onThread {
                try AsyncIO.run { loop in
                    loop.currentTask?.cancel()
                    try await loop.sleep(for: .seconds(3600))
                }
            }
        }
    }

    @Test(arguments: [true, false])
    func debugArgumentSetsTheLoopsDebugMode(debug: Bool) async throws {
        let seen = try await onThread { try AsyncIO.run(debug: debug) { $0.debug } }
        #expect(seen == debug)
    }

    @Test func debugArgumentWinsOverTheConfiguration() async throws {
        let seen = try await onThread {
            try AsyncIO.run(debug: false, configuration: .init(debug: true)) { $0.debug }
        }
        #expect(!seen)
    }

    @Test func mainSeesItsLoopAsRunningAndCurrent() async throws {
        let answers = try await onThread {
            try AsyncIO.run { loop in
                [try EventLoop.running === loop, try EventLoop.current === loop, loop.isRunning]
            }
        }
        #expect(answers == [true, true, true])
    }

    @Test func loopIsClosedAndUnsetAfterwards() async throws {
        try await onThread {
            let kept = Variable<EventLoop>()
            let transfer = UncheckedTransfer(kept)  // SAFETY: all of it happens on this thread.
            try AsyncIO.run { loop in transfer.value.value = loop }
            #expect(kept.value?.isClosed == true)
            #expect(throws: EventLoopError(.noCurrentLoop, "")) { try EventLoop.current }
            #expect(throws: EventLoopError(.noRunningLoop, "")) { try EventLoop.running }
        }
    }

    @Test func loopIsClosedAndUnsetAfterAnError() async throws {
        try await onThread {
            let kept = Variable<EventLoop>()
            let transfer = UncheckedTransfer(kept)  // SAFETY: all of it happens on this thread.
            #expect(throws: TestError.self) {
                try AsyncIO.run { loop in
                    transfer.value.value = loop
                    throw TestError()
                }
            }
            #expect(kept.value?.isClosed == true)
            #expect(throws: EventLoopError(.noCurrentLoop, "")) { try EventLoop.current }
        }
    }

    @Test func runInsideOfARunningLoopIsRefused() async throws {
        let (ran, code) = try await onLoop { _ in
            let ran = SharedCounter()
            do {
                try AsyncIO.run { _ in ran.increment() }
                return (ran.value, nil as EventLoopError.Code?)
            } catch let error as EventLoopError {
                return (ran.value, error.code)
            }
        }
        #expect(ran == 0)
        #expect(code == .alreadyRunning)
    }

    @Test func runsMayFollowOneAnother() async throws {
        let values = try await onThread {
            try (0..<3).map { n in try AsyncIO.run { _ in n } }
        }
        #expect(values == [0, 1, 2])
    }

    @Test func mainTaskIsNamedAndListed() async throws {
        let names = try await onThread { try AsyncIO.run { loop in loop.allTasks.map(\.name) } }
        #expect(names == ["main"])
    }
}
