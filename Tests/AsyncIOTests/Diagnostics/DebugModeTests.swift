// Debug mode: how it is switched, where callbacks come from, and callbacks that take long.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

@Suite struct DebugModeTests {
    // MARK: - Switching

    @Test func debugModeFollowsTheConfiguration() async throws {
        try await onThread {
            for debug in [true, false] {
                let loop = try EventLoop(configuration: .init(debug: debug))
                #expect(loop.debug == debug)
                try loop.close()
            }
        }
    }

    @Test(arguments: [("1", true), ("yes", true), ("0", false), ("", false)])
    func environmentDecidesWhenTheConfigurationDoesNot(value: String, debug: Bool) async {
        await #expect(processExitsWith: .success) { [value, debug] in
            setenv("ASYNCIO_DEBUG", value, 1)
            try await onThread {
                let loop = try EventLoop()
                let asked = try EventLoop(configuration: .init(debug: !debug))
                #expect(loop.debug == debug)
                #expect(asked.debug == !debug)
                try loop.close()
                try asked.close()
            }
        }
    }

    @Test func debugModeIsOffWithoutTheVariable() async {
        await #expect(processExitsWith: .success) {
            unsetenv("ASYNCIO_DEBUG")
            try await withLoopOfEnvironment { loop in #expect(!loop.debug) }
        }
    }

    @Test func debugModeIsSwitchedWhileTheLoopRuns() async throws {
        let names = try await onLoop { loop in
            let slow = SlowCallbacks(of: loop)
            loop.slowCallbackDuration = .zero
            loop.callSoon {}
            try await loop.sleep(for: .zero)
            #expect(slow.all.isEmpty)
            loop.debug = true
            // This round began without measuring, so the callback is made in the next one.
            try await loop.sleep(for: .zero)
            loop.callLater(after: .zero) {}
            try await loop.sleep(for: .milliseconds(1))
            loop.debug = false
            let count = slow.all.count
            for _ in 0..<3 { try await loop.sleep(for: .zero) }
            // At most the step that switched it off.
            #expect(slow.all.count <= count + 1)
            return slow.all.map(\.name)
        }
        #expect(names.contains { $0.hasPrefix("<TimerHandle when=") })
    }

    @Test func orderOfCallbacksIsTheSameInDebugMode() async throws {
        let entries = try await onLoop(debug: true) { loop in
            let trace = Trace()
            loop.callSoon { trace("1") }
            loop.callSoon { trace("cancelled") }.cancel()
            loop.createTask { trace("2") }
            loop.callSoon {
                trace("3")
                loop.callSoon { trace("5") }
            }
            loop.callLater(after: .zero) { trace("4") }
            for _ in 0..<4 { try await loop.sleep(for: .zero) }
            return trace.entries.filter { $0 != "4" }
        }
        #expect(entries == ["1", "2", "3", "5"])
    }

    // MARK: - Origins

    @Test func failedCallbackIsReportedWithItsOriginInDebugMode() async throws {
        let (origins, line) = try await onLoop(debug: true) { loop in
            let reports = Reports(of: loop)
            let line = #line as UInt + 1
            loop.callSoon { throw TestError() }
            loop.callLater(after: .zero) { throw TestError() }
            try await loop.sleep(for: .milliseconds(1))
            return (reports.all.map(\.origin), line)
        }
        #expect(origins == [here(line), here(line + 1)])
    }

    @Test func originsAreNotKeptOutsideOfDebugMode() async throws {
        let origins = try await onLoop(debug: false) { loop in
            let reports = Reports(of: loop)
            loop.callSoon { throw TestError() }
            loop.callLater(after: .zero) { throw TestError() }
            try await loop.sleep(for: .milliseconds(1))
            return reports.all.map(\.origin)
        }
        #expect(origins == [nil, nil])
    }

    @Test func handleTellsWhereItWasMade() async throws {
        try await withLoop(debug: true) { loop in
            let line = #line as UInt + 1
            let soon = loop.callSoon {}
            let later = loop.callLater(after: .seconds(1)) {}
            #expect(soon.description.contains("created at \(here(line))"))
            #expect(later.description.contains("created at \(here(line + 1))"))
            #expect(later.description.hasPrefix("<TimerHandle"))
            soon.cancel()
            #expect(soon.description.contains("cancelled"))
        }
    }

    @Test func originsOfCallbacksThatRanOrWereCancelledAreForgotten() async throws {
        try await withLoop(debug: true) { loop in
            for _ in 0..<100 { loop.callSoon {} }
            for _ in 0..<100 { loop.callSoon {}.cancel() }
            loop.stop()
            try loop.runForever()
            #expect(loop.origins?.isEmpty == true)
        }
    }

    // MARK: - Slow callbacks

    @Test func slowCallbackIsReportedWithNameOriginAndDuration() async throws {
        let (slow, line) = try await onLoop(debug: true) { loop in
            let slow = SlowCallbacks(of: loop)
            loop.slowCallbackDuration = .milliseconds(20)
            let line = #line as UInt + 1
            loop.callSoon { keepBusy(loop, for: .milliseconds(20)) }
            try await loop.sleep(for: .zero)
            return (slow.all.filter { $0.origin == here(line) }, line)
        }
        #expect(slow.map(\.name) == ["<Handle>"])
        #expect(slow.first?.origin == here(line))
        #expect(slow.first.map { $0.duration >= .milliseconds(20) } == true)
    }

    @Test func slowTimerIsReportedAsATimer() async throws {
        let (slow, line) = try await onLoop(debug: true) { loop in
            let slow = SlowCallbacks(of: loop)
            loop.slowCallbackDuration = .zero
            let line = #line as UInt + 1
            loop.callLater(after: .zero) {}
            try await loop.sleep(for: .milliseconds(1))
            return (slow.all.filter { $0.name.hasPrefix("<TimerHandle when=") }, line)
        }
        #expect(slow.contains { $0.origin == here(line) })
    }

    @Test func slowStepOfATaskIsReportedWithTheTasksNameAndOrigin() async throws {
        let (slow, line) = try await onLoop(debug: true) { loop in
            let slow = SlowCallbacks(of: loop)
            loop.slowCallbackDuration = .milliseconds(20)
            let line = #line as UInt + 1
            let task = loop.createTask(name: "sluggish") {
                try await loop.sleep(for: .zero)
                keepBusy(loop, for: .milliseconds(20))
                try await loop.sleep(for: .zero)
            }
            try await task.value
            return (slow.all.filter { $0.name == "<Task \"sluggish\">" }, line)
        }
        #expect(slow.contains { $0.origin == here(line) && $0.duration >= .milliseconds(20) })
    }

    @Test func slowFirstStepOfATaskThatEndsInItIsReportedToo() async throws {
        let slow = try await onLoop(debug: true) { loop in
            let slow = SlowCallbacks(of: loop)
            loop.slowCallbackDuration = .milliseconds(20)
            let task = loop.createTask(name: "brief") { keepBusy(loop, for: .milliseconds(20)) }
            try await task.value
            return slow.all.filter { $0.name == "<Task \"brief\">" }
        }
        #expect(slow.count == 1)
    }

    @Test func slowPostedCallbackIsReported() async throws {
        let names = try await onLoop(debug: true) { loop in
            let slow = SlowCallbacks(of: loop)
            loop.slowCallbackDuration = .milliseconds(20)
            try loop.executor.callSoonThreadsafe { loop in keepBusy(loop, for: .milliseconds(20)) }
            try await loop.sleep(for: .zero)
            return slow.all.map(\.name)
        }
        #expect(names.contains("<Handle>"))
    }

    @Test func callbacksBelowTheThresholdAreNotReported() async throws {
        let count = try await onLoop(debug: true) { loop in
            let slow = SlowCallbacks(of: loop)
            loop.slowCallbackDuration = .seconds(3600)
            loop.callSoon { keepBusy(loop, for: .milliseconds(1)) }
            try await loop.sleep(for: .zero)
            return slow.all.count
        }
        #expect(count == 0)
    }

    @Test func nothingIsReportedOutsideOfDebugMode() async throws {
        let count = try await onLoop(debug: false) { loop in
            let slow = SlowCallbacks(of: loop)
            loop.slowCallbackDuration = .zero
            loop.callSoon {}
            loop.callLater(after: .zero) {}
            try await loop.sleep(for: .milliseconds(1))
            return slow.all.count
        }
        #expect(count == 0)
    }

    @Test func thresholdIsATenthOfASecondUnlessConfigured() async throws {
        try await onThread {
            let plain = try EventLoop()
            let patient = try EventLoop(configuration: .init(slowCallbackDuration: .seconds(2)))
            #expect(plain.slowCallbackDuration == .milliseconds(100))
            #expect(patient.slowCallbackDuration == .seconds(2))
            try plain.close()
            try patient.close()
        }
    }

    @Test func slowCallbackReadsLikeAsyncios() {
        let named = SlowCallback(
            name: "<Task \"Task-3\">", origin: .init(fileID: "Module/File.swift", line: 12),
            duration: .microseconds(123_456))
        #expect(named.description == "Executing <Task \"Task-3\"> created at Module/File.swift:12 took 0.123 seconds")
        let bare = SlowCallback(name: "<Handle>", origin: nil, duration: .milliseconds(61_007))
        #expect(bare.description == "Executing <Handle> took 61.007 seconds")
    }

    @Test func slowCallbackIsPrintedWhenNobodyHandlesIt() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await onLoop(debug: true) { loop in
                loop.slowCallbackDuration = .milliseconds(20)
                loop.callSoon { keepBusy(loop, for: .milliseconds(20)) }
                try await loop.sleep(for: .zero)
            }
        }
        let output = standardError(of: result)
        #expect(output.contains("Executing <Handle> created at AsyncIOTests/DebugModeTests"))
    }
}

/// Collects what a loop reports as slow.
private final class SlowCallbacks {
    private(set) var all: [SlowCallback] = []

    init(of loop: EventLoop) { loop.slowCallbackHandler = { [weak self] slow in self?.all.append(slow) } }
}

/// Holds up the loop by its own clock.
private func keepBusy(_ loop: EventLoop, for duration: Duration) {
    let end = loop.time().advanced(by: duration)
    while loop.time() < end {}
}

private func here(_ line: UInt) -> AsyncIO.SourceLocation { .init(fileID: #fileID, line: line) }

private func withLoopOfEnvironment(_ body: @escaping @Sendable (EventLoop) throws -> Void) async throws {
    try await onThread {
        let loop = try EventLoop()
        try body(loop)
        try loop.close()
    }
}
