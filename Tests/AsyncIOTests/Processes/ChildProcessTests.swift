// Child processes with streams: their ends, signals, and rounds of question and answer.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct ChildProcessTests {
    @Test(arguments: [0, 1, 7, 127, 255])
    func exitStatusIsTheReturnCode(status: Int32) async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(shell: "exit \(status)")
            let code = try await child.wait()
            #expect(code == status)
            #expect(child.returnCode == status)
            let again = try await child.wait()
            #expect(again == status)
        }
    }

    @Test(arguments: [SIGTERM, SIGKILL, SIGINT, SIGUSR1, SIGSEGV])
    func signalThatEndsItIsANegativeReturnCode(number: Int32) async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("sleep", ["3600"])
            #expect(child.returnCode == nil)
            child.sendSignal(Signal(rawValue: number))
            let code = try await child.wait()
            #expect(code == -number)
        }
    }

    @Test func terminateAndKill() async throws {
        try await onLoop { loop in
            let polite = try await loop.createSubprocess("sleep", ["3600"])
            polite.terminate()
            let first = try await polite.wait()
            #expect(first == -SIGTERM)
            let blunt = try await loop.createSubprocess("sleep", ["3600"])
            blunt.kill()
            let second = try await blunt.wait()
            #expect(second == -SIGKILL)
        }
    }

    @Test func childThatIgnoresTerminationIsKilled() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell: "trap '' TERM; echo ready; while :; do read x; done", stdin: .pipe, stdout: .pipe)
            _ = try await child.stdout?.readLine()
            child.terminate()
            child.stdin?.write("a\n")
            try await loop.polls()
            #expect(child.returnCode == nil)
            child.kill()
            let code = try await child.wait()
            #expect(code == -SIGKILL)
        }
    }

    @Test func signalsReachItBetweenQuestionsAndAnswers() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell:  // A signal breaks `read` off.
                    "trap 'echo hup' HUP; echo ready; until [ \"$line\" = last ]; do read line && echo \"got $line\"; done; echo end",
                stdin: .pipe, stdout: .pipe)
            let (stdin, stdout) = (try #require(child.stdin), try #require(child.stdout))
            var answers = [asText(try await stdout.readLine())]
            for round in 0..<3 {
                stdin.write("\(round)\n")
                try await stdin.drain()
                answers.append(asText(try await stdout.readLine()))
            }
            #expect(answers == ["ready\n", "got 0\n", "got 1\n", "got 2\n"])
            child.sendSignal(.hangUp)
            let signalled = asText(try await stdout.readLine())
            #expect(signalled == "hup\n")
            stdin.write("last\n")
            let rest = asText(try await stdout.read())
            #expect(rest == "got last\nend\n")
            let code = try await child.wait()
            #expect(code == 0)
        }
    }

    @Test func signalAfterTheEndDoesNothing() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let child = try await loop.createSubprocess("true")
            try await child.wait()
            child.sendSignal(.user1)
            child.terminate()
            child.kill()
            #expect(reports.messages == [])
            #expect(child.returnCode == 0)
        }
    }

    @Test func signalBeforeTheLoopHasHeardOfTheEndDoesNothing() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let child = try await loop.createSubprocess("true")
            var information = siginfo_t()
            // Ended, and neither reaped nor heard of.
            waitid(P_PID, id_t(child.pid), &information, WEXITED | WNOWAIT)
            child.kill()
            let code = try await child.wait()
            #expect(code == 0)
            #expect(reports.messages == [])
        }
    }

    @Test(arguments: [-1, 65, 4711, Int32.min])
    func nonsenseForASignalIsReported(number: Int32) async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let child = try await loop.createSubprocess("sleep", ["3600"])
            child.sendSignal(Signal(rawValue: number))
            #expect(reports.all.count == 1)
            #expect(systemCode(reports.all.first?.exception) == .invalidArgument)
            #expect((reports.all.first?.exception as? IOError)?.operation == "kill")
            child.kill()
            let code = try await child.wait()
            #expect(code == -SIGKILL)
        }
    }

    @Test func signalZeroOnlyAsks() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let child = try await loop.createSubprocess("cat", stdin: .pipe)
            child.sendSignal(0)
            child.stdin?.close()
            let code = try await child.wait()
            #expect(code == 0)
            #expect(reports.messages == [])
        }
    }

    @Test func numberIsTheChildsOwnAndStaysKnown() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(shell: "echo $$", stdout: .pipe)
            let (output, errors) = try await child.communicate()
            #expect(asText(output ?? []) == "\(child.pid)\n")
            #expect(errors == nil)
            #expect(!processExists(child.pid))
            #expect(child.pid > 1)
        }
    }

    @Test func manyTasksWaitForTheSameChild() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe)
            let waits = (0..<10).map { _ in loop.createTask { try await child.wait() } }
            try await loop.rounds(3)
            waits[3].cancel()
            child.terminate()
            let results = try await loop.gatherResults(waits).map { try? $0.get() }
            #expect(results == (0..<10).map { $0 == 3 ? nil : -SIGTERM })
        }
    }

    @Test func cancelledWaitLeavesTheChildAndCanBeRepeated() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe)
            for _ in 0..<5 {
                let waiting = loop.createTask { try await child.wait() }
                try await loop.rounds(2)
                waiting.cancel()
                #expect(await settled(waiting) == "cancelled")
            }
            #expect(processExists(child.pid))
            child.stdin?.close()
            let code = try await child.wait()
            #expect(code == 0)
        }
    }

    @Test func waitReturnsAtTheEndAlthoughAGrandchildHoldsThePipe() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell: "sleep 3600 & echo $!; kill -KILL $$", stdout: .pipe, stderr: .stdout)
            let line = try #require(try await child.stdout?.readLine())
            let code = try await child.wait()
            #expect(code == -SIGKILL)
            let grandchild = try #require(Int32(asText(line.dropLast())))
            #expect(processExists(grandchild))
            kill(grandchild, SIGKILL)
            // Only now is that the end of the output.
            let rest = try await child.stdout?.read()
            #expect(rest == [])
        }
    }

    @Test func writingToADeadChildIsAnError() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("true", stdin: .pipe)
            try await child.wait()
            let stdin = try #require(child.stdin)
            let error = await caught {
                for _ in 0..<100 {
                    stdin.write([UInt8](repeating: 120, count: 65536))
                    try await stdin.drain()
                }
            }
            #expect(systemCode(error) == .brokenPipe || systemCode(error) == .connectionReset)
        }
    }

    @Test func childWritingToAClosedEndGetsABrokenPipe() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessExec("yes", stdin: .null, stderr: .null) { recorder }
            try await recorder.until { recorder.output[1] != nil }
            transport.pipeTransport(1)?.close()
            try await recorder.untilLost()
            #expect(transport.returnCode == -SIGPIPE)
        }
    }

    @Test func childWritingToAReaderThatIsDroppedGetsABrokenPipe() async throws {
        try await onLoop { loop in
            var child: ChildProcess? = try await loop.createSubprocess("yes", stdin: .null, stdout: .pipe)
            _ = try await child?.stdout?.readLine()
            let pid = child?.pid ?? -1
            child = nil
            try await loop.untilTrue { !processExists(pid) }
        }
    }

    @Test func droppingARunningChildDoesNotEndItAndItIsReaped() async throws {
        try await onLoop { loop in
            let pid = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe).pid
            // Its standard input has gone with the object, and so it ends.
            try await loop.untilTrue { !processExists(pid) }
            let other = try await loop.createSubprocess("sleep", ["3600"]).pid
            try await loop.polls()
            #expect(processExists(other))
            kill(other, SIGKILL)
            try await loop.untilTrue { !processExists(other) }
        }
    }

    @Test func streamsOutliveTheirChild() async throws {
        try await onLoop { loop in
            let stdout = try await loop.createSubprocess(shell: "sleep 0.05; echo later", stdout: .pipe).stdout
            let text = try await stdout?.read()
            #expect(text == octets("later\n"))
        }
    }

    @Test func readerHasTheLimitThatWasAskedFor() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(shell: "printf '%0100d\\n' 1", stdout: .pipe, limit: 10)
            let error = await caught { try await child.stdout?.readLine() }
            #expect(error != nil)
            try await child.wait()
            let refused = await caught { try await loop.createSubprocess("true", limit: 0) }
            #expect(loopCode(refused) == .invalidArgument)
        }
    }
}
