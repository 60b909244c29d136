// Events: everybody who waits is woken, and what is set stays set.

import Testing

@testable import AsyncIO

@Suite struct EventTests {
    @Test func setWakesEverybodyInOrder() async throws {
        let entries = try await onLoop { loop in
            let (event, trace) = (Event(loop), Trace())
            let tasks = ["a", "b", "c"].map { name in loop.noting(name, in: trace) { try await event.wait() } }
            try await loop.rounds(2)
            trace("set")
            event.set()
            _ = try await loop.gather(tasks)
            return trace.entries
        }
        #expect(entries == ["set", "a", "b", "c"])
    }

    @Test func waitForASetEventDoesNotSuspend() async throws {
        let entries = try await onLoop { loop in
            let (event, trace) = (Event(loop), Trace())
            event.set()
            loop.callSoon { trace("callback") }
            try await event.wait()
            trace("went on \(event.isSet)")
            try await loop.rounds(1)
            return trace.entries
        }
        #expect(entries == ["went on true", "callback"])
    }

    @Test func setAndClearInOneStepWakeThoseWhoWaitAndNobodyElse() async throws {
        let (entries, late) = try await onLoop { loop in
            let (event, trace) = (Event(loop), Trace())
            let task = loop.noting("early", in: trace) { try await event.wait() }
            try await loop.rounds(1)
            event.set()
            event.clear()
            let late = loop.noting("late", in: trace) { try await event.wait() }
            try await task.value
            try await loop.rounds(3)
            let isDone = late.isDone
            event.set()
            try await late.value
            return (trace.entries, isDone)
        }
        #expect(entries == ["early", "late"])
        #expect(!late)
    }

    @Test func cancelledWaiterDoesNotKeepTheOthersWaiting() async throws {
        let entries = try await onLoop { loop in
            let (event, trace) = (Event(loop), Trace())
            let tasks = ["a", "b", "c"].map { name in loop.noting(name, in: trace) { try await event.wait() } }
            try await loop.rounds(1)
            tasks[1].cancel()
            event.set()
            _ = try await loop.gatherResults(tasks)
            return trace.entries
        }
        // In the order in which they were woken, as in asyncio.
        #expect(entries == ["b cancelled", "a", "c"])
    }

    @Test func waitMayBeRepeated() async throws {
        let count = try await onLoop { loop in
            let (event, count) = (Event(loop), Variable(0))
            let task = loop.createTask {
                while count.value! < 10 {
                    try await event.wait()
                    event.clear()
                    count.value! += 1
                }
            }
            while !task.isDone {
                try await loop.rounds(2)
                event.set()
            }
            return count.value!
        }
        #expect(count == 10)
    }
}
