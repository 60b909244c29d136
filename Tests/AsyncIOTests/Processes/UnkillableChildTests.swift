// Children that this process may not send signals to, as those of `sudo` are. Nobody waits for them in vain.

import Glibc
import Testing

@testable import AsyncIO

@Suite(.enabled(if: geteuid() == 0)) struct UnkillableChildTests {
    @Test func closeOfTheLoopLeavesSuchAChildAndNamesIt() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let pids = Pids()
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            let (reading, writing) = (ends[0], ends[1])
            try await onLoop { loop in
                pids.add(try await loop.createSubprocess("cat", stdin: .fileDescriptor(reading)).pid)
                dropPrivileges()
            }
            regainPrivileges()
            // It waits for the end of this, and was not disturbed.
            close(writing)
            for pid in pids.all {
                var status: Int32 = 0
                #expect(waitpid(pid, &status, 0) == pid)
                #expect(status == 0)
                StandardError.print("pid: \(pid)")
            }
        }
        let output = standardError(of: result)
        let pid = output.split(separator: "\n").last { $0.hasPrefix("pid: ") }?.dropFirst(5) ?? "?"
        #expect(output.contains("Child process \(pid) goes on"))
    }

    @Test func closeOfTheLoopCollectsSuchAChildThatHasEnded() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await withLoop { loop in
                let pid = try loop.runUntilComplete { [unowned loop] in try await loop.createSubprocess("true").pid }
                dropPrivileges()
                // It ends while nobody looks.
                var information = siginfo_t()
                #expect(waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) == 0)
            }
            regainPrivileges()
            #expect(!hasChildren())
        }
        #expect(!standardError(of: result).contains("goes on"))
    }

    @Test func startThatIsCancelledDoesNotWaitForSuchAChild() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let reports = Reports(of: loop)
                let starting = loop.createTask { try await loop.createSubprocess("sleep", ["3600"]) }
                try await loop.untilTrue { !loop.processState.children.isEmpty }
                let pid = try #require(loop.processState.children.keys.first)
                dropPrivileges()
                starting.cancel()
                #expect(await settled(starting) == "cancelled")
                #expect(reports.all.map { systemCode($0.exception) } == [.notPermitted])
                regainPrivileges()
                // The loop reaps it all the same.
                kill(pid, SIGKILL)
                try await loop.untilTrue { loop.processState.children.isEmpty }
                #expect(!hasChildren())
            }
        }
    }

    @Test func closeOfATransportSaysNothingAboutSuchAChild() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let reports = Reports(of: loop)
                let recorder = ChildRecorder(loop)
                let (transport, _) = try await loop.subprocessExec("sleep", ["3600"]) { recorder }
                dropPrivileges()
                transport.close()
                #expect(reports.messages == [])
                // Who asks for a signal by name is told.
                transport.kill()
                #expect(reports.all.map { systemCode($0.exception) } == [.notPermitted])
                regainPrivileges()
                transport.kill()
                try await recorder.untilLost()
            }
        }
    }
}

/// Makes this process somebody who may not send signals to root's.
private func dropPrivileges() {
    #expect(setreuid(54321, 0) == 0)
    #expect(seteuid(54321) == 0)
}

private func regainPrivileges() {
    #expect(seteuid(0) == 0)
    #expect(setreuid(0, 0) == 0)
}
