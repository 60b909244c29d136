// communicate: everything in, everything out, and no dead lock.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct CommunicateTests {
    @Test func inputComesBackThroughTheChild() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
            let (output, errors) = try await child.communicate(octets("some data"))
            #expect(output == octets("some data"))
            #expect(errors == nil)
            #expect(child.returnCode == 0)
        }
    }

    @Test(arguments: [nil, []] as [[UInt8]?])
    func standardInputIsClosedWithoutInput(input: [UInt8]?) async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
            let (output, _) = try await child.communicate(input)
            #expect(output == [])
        }
    }

    @Test func inputIsIgnoredWithoutAPipe() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .null, stdout: .pipe)
            let (output, _) = try await child.communicate(octets("lost"))
            #expect(output == [])
        }
    }

    @Test func outputAndErrorsAreSeparate() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(shell: "echo out; echo err >&2", stdout: .pipe, stderr: .pipe)
            let (output, errors) = try await child.communicate()
            #expect(output == octets("out\n"))
            #expect(errors == octets("err\n"))
        }
    }

    @Test func withoutPipesThereIsNothing() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("true")
            let (output, errors) = try await child.communicate(octets("x"))
            #expect(output == nil && errors == nil)
            #expect(child.stdin == nil && child.stdout == nil && child.stderr == nil)
            #expect(child.returnCode == 0)
        }
    }

    @Test(arguments: [8192, 8193, 65535, 65536, 65537, 219_263, 219_264, 1_000_000, 5_000_000])
    func largeInputComesBackThroughTheChild(count: Int) async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
            let input = noise(count)
            let (output, _) = try await child.communicate(input)
            #expect(output?.count == count)
            #expect(output == input)
        }
    }

    @Test(arguments: [8192, 8193, 219_263, 219_264])
    func writesWithDrainArriveCompletely(count: Int) async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("wc", ["-c"], stdin: .pipe, stdout: .pipe)
            let stdin = try #require(child.stdin)
            stdin.write([UInt8](repeating: 120, count: count))
            try await stdin.drain()
            let (output, _) = try await child.communicate()
            #expect(asText(output ?? []).contains("\(count)"))
        }
    }

    @Test func floodOnOneStreamDoesNotBlockTheOther() async throws {
        // Under a sanitizer the memory for more takes too long.
        let megabytes = isBuiltWithSanitizer ? 5 : 100
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell: "head -c \(megabytes)000000 /dev/zero >&2; echo end", stdout: .pipe, stderr: .pipe)
            let (output, errors) = try await child.communicate()
            #expect(output == octets("end\n"))
            #expect(errors?.count == megabytes * 1_000_000)
        }
    }

    @Test(arguments: ["exec true", "exec 0<&-; echo on", "head -c 1 >/dev/null"])
    func childThatReadsNotEverythingIsNoError(command: String) async throws {
        try await onLoop { loop in
            let reports = Reports(of: loop)
            let child = try await loop.createSubprocess(shell: command, stdin: .pipe, stdout: .pipe)
            _ = try await child.communicate([UInt8](repeating: 120, count: 3_000_000))
            #expect(child.returnCode == 0)
            #expect(reports.messages == [])
        }
    }

    @Test func childThatHasEndedIsNoError() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(shell: "echo done", stdin: .pipe, stdout: .pipe)
            try await child.wait()
            try await loop.polls()
            let (output, _) = try await child.communicate([UInt8](repeating: 120, count: 3_000_000))
            #expect(output == octets("done\n"))
        }
    }

    @Test func standardInputThatWasClosedIsNoError() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
            child.stdin?.write("before")
            child.stdin?.close()
            let (output, _) = try await child.communicate()
            #expect(output == octets("before"))
        }
    }

    @Test func cancelledCommunicateLeavesTheChildAndCanBeRepeated() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe, stderr: .pipe)
            let input = noise(2_000_000)
            // So much that it cannot have been written, with the output not read.
            let talking = loop.createTask { try await child.communicate(input) }
            try await loop.rounds(1)
            talking.cancel()
            _ = await settled(talking)
            #expect(talking.isCancelled)
            #expect(child.returnCode == nil)
            let (output, errors) = try await child.communicate()
            #expect((output?.count ?? 0) <= input.count)
            #expect(errors == [])
            #expect(child.returnCode == 0)
        }
    }

    @Test(arguments: 0..<12)
    func cancellationInAnyRoundLeavesNothingBehind(round: Int) async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
            let talking = loop.createTask { try await child.communicate(octets("text")) }
            try await loop.rounds(round)
            talking.cancel()
            _ = await settled(talking)
            let (output, _) = try await child.communicate()
            #expect(output == [] || output == octets("text"))
            let code = try await child.wait()
            #expect(code == 0)
            #expect(loop.allTasks.count == 1)
        }
    }
}
