// Which descriptors a child gets, and what becomes of those of this process.

import Glibc
import Testing

@testable import AsyncIO

/// Both ends do not block, and are not inherited as they are.
private func pipeThatDoesNotBlock() throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    for end in ends {
        _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
    return (ends[0], ends[1])
}

@Suite struct DescriptorInheritanceTests {
    @Test func filesAreStandardStreams() async throws {
        try await onLoop { loop in
            let (input, output, errors) = (ScratchFile("from a file"), ScratchFile(), ScratchFile())
            let child = try await loop.createSubprocess(
                shell: "cat; echo err >&2", stdin: .fileDescriptor(input.descriptor),
                stdout: .fileDescriptor(output.descriptor), stderr: .fileDescriptor(errors.descriptor))
            #expect(child.stdin == nil && child.stdout == nil && child.stderr == nil)
            let code = try await child.wait()
            #expect(code == 0)
            #expect(output.content == "from a file")
            #expect(errors.content == "err\n")
            for file in [input, output, errors] { #expect(isOpen(file.descriptor)) }
        }
    }

    @Test func socketsAreStandardStreams() async throws {
        try await onLoop { loop in
            let (ours, theirs) = try socketPair()
            let child = try await loop.createSubprocess(
                "cat", stdin: .fileDescriptor(theirs), stdout: .fileDescriptor(theirs))
            close(theirs)
            try SystemSocket(ours).setNonBlocking()
            try await loop.sockSendAll(ours, octets("there and back"))
            shutdown(ours, Int32(SHUT_WR))
            let peer = Peer(ours, loop)
            let echo = try await peer.receiveAll()
            #expect(echo == octets("there and back"))
            let code = try await child.wait()
            #expect(code == 0)
            peer.close()
        }
    }

    @Test func terminalIsAStandardStream() async throws {
        try await onLoop { loop in
            var (master, slave) = (Int32(-1), Int32(-1))
            try #require(openpty(&master, &slave, nil, nil, nil) == 0)
            for end in [master, slave] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let child = try await loop.createSubprocess(
                shell: "test -t 0 && test -t 1 && test -t 2 && echo yes >&2", stdin: .fileDescriptor(slave),
                stdout: .fileDescriptor(slave), stderr: .fileDescriptor(slave))
            let code = try await child.wait()
            #expect(code == 0)
            for end in [master, slave] { close(end) }
        }
    }

    @Test func errorsIntoTheOutputKeepTheOrder() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell: "for i in 1 2 3; do echo out$i; echo err$i >&2; done", stdout: .pipe, stderr: .stdout)
            let (output, errors) = try await child.communicate()
            #expect(output == octets("out1\nerr1\nout2\nerr2\nout3\nerr3\n"))
            #expect(errors == nil && child.stderr == nil)
            let file = ScratchFile()
            let second = try await loop.createSubprocess(
                shell: "echo out; echo err >&2", stdout: .fileDescriptor(file.descriptor), stderr: .stdout)
            try await second.wait()
            #expect(file.content == "out\nerr\n")
        }
    }

    @Test(arguments: ["</dev/stdin cat", "cat /dev/stdin", "cat /proc/self/fd/0"])
    func standardInputCanBeOpenedByName(command: String) async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(shell: command, stdin: .pipe, stdout: .pipe)
            let (output, _) = try await child.communicate(octets("text"))
            #expect(output == octets("text"))
        }
    }

    @Test func standardOutputsCanBeOpenedByName() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell: "echo a >/dev/stdout; echo b >/dev/stderr; echo c >/proc/self/fd/1", stdout: .pipe,
                stderr: .pipe)
            let (output, errors) = try await child.communicate()
            #expect(output == octets("a\nc\n"))
            #expect(errors == octets("b\n"))
        }
    }

    @Test func streamsOfAChildBlock() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell: "for i in 0 1 2; do grep flags /proc/self/fdinfo/$i 3>&2 2>/dev/null; done", stdin: .pipe,
                stdout: .pipe, stderr: .pipe)
            let (output, _) = try await child.communicate()
            let flags = asText(output ?? []).split(separator: "\n").compactMap {
                $0.split(whereSeparator: { " \t".contains($0) }).last.flatMap { Int32($0, radix: 8) }
            }
            #expect(flags.count == 3)
            #expect(flags.allSatisfy { $0 & O_NONBLOCK == 0 })
        }
    }

    @Test func onlyPassedDescriptorsAreInheritedUnderTheirOwnNumbers() async throws {
        try await onLoop { loop in
            let (passed, other) = (ScratchFile("passed"), ScratchFile("other"))
            // Without close-on-exec.
            let (open, high) = (dup(other.descriptor), fcntl(passed.descriptor, F_DUPFD, 300))
            let child = try await loop.createSubprocess(
                shell:
                    "cat /proc/self/fd/\(passed.descriptor); for fd in /proc/$$/fd/*; do echo \"\\n${fd##*/}\"; done",
                stdin: .null, stdout: .pipe, passFileDescriptors: [passed.descriptor, high, 1])
            let (output, _) = try await child.communicate()
            let lines = asText(output ?? []).split(separator: "\n")
            #expect(lines.first == "passed")
            let numbers = Set(lines.dropFirst().compactMap { Int32($0) })
            #expect(numbers.isSuperset(of: [0, 1, 2, passed.descriptor, high]))
            #expect(!numbers.contains(open))
            // A shell may keep one of its own.
            #expect(numbers.count <= 6)
            #expect(fcntl(passed.descriptor, F_GETFD) == FD_CLOEXEC)
            #expect(fcntl(high, F_GETFD) == 0)
            for descriptor in [open, high] { close(descriptor) }
        }
    }

    @Test func manyOpenDescriptorsAreClosed() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let file = ScratchFile()
                let many = (0..<500).map { _ in dup(file.descriptor) }
                let child = try await loop.createSubprocess("ls", ["/proc/self/fd"], stdin: .null, stdout: .pipe)
                let (output, _) = try await child.communicate()
                // The last one is the folder itself.
                #expect(asText(output ?? []) == "0\n1\n2\n3\n")
                for descriptor in many { #expect(fcntl(descriptor, F_GETFD) == 0) }
            }
        }
    }

    @Test func othersAreInheritedIfAskedForUnlessTheyCloseThemselves() async throws {
        try await onLoop { loop in
            let file = ScratchFile("shared")
            let open = fcntl(file.descriptor, F_DUPFD, 200)
            let child = try await loop.createSubprocess(
                shell: "cat /proc/self/fd/\(open); test -e /proc/self/fd/\(file.descriptor) || echo closed",
                stdin: .pipe, stdout: .pipe, closeFileDescriptors: false)
            let (output, _) = try await child.communicate()
            #expect(output == octets("sharedclosed\n"))
            close(open)
        }
    }

    @Test(arguments: [true, false])
    func pipesDoNotLeakIntoSiblings(closesDescriptors: Bool) async throws {
        try await onLoop { loop in
            let first = try await loop.createSubprocess(
                "cat", stdin: .pipe, stdout: .pipe, closeFileDescriptors: closesDescriptors)
            // Lives on, and would keep the first one's standard input open.
            let second = try await loop.createSubprocess(
                "cat", stdin: .pipe, stdout: .pipe, closeFileDescriptors: closesDescriptors)
            first.stdin?.close()
            let output = try await first.stdout?.read()
            #expect(output == [])
            let code = try await first.wait()
            #expect(code == 0)
            _ = try await second.communicate()
        }
    }

    @Test func standardStreamsOfThisProcessKeepTheirFlags() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let (reading, writing) = try pipeThatDoesNotBlock()
                for (number, end) in [(0, reading), (1, writing), (2, writing)] as [(Int32, Int32)] {
                    try #require(dup2(end, number) == number)
                }
                let before = (0...2).map { [fcntl($0, F_GETFD), fcntl($0, F_GETFL)] }
                try await loop.createSubprocess("true").wait()
                try await loop.createSubprocess("true", stdin: .null, stderr: .pipe).wait()
                try await loop.createSubprocess("true", stdin: .pipe, stdout: .null, stderr: .stdout).wait()
                _ = await caught { try await loop.createSubprocess("/no/such/program") }
                let after = (0...2).map { [fcntl($0, F_GETFD), fcntl($0, F_GETFL)] }
                #expect(after == before)
                #expect(after.allSatisfy { $0[1] & O_NONBLOCK != 0 })
            }
        }
    }

    @Test func descriptorsThatDoNotBlockStaySoWhenAChildGetsThem() async throws {
        try await onLoop { loop in
            let (reading, writing) = try pipeThatDoesNotBlock()
            try await loop.createSubprocess(
                "true", stdin: .fileDescriptor(reading), stdout: .fileDescriptor(writing), stderr: .stdout
            ).wait()
            for end in [reading, writing] {
                #expect(fcntl(end, F_GETFL) & O_NONBLOCK != 0)
                close(end)
            }
        }
    }

    @Test func transportOfAStandardStreamGoesOnWritingBesideAChildThatInheritsIt() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let (reading, writing) = try pipeThatDoesNotBlock()
                try #require(dup2(writing, 1) == 1)
                let (transport, _) = try await loop.connectWritePipe(fileDescriptor: 1) { PlaceholderProtocol() }
                try await loop.createSubprocess("true").wait()
                // More than the pipe takes: it would wait here for a reader that only comes after it.
                transport.write([UInt8](repeating: 7, count: 1 << 20))
                #expect(transport.writeBufferSize > 0)
                transport.abort()
                for end in [reading, writing] { close(end) }
                try await loop.polls()
            }
        }
    }

    @Test func inheritedStreamsAreThoseOfThisProcess() async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            try await onLoop { loop in
                _ = try await loop.createSubprocess(shell: "echo to output; echo to errors >&2").wait()
            }
        }
        #expect(standardOutput(of: result).contains("to output"))
        #expect(standardError(of: result).contains("to errors"))
    }

    @Test func closedStandardInputIsNotReplacedByAPipe() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                // The lowest numbers are free: pipes of ours get them.
                close(0)
                let child = try await loop.createSubprocess(
                    shell: "readlink /proc/$$/fd/0", stdin: .inherit, stdout: .pipe, stderr: .pipe)
                let (output, _) = try await child.communicate()
                #expect(output == octets("/dev/null\n"))
            }
        }
    }

    @Test func allStandardStreamsOfThisProcessMayBeClosed() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                for number in 0...2 as ClosedRange<Int32> { close(number) }
                let child = try await loop.createSubprocess(
                    shell: "cat; for i in 0 1 2; do readlink /proc/$$/fd/$i; done; echo err >&2", stdin: .pipe,
                    stdout: .pipe, stderr: .pipe)
                let (output, errors) = try await child.communicate(octets("in\n"))
                let lines = asText(output ?? []).split(separator: "\n")
                guard lines.count == 4, lines.first == "in", lines.dropFirst().allSatisfy({ $0.hasPrefix("pipe:") }),
                    errors == octets("err\n")
                else { exit(EXIT_FAILURE) }
                let inheriting = try await loop.createSubprocess(
                    shell: "readlink /proc/$$/fd/0; readlink /proc/$$/fd/2", stdin: .inherit, stdout: .pipe,
                    stderr: .inherit)
                let (links, _) = try await inheriting.communicate()
                guard links == octets("/dev/null\n/dev/null\n") else { exit(EXIT_FAILURE) }
                // The failure is told through a pipe with a low number, too.
                let error = await caught { try await loop.createSubprocess("/no/such/program", stdin: .pipe) }
                guard systemCode(error) == .noSuchFile else { exit(EXIT_FAILURE) }
            }
        }
    }

    @Test func loopsOwnDescriptorsWithLowNumbersAreNotInherited() async {
        await #expect(processExitsWith: .success) {
            try await onThread {
                for number in 0...2 as ClosedRange<Int32> { close(number) }
                let links = try AsyncIO.run { loop in
                    let child = try await loop.createSubprocess(
                        shell: "readlink /proc/$$/fd/0; readlink /proc/$$/fd/2", stdout: .pipe)
                    return asText(try await child.communicate().stdout ?? [])
                }
                guard links == "/dev/null\n/dev/null\n" else { exit(EXIT_FAILURE) }
            }
        }
    }

    @Test func streamsMayChangePlaces() async throws {
        try await onLoop { loop in
            let (out, err) = (ScratchFile(), ScratchFile())
            // In this child its own 1 and 2 are swapped; its child is told to swap them again.
            let child = try await loop.createSubprocess(
                shell: "echo a; echo b >&2", stdin: .null, stdout: .fileDescriptor(err.descriptor),
                stderr: .fileDescriptor(out.descriptor))
            try await child.wait()
            #expect(err.content == "a\n")
            #expect(out.content == "b\n")
        }
    }

    @Test func outputAndErrorsOfThisProcessMayBeSwapped() async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardErrorContent, \.standardOutputContent]
        ) {
            try await onLoop { loop in
                _ = try await loop.createSubprocess(
                    shell: "echo one; echo two >&2", stdout: .fileDescriptor(2), stderr: .fileDescriptor(1)
                ).wait()
            }
        }
        #expect(standardOutput(of: result).contains("two"))
        #expect(standardError(of: result).contains("one"))
    }
}
