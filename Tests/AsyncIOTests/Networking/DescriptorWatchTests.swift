// Callbacks for descriptors of the program's own.

import Testing

@testable import AsyncIO

@Suite struct DescriptorWatchTests {
    /// Lends the two ends of a socket pair that does not block.
    private func withPair(
        sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, Journal, Int32, Int32) async throws -> Void
    ) async throws {
        try await onLoop(sourceLocation: sourceLocation) { loop in
            let (one, two) = try socketPair()
            for descriptor in [one, two] { try SystemSocket(descriptor).setNonBlocking() }
            try await body(loop, Journal(loop), one, two)
            for descriptor in [one, two] {
                loop.removeReader(descriptor)
                loop.removeWriter(descriptor)
                SystemSocket(descriptor).close()
            }
        }
    }

    private func send(_ text: String, _ descriptor: Int32) {
        _ = Array(text.utf8).withUnsafeBytes { SystemSocket(descriptor).send($0) }
    }

    @Test func aReaderIsCalledForAsLongAsThereIsSomethingToRead() async throws {
        try await withPair { loop, journal, one, two in
            try loop.addReader(one) { try journal.note("readable") }
            send("x", two)
            try await journal.until { journal.count(of: "readable") == 3 }
            _ = SystemSocket(one).receive(10)
            try await loop.rounds(200)
            let calls = journal.events.count
            try await loop.rounds(200)
            #expect(journal.events.count == calls)
        }
    }

    @Test func aWriterIsCalledForAsLongAsThereIsRoom() async throws {
        try await withPair { loop, journal, one, _ in
            try loop.addWriter(one) { try journal.note("writable") }
            try await journal.until { journal.events.count == 3 }
            #expect(loop.removeWriter(one))
            let calls = journal.events.count
            try await loop.rounds(200)
            #expect(journal.events.count == calls)
        }
    }

    @Test func aSecondReaderReplacesTheFirst() async throws {
        try await withPair { loop, journal, one, two in
            try loop.addReader(one) { try journal.note("first") }
            send("x", two)
            try await journal.until { journal.count(of: "first") == 1 }
            try loop.addReader(one) { try journal.note("second") }
            let before = journal.count(of: "first")
            try await journal.until { journal.count(of: "second") == 2 }
            #expect(journal.count(of: "first") == before)
            #expect(loop.removeReader(one) && !loop.removeReader(one))
        }
    }

    @Test func theDirectionsOfADescriptorAreIndependent() async throws {
        try await withPair { loop, journal, one, two in
            try loop.addReader(one) {
                _ = SystemSocket(one).receive(10)
                try journal.note("readable")
            }
            try loop.addWriter(one) {
                try journal.note("writable")
                loop.removeWriter(one)
            }
            send("x", two)
            try await journal.until { journal.events.count == 2 }
            #expect(Set(journal.events) == ["readable", "writable"])
            #expect(!loop.removeWriter(one))
            send("x", two)
            try await journal.until { journal.count(of: "readable") == 2 }
            try loop.addWriter(one) { try journal.note("again") }
            #expect(loop.removeReader(one))
            try await journal.until { journal.events.contains("again") }
            send("x", two)
            try await loop.rounds(200)
            #expect(journal.count(of: "readable") == 2)
        }
    }

    @Test func aCallbackThatIsRemovedBetweenPollAndDispatchDoesNotRun() async throws {
        try await withPair { loop, journal, one, two in
            // Both become ready in one poll; whichever runs first removes the other.
            for (descriptor, other) in [(one, two), (two, one)] {
                try loop.addReader(descriptor) {
                    #expect(loop.removeReader(other))
                    try journal.note("called")
                    loop.removeReader(descriptor)
                }
                send("x", other)
            }
            try await journal.until { !journal.events.isEmpty }
            try await loop.rounds(200)
            #expect(journal.events == ["called"])
        }
    }

    @Test func aCallbackThatIsReplacedBetweenPollAndDispatchDoesNotRun() async throws {
        try await withPair { loop, journal, one, two in
            var isFirst = true
            for (descriptor, other) in [(one, two), (two, one)] {
                try loop.addReader(descriptor) {
                    guard isFirst else { return try journal.note("old") }
                    isFirst = false
                    loop.removeReader(descriptor)
                    try loop.addReader(other) {
                        loop.removeReader(other)
                        try journal.note("new")
                    }
                }
                send("x", other)
            }
            try await journal.until { !journal.events.isEmpty }
            try await loop.rounds(200)
            #expect(journal.events == ["new"])
        }
    }

    @Test func removingWhatIsUnknownIsFalse() async throws {
        try await withPair { loop, _, one, _ in
            #expect(!loop.removeReader(one) && !loop.removeWriter(one))
            #expect(!loop.removeReader(-1) && !loop.removeWriter(1_000_000))
            try loop.addReader(one) {}
            #expect(!loop.removeWriter(one) && loop.removeReader(one))
        }
    }

    @Test func aClosedLoopTakesNoWatchers() async throws {
        try await onThread {
            let (one, two) = try socketPair()
            let loop = try EventLoop()
            try loop.addReader(one) {}
            try loop.close()
            #expect(throws: EventLoopError.closed) { try loop.addReader(one) {} }
            #expect(throws: EventLoopError.closed) { try loop.addWriter(one) {} }
            #expect(!loop.removeReader(one) && !loop.removeWriter(one))
            #expect(isOpen(one))
            for descriptor in [one, two] { SystemSocket(descriptor).close() }
        }
    }

    @Test func aNumberThatIsNoDescriptorIsRefused() async throws {
        try await withPair { loop, _, _, _ in
            #expect(throws: EventLoopError.invalidArgument("")) { try loop.addReader(-1) {} }
            #expect(throws: EventLoopError.invalidArgument("")) { try loop.addWriter(-7) {} }
            #expect(throws: IOError.self) { try loop.addReader(100_000) {} }
            #expect(!loop.removeReader(100_000))
        }
    }

    @Test func theDescriptorOfATransportIsRefusedUntilItIsClosed() async throws {
        try await withStream { it in
            let descriptor = it.transport.fileDescriptor
            #expect(throws: EventLoopError(.descriptorInUse, "")) { try it.loop.addReader(descriptor) {} }
            #expect(throws: EventLoopError(.descriptorInUse, "")) { try it.loop.addWriter(descriptor) {} }
            await #expect(throws: EventLoopError(.descriptorInUse, "")) {
                _ = try await it.loop.createConnection(fileDescriptor: descriptor) { StreamRecorder(it.loop) }
            }
            it.transport.close()
            try await it.recorder.untilLost()
            try await it.loop.rounds(1)
            // The number is free for whoever gets it next.
            let (reading, writing) = try makePipe()
            for candidate in [reading, writing] { #expect(throws: Never.self) { try it.loop.addReader(candidate) {} } }
            for candidate in [reading, writing] {
                it.loop.removeReader(candidate)
                SystemSocket(candidate).close()
            }
        }
    }

    @Test func aNumberThatIsUsedAgainBelongsToTheNewOwner() async throws {
        try await withPair { loop, journal, _, _ in
            for turn in 0..<20 {
                let (one, two) = try socketPair()
                try loop.addReader(one) {
                    _ = SystemSocket(one).receive(10)
                    try journal.note("\(turn)")
                }
                send("x", two)
                try await journal.until { journal.events.last == "\(turn)" }
                #expect(loop.removeReader(one))
                for descriptor in [one, two] { SystemSocket(descriptor).close() }
            }
            #expect(journal.events == (0..<20).map(String.init))
        }
    }

    @Test func theEndOfAPipeMakesItReadable() async throws {
        try await onLoop { loop in
            let journal = Journal(loop)
            let (reading, writing) = try makePipe()
            try loop.addReader(reading) { try journal.note("readable") }
            try await loop.rounds(200)
            #expect(journal.events == [])
            SystemSocket(writing).close()
            try await journal.until { !journal.events.isEmpty }
            #expect(loop.removeReader(reading))
            SystemSocket(reading).close()
        }
    }

    @Test func aPipeWithoutAReaderIsWritable() async throws {
        try await onLoop { loop in
            let journal = Journal(loop)
            let (reading, writing) = try makePipe()
            SystemSocket(reading).close()
            try loop.addWriter(writing) { try journal.note("writable") }
            try await journal.until { journal.events.count >= 3 }
            #expect(loop.removeWriter(writing))
            SystemSocket(writing).close()
        }
    }

    @Test func anErrorOfACallbackIsReportedAndItIsCalledAgain() async throws {
        try await withPair { loop, journal, one, two in
            let reports = Reports(of: loop)
            try loop.addReader(one) {
                try journal.note("readable")
                if journal.events.count == 1 { throw TestError() }
                loop.removeReader(one)
            }
            send("x", two)
            try await journal.until { journal.events.count == 2 }
            #expect(reports.all.count == 1 && reports.all[0].exception is TestError)
        }
    }

    @Test func manyChangesLeaveOneWatcherOrNone() async throws {
        try await withPair { loop, journal, one, two in
            for _ in 0..<1000 {
                try loop.addReader(one) { try journal.note("old") }
                try loop.addWriter(one) {}
                #expect(loop.removeWriter(one))
            }
            #expect(loop.removeReader(one))
            for _ in 0..<1000 { #expect(!loop.removeReader(one)) }
            try loop.addReader(one) {
                _ = SystemSocket(one).receive(10)
                try journal.note("new")
            }
            send("x", two)
            try await journal.until { !journal.events.isEmpty }
            #expect(journal.events == ["new"])
        }
    }
}
