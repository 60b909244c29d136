// When a protocol is told to stop writing and to go on: the rules by themselves, and on a connection.

import Testing

@testable import AsyncIO

@Suite struct FlowControlTests {
    @Test func theDefaultsAreSixtyFourAndSixteenKiB() {
        let flow = FlowControl()
        #expect(flow.high == 65536 && flow.low == 16384 && !flow.isPaused)
    }

    @Test(
        arguments: [
            (nil, nil, 65536, 16384), (1000, nil, 1000, 250), (nil, 100, 400, 100), (500, 500, 500, 500),
            (0, nil, 0, 0), (nil, 0, 0, 0), (0, 0, 0, 0), (7, nil, 7, 1), (3, nil, 3, 0), (nil, .max, .max, .max),
        ] as [(Int?, Int?, Int, Int)])
    func marksThatAreLeftOutFollowFromTheOther(_ high: Int?, _ low: Int?, _ newHigh: Int, _ newLow: Int) throws {
        var flow = FlowControl()
        try flow.setLimits(high: high, low: low)
        #expect(flow.high == newHigh && flow.low == newLow)
    }

    @Test(arguments: [(1, 2), (-1, nil), (-4, nil), (nil, -1), (-1, -1), (100, -1)] as [(Int?, Int?)])
    func marksInTheWrongOrderAreRefusedAndChangeNothing(_ high: Int?, _ low: Int?) {
        var flow = FlowControl()
        #expect(throws: EventLoopError.invalidArgument("")) { try flow.setLimits(high: high, low: low) }
        #expect(flow.high == 65536 && flow.low == 16384)
    }

    @Test func pausesAboveTheHighMarkOnly() throws {
        var flow = FlowControl()
        try flow.setLimits(high: 10, low: 5)
        let answers = [9, 10, 11].map { flow.shouldPause(at: $0) }
        #expect(answers == [false, false, true])
    }

    @Test func resumesAtTheLowMark() throws {
        var flow = FlowControl()
        try flow.setLimits(high: 10, low: 5)
        let answers = [flow.shouldPause(at: 11), flow.shouldResume(at: 6), flow.shouldResume(at: 5)]
        #expect(answers == [true, false, true])
    }

    @Test func pauseAndResumeAlternate() throws {
        var flow = FlowControl()
        let answers = [
            flow.shouldResume(at: 0), flow.shouldPause(at: .max), flow.shouldPause(at: .max), flow.shouldResume(at: 0),
            flow.shouldResume(at: 0), flow.shouldPause(at: .max),
        ]
        #expect(answers == [false, true, false, true, false, true])
    }

    @Test func zeroMarksPauseWheneverSomethingWaits() throws {
        var flow = FlowControl()
        try flow.setLimits(high: 0, low: nil)
        let answers = [
            flow.shouldPause(at: 0), flow.shouldPause(at: 1), flow.shouldResume(at: 1), flow.shouldResume(at: 0),
        ]
        #expect(answers == [false, true, false, true])
    }
}

@Suite struct TransportFlowControlTests {
    @Test func aTransportHasTheLimitsThatWereSet() async throws {
        try await withStream { it in
            #expect(it.transport.writeBufferLimits == (low: 16384, high: 65536))
            try it.transport.setWriteBufferLimits(low: 100)
            #expect(it.transport.writeBufferLimits == (low: 100, high: 400))
            #expect(throws: EventLoopError.invalidArgument("")) {
                try it.transport.setWriteBufferLimits(high: 1, low: 2)
            }
            #expect(it.transport.writeBufferLimits == (low: 100, high: 400))
            try it.transport.setWriteBufferLimits()
            #expect(it.transport.writeBufferLimits == (low: 16384, high: 65536))
        }
    }

    @Test func pauseComesInTheWriteThatGoesAboveTheHighMark() async throws {
        try await withStream(.unix) { it in
            while it.transport.writeBufferSize == 0 { it.transport.write(pattern(1024)) }
            let waiting = it.transport.writeBufferSize
            try it.transport.setWriteBufferLimits(high: waiting + 10, low: 0)
            it.transport.write(pattern(10))
            #expect(it.transport.writeBufferSize == waiting + 10)
            #expect(it.recorder.events == ["made"])
            it.transport.write(pattern(1))
            #expect(it.recorder.events == ["made", "pause"])
            it.transport.write(pattern(1000))
            #expect(it.recorder.events == ["made", "pause"])
        }
    }

    @Test func loweringTheHighMarkPausesAtOnce() async throws {
        try await withStream(.unix) { it in
            while it.transport.writeBufferSize == 0 { it.transport.write(pattern(1024)) }
            #expect(it.recorder.events == ["made"])
            try it.transport.setWriteBufferLimits(high: 0)
            #expect(it.recorder.events == ["made", "pause"])
        }
    }

    @Test func raisingTheMarksDoesNotResumeByItself() async throws {
        try await withStream(.unix) { it in
            while it.recorder.events.last != "pause" { it.transport.write(pattern(10_000)) }
            try it.transport.setWriteBufferLimits(high: 100_000_000)
            try await it.loop.rounds(200)
            #expect(it.recorder.events == ["made", "pause"])
        }
    }

    @Test func theProtocolGoesOnWhenTheBufferHasFallenToTheLowMark() async throws {
        try await withStream(.unix) { it in
            shrinkBuffers(it.transport.fileDescriptor)
            try it.transport.setWriteBufferLimits(high: 100_000, low: 100_000)
            it.transport.write(pattern(300_000))
            #expect(it.recorder.events == ["made", "pause"])
            let loop = it.loop
            var left = 300_000
            while it.transport.writeBufferSize > 0 && left > 0 {
                left -= try await it.peer.receive(min(2000, left)).count
                try await loop.rounds(200)
                // The socket has been polled since, so what fits has gone out.
                if it.transport.writeBufferSize <= 100_000 {
                    #expect(it.recorder.events == ["made", "pause", "resume"])
                    break
                }
                #expect(it.recorder.events == ["made", "pause"])
            }
        }
    }

    @Test func pauseAndResumeAlternateOnAConnection() async throws {
        try await withStream(.unix) { it in
            shrinkBuffers(it.transport.fileDescriptor)
            for turn in 1...5 {
                it.transport.write(pattern(100_000))
                it.transport.write(pattern(100_000))
                #expect(it.recorder.count(of: "pause") == turn)
                _ = try await it.peer.receive(200_000)
                try await it.recorder.until { it.recorder.count(of: "resume") == turn }
            }
            #expect(it.recorder.events == ["made"] + (0..<5).flatMap { _ in ["pause", "resume"] })
        }
    }

    @Test func errorsOfPauseAndResumeAreReportedAndDoNotEndTheConnection() async throws {
        try await withStream(.unix) { it in
            it.recorder.actions["pause"] = { throw TestError(name: "pause") }
            it.recorder.actions["resume"] = { throw TestError(name: "resume") }
            it.transport.write(pattern(1_000_000))
            _ = try await it.peer.receive(1_000_000)
            try await it.recorder.until { it.recorder.events.contains("resume") }
            #expect(it.reports.all.map { ($0.exception as? TestError)?.name } == ["pause", "resume"])
            #expect(!it.transport.isClosing)
        }
    }
}
