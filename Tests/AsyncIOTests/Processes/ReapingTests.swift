// Who takes the status of a child: the loop, whatever else the process does, and no child is left when a loop ends.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct ReapingTests {
    @Test func aThousandChildrenLeaveNoZombieAndNoDescriptor() async {
        await #expect(processExitsWith: .success) {
            let count = isBuiltWithSanitizer ? 100 : 1000
            try await onLoop { loop in
                try await loop.createSubprocess("true").wait()
                try await loop.polls()
                let before = countOpenPipes()
                let gate = Semaphore(loop, value: 50)
                let children = (0..<count).map { number in
                    loop.createTask {
                        try await gate.withPermit {
                            let child = try await loop.createSubprocess(
                                shell: "read x; echo \"$x \(number)\"; exit \(number % 100)", stdin: .pipe,
                                stdout: .pipe)
                            let (output, _) = try await child.communicate(octets("child\n"))
                            return output == octets("child \(number)\n") && child.returnCode == Int32(number % 100)
                        }
                    }
                }
                let results = try await loop.gather(children)
                #expect(results.allSatisfy { $0 })
                #expect(!hasChildren())
                try await loop.polls()
                #expect(countOpenPipes() == before)
            }
        }
    }

    @Test func manyLoopsOnManyThreadsStartChildren() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    try await onLoop { loop in
                        let children = (0..<30).map { number in
                            loop.createTask {
                                let child = try await loop.createSubprocess(
                                    shell: "cat; exit \(number)", stdin: .pipe, stdout: .pipe,
                                    umask: UInt32(thread))
                                let (output, _) = try await child.communicate(octets("\(thread) \(number)"))
                                return output == octets("\(thread) \(number)") && child.returnCode == Int32(number)
                            }
                        }
                        let results = try await loop.gather(children)
                        #expect(results.allSatisfy { $0 })
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func statusThatSomebodyElseHasTakenIs255AndReported() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
            let pid = child.pid
            let stolen = loop.runInExecutor {
                var status: Int32 = 0
                return waitpid(pid, &status, 0)
            }
            try await loop.rounds(1)
            // The loop must not be quicker: it waits here for the thread.
            child.stdin?.close()
            let output = try await child.stdout?.read()
            #expect(output == [])
            let code = try await child.wait()
            let taken = try await stolen.value
            if taken == pid {
                #expect(code == 255)
                #expect(reports.messages.contains { $0.contains("\(pid)") && $0.contains("255") })
            } else {
                #expect(code == 0)
                #expect(reports.messages == [])
            }
            #expect(child.returnCode == code)
        }
    }

    @Test func statusTakenBeforeTheLoopLooksIs255() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessShell("exit 3", stdin: .null) { recorder }
            var status: Int32 = 0
            // On the loop's own thread: nobody can be quicker.
            #expect(waitpid(transport.pid, &status, 0) == transport.pid)
            try await recorder.untilLost()
            #expect(transport.returnCode == 255)
            #expect(reports.all.count == 1)
            // To whom that number belongs now nobody knows.
            transport.kill()
            #expect(reports.all.count == 1)
        }
    }

    @Test func processThatIgnoresTheEndOfChildrenDoesNotHang() async {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            try await onLoop { loop in
                let child = try await loop.createSubprocess(shell: "echo a; exit 3", stdout: .pipe)
                let (output, _) = try await child.communicate()
                #expect(output == octets("a\n"))
                #expect(child.returnCode == 3 || child.returnCode == 255)
                let error = await caught { try await loop.createSubprocess("/no/such/program") }
                #expect(systemCode(error) == .noSuchFile)
            }
        }
    }

    @Test func childrenOfOthersAreLeftToThem() async throws {
        try await onLoop { loop in
            let foreign = loop.runInExecutor {
                (0..<30).map { number -> Int32 in
                    guard let stream = popen("exit \(number)", "r") else { return -1 }
                    let status = pclose(stream)
                    return status >> 8 & 0xff
                }
            }
            for number in 0..<30 as Range<Int32> {
                let code = try await loop.createSubprocess(shell: "exit \(number)").wait()
                #expect(code == number)
            }
            let statuses = try await foreign.value
            #expect(statuses == Array(0..<30))
        }
    }

    @Test func closeOfTheLoopKillsAndReapsARunningChild() async throws {
        let pids = Pids()
        try await onLoop { loop in
            let child = try await loop.createSubprocess("sleep", ["3600"], stdin: .pipe, stdout: .pipe)
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessExec("sleep", ["3600"]) { recorder }
            pids.add(child.pid)
            pids.add(transport.pid)
        }
        for pid in pids.all { #expect(!processExists(pid)) }
    }

    @Test func detachedChildLivesOnWhenTheLoopIsClosed() async throws {
        let pids = Pids()
        try await onLoop { loop in
            let child = try await loop.createSubprocess("sleep", ["3600"], stdin: .null, detached: true)
            #expect(getsid(child.pid) == child.pid)
            pids.add(child.pid)
        }
        for pid in pids.all {
            #expect(processExists(pid))
            kill(pid, SIGKILL)
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid)
        }
    }

    @Test func detachedChildIsWaitedForLikeAnyOther() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(shell: "exit 4", detached: true)
            let code = try await child.wait()
            #expect(code == 4)
        }
    }

    @Test func closeOfTheLoopEndsATaskThatWaitsForAChild() async throws {
        let pids = Pids()
        try await onLoop { loop in
            loop.exceptionHandler = { _, _ in }
            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
            pids.add(child.pid)
            loop.createTask { try await child.wait() }
            loop.createTask { try await child.communicate() }
            try await loop.rounds(3)
        }
        for pid in pids.all { #expect(!processExists(pid)) }
    }

    @Test func loopThatIsDroppedOpenDoesNoHarm() async {
        await #expect(processExitsWith: .success) {
            try await onThread {
                let loop = try EventLoop()
                try loop.runUntilComplete { [unowned loop] in
                    _ = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
                }
            }
            leaveWithoutLookingForLeaks()
        }
    }

    @Test func signalsOfChildrenAreTheProcessesAgainWhenThereAreNone() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try await loop.createSubprocess("true").wait()
                try await loop.polls()
                #expect(UVSignal.hasDefaultAction(SIGCHLD))
                #expect(!hasChildren())
            }
        }
    }

    @Test func childThatIsStoppedHasNotEnded() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe)
            child.sendSignal(.stop)
            var information = siginfo_t()
            waitid(P_PID, id_t(child.pid), &information, WSTOPPED | WNOWAIT)
            try await loop.polls()
            #expect(child.returnCode == nil)
            child.kill()
            let code = try await child.wait()
            #expect(code == -SIGKILL)
        }
    }
}

/// Numbers of processes that leave the loop.
final class Pids: Sendable {
    private let lock = PthreadLock()
    // SAFETY: touched only while holding `lock`.
    private nonisolated(unsafe) var numbers: [Int32] = []

    func add(_ pid: Int32) { lock.withLock { numbers.append(pid) } }
    var all: [Int32] { lock.withLock { numbers } }
}
