// Child processes with protocols: the order of events, closing, and errors of the protocol.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct SubprocessTransportTests {
    @Test func eventsComeInOrder() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            let (transport, connection) = try await loop.subprocessShell("cat; exit 7", stderr: .null) { recorder }
            #expect(connection === recorder)
            #expect(recorder.events == ["made"])
            #expect(recorder.transport === transport)
            let stdin = try #require(transport.pipeTransport(0))
            stdin.write("text")
            try await recorder.until { recorder.output[1] != nil }
            #expect(recorder.text(1) == "text")
            #expect(transport.returnCode == nil)
            #expect(!transport.isClosing)
            stdin.close()
            try await recorder.untilLost()
            #expect(recorder.story.prefix(2) == ["made", "data 1"])
            #expect(recorder.story.last == "lost")
            #expect(Set(recorder.story.dropFirst(2).dropLast()) == ["pipe 0", "pipe 1", "exited"])
            #expect(recorder.story.count == 6)
            #expect(recorder.lostErrors.count == 1)
            #expect(recorder.lostErrors.allSatisfy { $0 == nil })
            #expect(recorder.pipeErrors.isEmpty)
            #expect(transport.returnCode == 7)
            #expect(transport.isClosing)
        }
    }

    @Test func numberStatusAndPipesStayKnownAfterTheEnd() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessExec("sh", ["-c", "echo $$"]) { recorder }
            try await recorder.untilLost()
            #expect(recorder.text(1) == "\(transport.pid)\n")
            #expect(transport.returnCode == 0)
            for number in 0...2 as ClosedRange<Int32> { #expect(transport.pipeTransport(number) != nil) }
            for number in [-1, 3, 5, .max] as [Int32] { #expect(transport.pipeTransport(number) == nil) }
            #expect(!processExists(transport.pid))
        }
    }

    @Test func streamsThatAreNoPipesHaveNoTransport() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessExec(
                "true", stdin: .null, stdout: .inherit, stderr: .stdout
            ) { recorder }
            for number in 0...2 as ClosedRange<Int32> { #expect(transport.pipeTransport(number) == nil) }
            try await recorder.untilLost()
            #expect(recorder.events == ["made", "exited", "lost"])
        }
    }

    @Test func outputAndErrorsAreToldApartOrMerged() async throws {
        try await onLoop { loop in
            let apart = ChildRecorder(loop)
            _ = try await loop.subprocessShell("echo out; echo err >&2") { apart }
            try await apart.untilLost()
            #expect(apart.text(1) == "out\n")
            #expect(apart.text(2) == "err\n")
            let merged = ChildRecorder(loop)
            _ = try await loop.subprocessShell("echo out; echo err >&2", stderr: .stdout) { merged }
            try await merged.untilLost()
            #expect(merged.text(1) == "out\nerr\n")
            #expect(merged.output[2] == nil)
            #expect(!merged.events.contains("pipe 2"))
        }
    }

    @Test func allOutputComesBeforeTheLastCall() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            _ = try await loop.subprocessExec("head", ["-c", "3000000", "/dev/zero"]) { recorder }
            try await recorder.untilLost()
            #expect(recorder.output[1]?.count == 3_000_000)
            #expect(recorder.events.last == "lost")
        }
    }

    @Test func closeKillsAndReapsAndIsIdempotent() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessExec("sleep", ["3600"]) { recorder }
            transport.close()
            #expect(transport.isClosing)
            #expect(transport.returnCode == nil)
            transport.close()
            try await recorder.untilLost()
            #expect(transport.returnCode == -SIGKILL)
            #expect(!processExists(transport.pid))
            transport.close()
            transport.kill()
            transport.sendSignal(.user1)
            try await loop.polls()
            #expect(recorder.count(of: "lost") == 1)
            #expect(recorder.count(of: "exited") == 1)
            #expect(Set(recorder.story) == ["made", "pipe 0", "pipe 1", "pipe 2", "exited", "lost"])
            #expect(reports.messages == [])
        }
    }

    @Test func closeAfterTheEndSignalsNobody() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let recorder = ChildRecorder(loop)
            // A grandchild that was handed the pipe keeps the transport open after the end of the child.
            let (transport, _) = try await loop.subprocessShell("sleep 3600 & echo $!") { recorder }
            try await recorder.until { recorder.events.contains("exited") }
            #expect(transport.returnCode == 0)
            #expect(!recorder.isLost)
            try await recorder.until { recorder.text(1).hasSuffix("\n") }
            transport.close()
            try await recorder.untilLost()
            #expect(transport.returnCode == 0)
            #expect(reports.messages == [])
            let grandchild = try #require(Int32(recorder.text(1).dropLast()))
            #expect(processExists(grandchild))
            kill(grandchild, SIGKILL)
        }
    }

    @Test(arguments: ["made", "data 1", "pipe 1", "exited", "lost"])
    func closeIsAllowedInEveryCall(event: String) async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            recorder.actions[event] = { [unowned recorder] in recorder.transport?.close() }
            let (transport, _) = try await loop.subprocessShell("echo out") { recorder }
            try await recorder.untilLost()
            try await loop.polls()
            #expect(recorder.count(of: "lost") == 1)
            #expect(recorder.count(of: "exited") == 1)
            #expect(recorder.events.last == "lost")
            #expect(transport.returnCode == 0 || transport.returnCode == -SIGKILL)
        }
    }

    @Test(arguments: ["made", "data 1", "pipe 0", "pipe 1", "exited", "lost"])
    func errorOfEveryCallIsReportedAndTheRestGoesOn(event: String) async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let recorder = ChildRecorder(loop)
            recorder.actions[event] = { throw TestError(name: event) }
            let (transport, _) = try await loop.subprocessShell("echo 1; read x; echo 2") { recorder }
            // What comes after the error of the first piece is a piece of its own.
            try await recorder.until { recorder.text(1) == "1\n" }
            transport.pipeTransport(0)?.write("go on\n")
            try await recorder.untilLost()
            try await loop.polls()
            #expect(reports.all.map { $0.exception as? TestError } == [TestError(name: event)])
            #expect(recorder.text(1) == "1\n2\n")
            #expect(recorder.pipeErrors.isEmpty)
            #expect(recorder.events.last == "lost")
            #expect(recorder.events.contains("exited"))
        }
    }

    @Test func everyErrorAboutDataIsReportedAlsoOneOfTheSystem() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let recorder = ChildRecorder(loop)
            for event in ["data 1", "more"] {
                recorder.actions[event] = {
                    throw IOError(code: .brokenPipe, operation: event, reason: "of the test")
                }
            }
            let (transport, _) = try await loop.subprocessShell("echo 1; read x; echo 2") { recorder }
            try await recorder.until { recorder.text(1) == "1\n" }
            transport.pipeTransport(0)?.write("go on\n")
            try await recorder.untilLost()
            #expect(reports.all.map { ($0.exception as? IOError)?.operation } == ["data 1", "more"])
            #expect(recorder.text(1) == "1\n2\n")
            #expect(recorder.pipeErrors.isEmpty)
        }
    }

    @Test func writingPausesWhileTheChildDoesNotRead() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessShell("read line; cat >/dev/null") { recorder }
            let stdin = try #require(transport.pipeTransport(0))
            transport.sendSignal(.stop)
            stdin.write([UInt8](repeating: 120, count: 1_000_000))
            try await recorder.until { recorder.events.contains("pause") }
            #expect(!recorder.events.contains("resume"))
            #expect(stdin.writeBufferSize > 0)
            transport.sendSignal(.continue)
            stdin.write("\n")
            try await recorder.until { recorder.events.contains("resume") }
            stdin.close()
            try await recorder.untilLost()
            #expect(transport.returnCode == 0)
        }
    }

    @Test func pipesOfAChildRefuseTheOtherDirection() async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessExec("cat") { recorder }
            let (stdin, stdout) = (try #require(transport.pipeTransport(0)), try #require(transport.pipeTransport(1)))
            #expect(stdin.canWriteEOF)
            #expect(!stdin.isReading)
            #expect(stdout.isReading)
            #expect(!stdout.canWriteEOF)
            stdin.pauseReading()
            stdin.resumeReading()
            #expect(!stdin.isReading)
            stdout.write("nothing comes of it")
            stdout.writeEOF()
            #expect(stdout.writeBufferSize == 0)
            stdin.write("x")
            stdin.writeEOF()
            try await recorder.untilLost()
            #expect(recorder.text(1) == "x")
            #expect(transport.returnCode == 0)
            _ = reports
        }
    }

    @Test func readingCanBePaused() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessExec("cat") { recorder }
            let stdout = try #require(transport.pipeTransport(1))
            stdout.pauseReading()
            transport.pipeTransport(0)?.write("later")
            try await loop.polls()
            #expect(recorder.output[1] == nil)
            stdout.resumeReading()
            try await recorder.until { recorder.output[1] != nil }
            transport.pipeTransport(0)?.close()
            try await recorder.untilLost()
        }
    }

    @Test func pipeTransportThatIsClosedOnItsOwnLeavesTheRest() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            let (transport, _) = try await loop.subprocessExec("cat") { recorder }
            transport.pipeTransport(2)?.close()
            try await recorder.until { recorder.events.contains("pipe 2") }
            transport.pipeTransport(0)?.write("still there")
            try await recorder.until { recorder.text(1) == "still there" }
            transport.terminate()
            try await recorder.untilLost()
            #expect(transport.returnCode == -SIGTERM)
        }
    }

    @Test func childThatEndsAtOnceIsSeenInOrder() async throws {
        try await onLoop { loop in
            for _ in 0..<50 {
                let recorder = ChildRecorder(loop)
                _ = try await loop.subprocessExec("true", stdin: .null, stdout: .null, stderr: .null) { recorder }
                try await recorder.untilLost()
                #expect(recorder.events == ["made", "exited", "lost"])
            }
        }
    }

    @Test func newProtocolGetsEverythingFromTheNextEventOn() async throws {
        try await onLoop { loop in
            let (first, second) = (ChildRecorder(loop), ChildRecorder(loop))
            let (transport, _) = try await loop.subprocessShell("echo 1; read x; echo 2", stderr: .null) { first }
            #expect(transport.transportProtocol === first)
            try await first.until { first.text(1) == "1\n" }
            transport.transportProtocol = second
            #expect(transport.transportProtocol === second)
            transport.pipeTransport(0)?.write("go on\n")
            try await second.untilLost()
            #expect(first.events == ["made", "data 1"])
            #expect(Set(second.story) == ["data 1", "pipe 0", "pipe 1", "exited", "lost"])
            #expect(second.text(1) == "2\n")
            // It is known also after the end, but not kept.
            try await loop.polls()
            #expect(transport.transportProtocol === second)
            transport.transportProtocol = first
            #expect(transport.transportProtocol === first)
        }
    }

    @Test func protocolMayHaveNoMethods() async throws {
        try await onLoop { loop in
            final class Silent: SubprocessProtocol {}
            let (transport, _) = try await loop.subprocessExec("echo") { Silent() }
            try await loop.untilTrue { transport.returnCode != nil && transport.isClosing }
            #expect(transport.returnCode == 0)
        }
    }

    @Test func transportAndProtocolAreFreedAfterTheEnd() async throws {
        try await onLoop { loop in
            weak var kept: ChildRecorder?
            weak var keptTransport: SubprocessTransport?
            do {
                let recorder = ChildRecorder(loop)
                let (transport, _) = try await loop.subprocessExec("true") { recorder }
                (kept, keptTransport) = (recorder, transport)
                try await recorder.untilLost()
            }
            try await loop.polls()
            // The recorder knows its transport, and the transport its protocol: asyncio's protocols do so too.
            kept?.transport = nil
            #expect(kept == nil)
            #expect(keptTransport == nil)
        }
    }
}
