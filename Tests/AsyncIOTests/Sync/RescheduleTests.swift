// Moving the deadline of a timeout that is in force.

import Testing

@testable import AsyncIO

@Suite struct RescheduleTests {
    @Test func deadlineMayBeMovedFromAnotherTask() async throws {
        let (error, isSame) = try await onLoop { loop in
            let (kept, isSame) = (Variable<Timeout>(), Variable(false))
            let task = loop.createTask {
                try await loop.withTimeout(.seconds(3600)) { timeout in
                    kept.value = timeout
                    try await loop.sleep(for: .seconds(3600))
                }
            }
            try await loop.rounds(1)
            let when = loop.time().advanced(by: .milliseconds(2))
            kept.value!.reschedule(when)
            isSame.value = kept.value!.when == when
            return (await settled(task), isSame.value!)
        }
        #expect(error == "error \(TimeoutError())")
        #expect(isSame)
    }

    @Test func limitMayBeLifted() async throws {
        let (value, when) = try await onLoop { loop in
            try await loop.withTimeout(.milliseconds(1)) { timeout in
                timeout.reschedule(nil)
                try await loop.sleep(for: .milliseconds(3))
                return (7, timeout.when == nil)
            }
        }
        #expect(value == 7)
        #expect(when)
    }

    @Test func deadlineInThePastThatIsTakenBackDoesNotStrike() async throws {
        let value = try await onLoop { loop in
            try await loop.withTimeout(.zero) { timeout in
                timeout.reschedule(loop.time().advanced(by: .seconds(3600)))
                try await loop.rounds(3)
                return 7
            }
        }
        #expect(value == 7)
    }

    @Test func limitMayBeSetLater() async throws {
        let isTimeout = try await onLoop { loop in
            do {
                try await loop.withTimeout(nil as Duration?) { timeout in
                    timeout.reschedule(loop.time())
                    try await loop.sleep(for: .seconds(3600))
                }
            } catch is TimeoutError { return true }
            return false
        }
        #expect(isTimeout)
    }

    @Test func reschedulingAfterTheEndIsReportedAndIgnored() async throws {
        let messages = try await onLoop { loop in
            let (reports, kept) = (Reports(of: loop), Variable<Timeout>())
            try await loop.withTimeout(.seconds(3600)) { timeout in kept.value = timeout }
            kept.value!.reschedule(nil)
            try? await loop.withTimeout(.zero) { timeout in
                kept.value = timeout
                do { try await loop.rounds(1) } catch {
                    timeout.reschedule(nil)
                    throw error
                }
            }
            kept.value!.reschedule(loop.time())
            try await loop.rounds(2)
            return reports.messages
        }
        #expect(
            messages
                == ["finished", "expiring", "expired"].map { "Cannot change state of \($0) Timeout" })
    }
}
