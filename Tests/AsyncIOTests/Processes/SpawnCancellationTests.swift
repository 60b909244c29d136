// Cancellation while a child is started: whenever it comes, there is a child or there is none, and nothing in between.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct SpawnCancellationTests {
    @Test func streamsInEveryRound() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try await loop.createSubprocess("true").wait()
                try await loop.polls()
                let before = countOpenPipes()
                var (cancelled, started) = (0, 0)
                for round in 0..<8 {
                    let starting = loop.createTask {
                        try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe, stderr: .pipe)
                    }
                    try await loop.rounds(round)
                    starting.cancel()
                    do {
                        let child = try await starting.value
                        started += 1
                        _ = try await child.communicate()
                    } catch {
                        #expect(error is CancellationError)
                        cancelled += 1
                        // It has been killed, and waited for.
                        #expect(!hasChildren())
                    }
                    try await loop.polls()
                    #expect(loop.processState.children.isEmpty)
                    #expect(!hasChildren())
                    #expect(countOpenPipes() == before)
                    #expect(UVSignal.hasDefaultAction(SIGCHLD))
                }
                #expect(cancelled > 1)
                #expect(started > 1)
            }
        }
    }

    @Test func protocolInEveryRound() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try await loop.createSubprocess("true").wait()
                try await loop.polls()
                let before = countOpenPipes()
                for round in 0..<8 {
                    let recorder = ChildRecorder(loop)
                    let starting = loop.createTask {
                        try await loop.subprocessExec("cat") { recorder }.transport.pid
                    }
                    try await loop.rounds(round)
                    starting.cancel()
                    do {
                        _ = try await starting.value
                        recorder.transport?.close()
                    } catch {
                        #expect(error is CancellationError)
                        #expect(!hasChildren())
                    }
                    if !recorder.events.isEmpty {
                        try await recorder.untilLost()
                        #expect(recorder.events.first == "made")
                        #expect(recorder.events.last == "lost")
                        #expect(recorder.count(of: "exited") == 1)
                    }
                    try await loop.polls()
                    #expect(!hasChildren())
                    #expect(countOpenPipes() == before)
                }
            }
        }
    }

    @Test func timeoutsInEveryRound() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                for microseconds in stride(from: 0, to: 4000, by: 200) {
                    do {
                        let child = try await loop.withTimeout(.microseconds(microseconds)) { _ in
                            try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
                        }
                        _ = try await child.communicate()
                    } catch is TimeoutError {}
                    #expect(!hasChildren())
                    #expect(loop.processState.children.isEmpty)
                }
            }
        }
    }

    @Test func closeOfTheLoopInEveryRound() async {
        await #expect(processExitsWith: .success) {
            // libuv keeps pipes of its own from the first signal on.
            try await onLoop { loop in _ = try await loop.createSubprocess("true").wait() }
            let before = try await onThread { countOpenPipes() }
            for round in 0..<6 {
                try await onLoop { loop in
                    loop.exceptionHandler = { _, _ in }
                    loop.createTask {
                        let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
                        try await child.wait()
                    }
                    loop.createTask { _ = try await loop.subprocessExec("cat") { ChildRecorder(loop) } }
                    try await loop.rounds(round)
                }
                #expect(!hasChildren())
                let after = try await onThread { countOpenPipes() }
                #expect(after <= before)
            }
        }
    }

    @Test func closeOfTheLoopEndsAStartThatWasCancelled() async {
        await #expect(processExitsWith: .success) {
            for round in 0..<8 {
                for further in 0..<3 {
                    // Which checks that no task is left.
                    try await onLoop { loop in
                        loop.exceptionHandler = { _, _ in }
                        let starting = loop.createTask {
                            try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
                        }
                        try await loop.rounds(round)
                        starting.cancel()
                        try await loop.rounds(further)
                    }
                    #expect(!hasChildren())
                }
            }
        }
    }

    @Test func swiftTaskThatIsCancelledLeavesNothing() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let executor = loop.executor
                for round in 0..<6 {
                    let starting = Task(executorPreference: executor) {
                        try await executor.run { loop in
                            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
                            _ = try await child.communicate()
                        }
                    }
                    try await loop.rounds(round)
                    starting.cancel()
                    _ = await starting.result
                    // A cancelled `communicate` leaves its child, whose pipes have gone with it.
                    try await loop.untilTrue { !hasChildren() }
                }
            }
        }
    }
}
