// Programming errors: what stops the program, what is printed, and what must not crash. Each in a process of its own.

import Testing

@testable import AsyncIO

@Suite struct MisuseTests {
    /// What a program may do to somebody else's loop.
    enum Call: String, CaseIterable, Codable {
        case callSoon, callLater, callAt, stop, close, createTask, cancel

        fileprivate func make(on loop: EventLoop, _ handle: TimerHandle) {
            switch self {
            case .callSoon: loop.callSoon {}
            case .callLater: loop.callLater(after: .seconds(1)) {}
            case .callAt: loop.callAt(loop.time()) {}
            case .stop: loop.stop()
            case .close: try? loop.close()
            case .createTask: loop.createTask {}
            case .cancel: handle.cancel()
            }
        }
    }

    @Test(arguments: Call.allCases)
    func callFromAnotherThreadStopsTheProgramAndNamesTheRemedy(call: Call) async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) { [call] in
            try await withLoop { loop in
                let handle = loop.callLater(after: .seconds(3600)) {}
                // SAFETY: none; this is the mistake that is to be caught.
                let (stolen, stolenHandle) = (UncheckedTransfer(loop), UncheckedTransfer(handle))
                loop.callSoon {
                    try UVThread { call.make(on: stolen.value, stolenHandle.value) }.join()
                    loop.stop()
                }
                try loop.runForever()
            }
        }
        let output = standardError(of: result)
        #expect(output.contains("was called on a thread other than the one that runs the loop"))
        #expect(output.contains("callSoonThreadsafe"))
    }

    @Test func loopThatIsDroppedOpenSaysSo() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await onThread {
                let loop = try EventLoop()
                loop.callSoon {}
                loop.callLater(after: .seconds(1)) {}
            }
        }
        let output = standardError(of: result)
        #expect(output.contains("An event loop was dropped without close()"))
    }

    @Test func loopThatWasClosedSaysNothing() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await onThread {
                let loop = try EventLoop()
                loop.callLater(after: .seconds(1)) {}
                try loop.close()
            }
        }
        let output = standardError(of: result)
        #expect(output == "")
    }

    @Test func executorOfALoopThatWasDroppedRefusesPosts() async {
        await #expect(processExitsWith: .success) {
            let executor = try await onThread { try EventLoop().executor }
            #expect(throws: EventLoopError(.closed, "")) { try executor.callSoonThreadsafe { _ in } }
            await #expect(throws: EventLoopError(.closed, "")) { try await executor.run { _ in } }
        }
    }

    @Test func programThatExitsWithATaskOnAnOpenLoopDoesNotCrash() async {
        await #expect(processExitsWith: .success) {
            try await onThread {
                let loop = try EventLoop()
                loop.createTask { try await loop.sleep(for: .seconds(3600)) }
                try loop.runUntilComplete { try await loop.sleep(for: .zero) }
            }
            leaveWithoutLookingForLeaks()
        }
    }

    @Test func taskThatWaitsElsewhereIsNamedWhenItsLoopClosesAndWhenItIsResumed() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let parked = try await onThread {
                let loop = try EventLoop()
                loop.exceptionHandler = { _, _ in }
                let parked = Parked()
                loop.createTask(name: "stranded") {
                    await withUnsafeContinuation { parked.continuation = $0 }
                    StandardError.print("it went on")
                }
                try loop.runUntilComplete { for _ in 0..<3 { try await loop.sleep(for: .zero) } }
                try loop.close()
                return parked
            }
            parked.continuation?.resume()
            leaveWithoutLookingForLeaks()
        }
        let output = standardError(of: result)
        #expect(output.contains("\"stranded\""))
        #expect(output.contains("waits outside of its event loop, which has closed"))
        #expect(output.contains("was resumed after its event loop had been closed"))
        #expect(!output.contains("it went on"))
    }

    @Test func callToAnActorOfAClosedLoopIsReported() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let executor = try await closedExecutor()
            let gate = ThreadGate()
            // It never comes back; the report is made before `immediate` returns.
            Task.immediate {
                await Homeless(executor).call()
                gate.open()
            }
            #expect(!gate.isOpen)
            leaveWithoutLookingForLeaks()
        }
        let output = standardError(of: result)
        #expect(output.contains("was resumed after its event loop had been closed"))
    }

    @Test func closeOutOfItsOwnDropsCannotRecur() async {
        await #expect(processExitsWith: .success) {
            /// Closes the loop when the callback that holds it is dropped.
            final class Closer {
                let loop: EventLoop
                init(_ loop: EventLoop) { self.loop = loop }
                deinit { try? loop.close() }
            }
            try await withLoop { loop in
                let closer = Closer(loop)
                loop.callSoon { withExtendedLifetime(closer) {} }
                loop.callLater(after: .seconds(1)) { withExtendedLifetime(closer) {} }
            }
        }
    }
}

/// Where a task waits that its loop knows nothing about.
private final class Parked: @unchecked Sendable {  // SAFETY: handed from one thread to the next.
    var continuation: UnsafeContinuation<Void, Never>?
}

private actor Homeless {
    let executor: LoopExecutor
    init(_ executor: LoopExecutor) { self.executor = executor }
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    func call() {}
}
