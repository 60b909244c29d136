// Rounds: what runs when, and in which order.

import Testing

@testable import AsyncIO

@Suite struct RoundTests {
    @Test func callbacksRunInTheOrderInWhichTheyWereScheduled() async throws {
        let order = try await onLoop { loop in
            let trace = Trace()
            for n in 0..<5 { loop.callSoon { trace("\(n)") } }
            try await loop.sleep(for: .zero)
            return trace.entries
        }
        #expect(order == ["0", "1", "2", "3", "4"])
    }

    @Test func callbackScheduledByCallbackRunsInTheNextRound() async throws {
        let order = try await withLoop { loop in
            let trace = Trace()
            loop.callSoon {
                trace("a")
                loop.callSoon { trace("c") }
            }
            loop.callSoon {
                trace("b")
                loop.stop()
            }
            try loop.runForever()
            #expect(trace.entries == ["a", "b"])
            loop.stop()
            try loop.runForever()
            return trace.entries
        }
        #expect(order == ["a", "b", "c"])
    }

    @Test func stopBeforeRunMakesExactlyOnePass() async throws {
        let order = try await withLoop { loop in
            let trace = Trace()
            loop.callSoon {
                trace("first")
                loop.callSoon { trace("second") }
            }
            loop.stop()
            try loop.runForever()
            return trace.entries
        }
        #expect(order == ["first"])
    }
}
