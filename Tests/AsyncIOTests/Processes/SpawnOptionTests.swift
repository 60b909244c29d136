// What a child is started with: program, environment, folder, user, groups, session.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct SpawnOptionTests {
    private static let isRoot = geteuid() == 0

    @Test func argumentsArriveAsTheyAre() async throws {
        try await onLoop { loop in
            let arguments = ["%s\\n", "", "a b", "$HOME", "'", "\"", "é\u{1F600}", "-n", "*"]
            let child = try await loop.createSubprocess("printf", arguments, stdout: .pipe)
            let (output, _) = try await child.communicate()
            #expect(asText(output ?? []) == arguments.dropFirst().map { $0 + "\n" }.joined())
        }
    }

    @Test func environmentIsReplaced() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                "/usr/bin/env", stdout: .pipe, environment: ["ONE": "1", "TWO": "a=b\nc", "EMPTY": ""])
            let (output, _) = try await child.communicate()
            #expect(Set(asText(output ?? []).split(separator: "\n")) == ["ONE=1", "TWO=a=b", "c", "EMPTY="])
        }
    }

    @Test func emptyEnvironmentIsEmpty() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("/usr/bin/env", stdout: .pipe, environment: [:])
            let (output, _) = try await child.communicate()
            #expect(output == [])
        }
    }

    @Test func programIsFoundWithoutAnEnvironment() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let environment = try loop.system.environment
                clearenv()
                // The end of this test is told by means of the environment.
                defer { for (name, value) in environment { setenv(name, value, 1) } }
                let child = try await loop.createSubprocess("env", stdout: .pipe)
                let (output, _) = try await child.communicate()
                #expect(output == [])
                #expect(child.returnCode == 0)
            }
        }
    }

    @Test func environmentIsInheritedByDefaultAndSeenByAShell() async throws {
        try await onLoop { loop in
            let inherited = try await loop.shellOutput("echo $PATH")
            #expect(inherited == "\(String(cString: getenv("PATH")))\n")
            let own = try await loop.shellOutput("echo $FOO", environment: ["FOO": "bar"])
            #expect(own == "bar\n")
        }
    }

    @Test(arguments: ["", "A=B", "=", "A\0", "\0"])
    func nameThatNoVariableCanHaveIsRefused(name: String) async throws {
        try await onLoop { loop in
            let error = await caught { try await loop.createSubprocess("true", environment: [name: "x"]) }
            #expect(loopCode(error) == .invalidArgument)
            #expect(text(of: error).contains("environment"))
        }
    }

    @Test func workingDirectory() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("pwd", ["-P"], stdout: .pipe, workingDirectory: "/usr")
            let (output, _) = try await child.communicate()
            #expect(output == octets("/usr\n"))
        }
    }

    @Test func programIsLookedForFromTheWorkingDirectory() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                "./sh", ["-c", "exit 5"], workingDirectory: "/bin")
            let code = try await child.wait()
            #expect(code == 5)
        }
    }

    @Test func programIsLookedForInThePathThatTheChildGets() async {
        // In a process of its own: another test's child could hold the file open for writing, if only for a moment.
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let first = ScratchProgram("#!/bin/sh\nexit 1\n", mode: 0o644)
                let second = ScratchProgram("#!/bin/sh\nexit 2\n")
                let third = ScratchProgram("#!/bin/sh\nexit 3\n")
                // The first one that can be executed counts.
                for (folders, expected) in [
                    ([first, second, third], 2), ([first, third, second], 3),
                ] as [([ScratchProgram], Int32)] {
                    let path = ["/no/such/folder", "/etc/passwd"] + folders.map(\.folder.path)
                    let child = try await loop.createSubprocess(
                        "program", environment: ["PATH": path.joined(separator: ":")])
                    let code = try await child.wait()
                    #expect(code == expected)
                }
                // An empty entry is the working directory.
                for path in [":/no/such/folder", "/no/such/folder:", "/no/such/folder::/etc"] {
                    let child = try await loop.createSubprocess(
                        "program", environment: ["PATH": path], workingDirectory: third.folder.path)
                    let code = try await child.wait()
                    #expect(code == 3)
                }
                let refused = await caught {
                    try await loop.createSubprocess(
                        "program", environment: ["PATH": "\(first.folder.path):/no/such/folder"])
                }
                #expect(systemCode(refused) == .permissionDenied)
                let missing = await caught {
                    try await loop.createSubprocess("program", environment: ["PATH": "/usr/bin:/bin"])
                }
                #expect(systemCode(missing) == .noSuchFile)
                // Without any, the system's own.
                let code = try await loop.createSubprocess("true", environment: [:]).wait()
                #expect(code == 0)
            }
        }
    }

    @Test func executableIsNotTheFirstArgument() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                "a name", ["-c", "echo $0; tr '\\0' '|' </proc/$$/cmdline"], stdout: .pipe, executable: "/bin/sh")
            let (output, _) = try await child.communicate()
            #expect(asText(output ?? []).hasPrefix("a name\na name|-c|"))
        }
    }

    @Test func shellCanBeAnother() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell: "echo $0", stdout: .pipe, executable: "/bin/echo")
            let (output, _) = try await child.communicate()
            #expect(output == octets("-c echo $0\n"))
        }
    }

    @Test func newSession() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("cat", stdin: .pipe, startNewSession: true)
            #expect(getsid(child.pid) == child.pid)
            let other = try await loop.createSubprocess("cat", stdin: .pipe)
            #expect(getsid(other.pid) == getsid(0))
            #expect(getpgid(other.pid) == getpgrp())
            for process in [child, other] { _ = try await process.communicate() }
        }
    }

    @Test func processGroupOfItsOwnOrOfAnother() async throws {
        try await onLoop { loop in
            let first = try await loop.createSubprocess("cat", stdin: .pipe, processGroup: 0)
            #expect(getpgid(first.pid) == first.pid)
            let second = try await loop.createSubprocess("cat", stdin: .pipe, processGroup: first.pid)
            #expect(getpgid(second.pid) == first.pid)
            // A signal to the group reaches both.
            kill(-first.pid, SIGTERM)
            for process in [first, second] {
                let code = try await process.wait()
                #expect(code == -SIGTERM)
            }
        }
    }

    @Test func processGroupThatIsNotThereIsAnError() async throws {
        try await onLoop { loop in
            let error = await caught { try await loop.createSubprocess("true", processGroup: 1) }
            #expect(systemCode(error) == .notPermitted)
            #expect((error as? IOError)?.operation == "setpgid")
            #expect((error as? IOError)?.subject == "true")
        }
    }

    @Test func processGroupExcludesASession() async throws {
        try await onLoop { loop in
            for (session, detached) in [(true, false), (false, true)] {
                let error = await caught {
                    try await loop.createSubprocess(
                        "true", processGroup: 0, startNewSession: session, detached: detached)
                }
                #expect(loopCode(error) == .invalidArgument)
            }
            let negative = await caught { try await loop.createSubprocess("true", processGroup: -2) }
            #expect(loopCode(negative) == .invalidArgument)
        }
    }

    @Test func fileModeMask() async throws {
        try await onLoop { loop in
            let own = umask(0o022)
            umask(own)
            for mask in [0, 0o027, 0o777] as [UInt32] {
                let child = try await loop.createSubprocess(shell: "umask", stdout: .pipe, umask: mask)
                let (output, _) = try await child.communicate()
                #expect(Int(asText((output ?? []).dropLast()), radix: 8) == Int(mask))
            }
            let refused = await caught { try await loop.createSubprocess("true", umask: 0o1000) }
            #expect(loopCode(refused) == .invalidArgument)
            let unchanged = umask(own)
            umask(own)
            #expect(unchanged == own)
        }
    }

    @Test(.enabled(if: isRoot)) func userAndGroups() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess(
                shell: "id -u; id -g; id -G; touch /proc/1/oom_adj 2>/dev/null && echo still root", stdout: .pipe,
                user: 65534, group: 65533, extraGroups: [65531, 65532])
            let (output, _) = try await child.communicate()
            let lines = asText(output ?? []).split(separator: "\n")
            #expect(lines.count == 3)
            #expect(lines.prefix(2) == ["65534", "65533"])
            #expect(Set((lines.last ?? "").split(separator: " ")) == ["65533", "65531", "65532"])
            #expect(geteuid() == 0)
        }
    }

    @Test(.enabled(if: isRoot)) func extraGroupsMayBeNone() async throws {
        try await onLoop { loop in
            let child = try await loop.createSubprocess("id", ["-G"], stdout: .pipe, group: 65533, extraGroups: [])
            let (output, _) = try await child.communicate()
            #expect(output == octets("65533\n"))
        }
    }

    @Test(.enabled(if: isRoot)) func folderThatOnlyThisUserMayEnterIsEnteredBeforeTheUserChanges() async throws {
        try await onLoop { loop in
            let folder = ScratchFolder()
            chmod(folder.path, 0o700)
            let child = try await loop.createSubprocess(
                shell: "id -u; ls . 2>/dev/null || echo closed", stdout: .pipe, workingDirectory: folder.path,
                user: 65534)
            let (output, _) = try await child.communicate()
            #expect(output == octets("65534\nclosed\n"))
        }
    }

    @Test(arguments: ["user", "group", "extraGroups"])
    func privilegesThatAreMissingAreNamed(what: String) async throws {
        // Root has them all, but for numbers that stand for none.
        let isRoot = Self.isRoot
        try await onLoop { loop in
            if isRoot, what == "extraGroups" { return }
            let number = isRoot ? UInt32.max : 0
            let error = await caught {
                try await loop.createSubprocess(
                    "true", stdin: .pipe, stdout: .pipe, user: what == "user" ? number : nil,
                    group: what == "group" ? number : nil, extraGroups: what == "extraGroups" ? [number] : nil)
            }
            let operation = ["user": "setuid", "group": "setgid", "extraGroups": "setgroups"][what]
            #expect(systemCode(error) == (isRoot ? .invalidArgument : .notPermitted))
            #expect((error as? IOError)?.operation == operation)
            #expect(loop.processState.children.isEmpty)
        }
    }

    @Test func ignoredSignalsAreIgnoredByTheChildAndNoneIsBlocked() async {
        await #expect(processExitsWith: .success) {
            for number in 1..<NSIG as Range<Int32> where number != SIGCHLD { signal(number, SIG_DFL) }
            // What `nohup` does, and a real-time signal.
            let ignored = [SIGHUP, SIGUSR2, 37] as [Int32]
            for number in ignored { signal(number, SIG_IGN) }
            // As Python's `restore_signals`: a language runtime ignores them for itself.
            for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
            try await onLoop { loop in
                try loop.addSignalHandler(.user1) {}
                try loop.addSignalHandler(.realTime(1)) {}
                let status = try await loop.shellOutput("exec grep -E '^Sig(Ign|Blk)' /proc/self/status")
                let masks = status.split(separator: "\n").compactMap { $0.split(separator: "\t").last }
                    .compactMap { UInt64($0, radix: 16) }
                // Two are the C library's own.
                #expect(masks.map { $0 & ~0x1_8000_0000 } == [0, ignored.reduce(0) { $0 | 1 << UInt64($1 - 1) }])
            }
        }
    }

    @Test func taskLocalsAreNotNeededByTheChildButSeenByTheProtocol() async throws {
        enum Locals { @TaskLocal static var name = "none" }
        try await onLoop { loop in
            let seen = Trace()
            final class Watcher: SubprocessProtocol {
                let seen: Trace
                let lost: Future<Void>
                init(_ seen: Trace, _ loop: EventLoop) {
                    self.seen = seen
                    lost = loop.createFuture(of: Void.self)
                }
                func connectionMade(_ transport: SubprocessTransport) { seen("made \(Locals.name)") }
                func connectionLost(_ error: (any Error)?) { lost.finish(()) }
            }
            let watcher = try await Locals.$name.withValue("set") {
                try await loop.subprocessExec("true") {
                    seen("factory \(Locals.name)")
                    return Watcher(seen, loop)
                }.protocol
            }
            try await watcher.lost.value
            #expect(seen.entries.first == "factory set")
            #expect(seen.entries.count == 2)
        }
    }
}
