// Children that cannot be started: the error says why, and no child, pipe or handle is left.

import Glibc
import Testing

@testable import AsyncIO

/// Lowers a limit of this process.
private func limit(_ resource: __rlimit_resource_t, to value: rlim_t?) {
    var limit = rlimit()
    getrlimit(resource, &limit)
    limit.rlim_cur = value ?? limit.rlim_max
    setrlimit(resource, &limit)
}

private let descriptorLimit = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
private let processLimit = __rlimit_resource_t(6)  // RLIMIT_NPROC, which is hidden

@Suite struct SpawnFailureTests {
    /// What cannot be started.
    enum Failure: String, CaseIterable, Codable {
        case missingInPath, missingFile, missingInFolder, emptyName, folder, notExecutable, missingFolder, fileAsFolder
        case throughAFile, tooLong, scriptWithoutInterpreter

        var expected: IOError.Code {
            switch self {
            case .missingInPath, .missingFile, .missingInFolder, .emptyName, .missingFolder:
                .noSuchFile
            case .folder, .notExecutable: .permissionDenied
            case .fileAsFolder, .throughAFile: IOError.Code(rawValue: -ENOTDIR)
            case .tooLong: IOError.Code(rawValue: -E2BIG)
            case .scriptWithoutInterpreter: IOError.Code(rawValue: -ENOEXEC)
            }
        }
    }

    @Test(arguments: Failure.allCases)
    func failureIsNamedAndLeavesNothing(failure: Failure) async {
        await #expect(processExitsWith: .success) { [failure] in
            try await onLoop { loop in
                let file = ScratchFile("#!/nowhere/interpreter\n")
                let script = ScratchProgram("echo a shell would say this\n")
                // The first child brings what stays: signals, pipes of libuv.
                try await loop.createSubprocess("true").wait()
                try await loop.polls()
                let before = openDescriptors()
                let handles = loop.uv.openHandles
                let error = await caught {
                    let (program, arguments, folder): (String, [String], String?) =
                        switch failure {
                        case .missingInPath: ("no-such-program-at-all", [], nil)
                        case .missingFile: ("/no/such/program", [], nil)
                        case .missingInFolder: ("./program", [], "/usr")
                        case .emptyName: ("", [], nil)
                        case .folder: ("/usr", [], nil)
                        case .notExecutable: (file.path, [], nil)
                        case .missingFolder: ("true", [], "/no/such/folder")
                        case .fileAsFolder: ("true", [], "/etc/passwd")
                        case .throughAFile: ("/etc/passwd/program", [], nil)
                        case .scriptWithoutInterpreter: (script.path, [], nil)
                        case .tooLong: ("true", [String(repeating: "x", count: 1 << 22)], nil)
                        }
                    return try await loop.createSubprocess(
                        program, arguments, stdin: .pipe, stdout: .pipe, stderr: .pipe, workingDirectory: folder)
                }
                #expect(systemCode(error) == failure.expected)
                let system = try #require(error as? IOError)
                switch failure {
                case .missingFolder: #expect(system.operation == "chdir" && system.subject == "/no/such/folder")
                case .fileAsFolder: #expect(system.operation == "chdir" && system.subject == "/etc/passwd")
                case .missingInPath: #expect(system.subject == "no-such-program-at-all")
                case .missingFile: #expect(system.subject == "/no/such/program")
                default: #expect(system.subject != nil)
                }
                try await loop.polls()
                #expect(
                    openDescriptors().values.count { $0.hasPrefix("pipe:") }
                        == before.values.count {
                            $0.hasPrefix("pipe:")
                        })
                #expect(loop.uv.openHandles == handles)
                #expect(loop.processState.children.isEmpty)
            }
            #expect(!hasChildren())
        }
    }

    @Test func failureOfTheFirstChildLeavesNothing() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try await loop.polls()
                let handles = loop.uv.openHandles
                let error = await caught { try await loop.createSubprocess("/no/such/program", stdin: .pipe) }
                #expect(systemCode(error) == .noSuchFile)
                try await loop.polls()
                #expect(loop.uv.openHandles == handles)
                #expect(UVSignal.hasDefaultAction(SIGCHLD))
            }
        }
    }

    @Test func protocolHearsNothingOfAChildThatCannotBeStarted() async throws {
        try await onLoop { loop in
            let recorder = ChildRecorder(loop)
            let error = await caught { try await loop.subprocessExec("/no/such/program") { recorder } }
            #expect(systemCode(error) == .noSuchFile)
            try await loop.polls()
            #expect(recorder.events == [])
        }
    }

    @Test func errorOfTheFactoryIsThrownAndNothingStarts() async throws {
        try await onLoop { loop in
            let error = await caught {
                try await loop.subprocessExec("true") { () throws -> ChildRecorder in throw TestError(name: "factory") }
            }
            #expect(error as? TestError == TestError(name: "factory"))
            #expect(loop.processState.children.isEmpty)
        }
    }

    @Test func zeroByteIsRefusedInEveryText() async throws {
        try await onLoop { loop in
            let bad = "a\0b"
            let errors: [(String, (any Error)?)] = [
                ("program", await caught { try await loop.createSubprocess(bad) }),
                ("arguments", await caught { try await loop.createSubprocess("true", ["a", bad]) }),
                ("executable", await caught { try await loop.createSubprocess("true", executable: bad) }),
                ("workingDirectory", await caught { try await loop.createSubprocess("true", workingDirectory: bad) }),
                ("environment", await caught { try await loop.createSubprocess("true", environment: [bad: "x"]) }),
                ("environment", await caught { try await loop.createSubprocess("true", environment: ["x": bad]) }),
                ("arguments", await caught { try await loop.createSubprocess(shell: "echo \0") }),
                ("program", await caught { try await loop.subprocessExec(bad) { ChildRecorder(loop) } }),
                ("arguments", await caught { try await loop.subprocessShell(bad) { ChildRecorder(loop) } }),
            ]
            for (argument, error) in errors {
                #expect(loopCode(error) == .invalidArgument)
                #expect(text(of: error).contains(argument))
            }
        }
    }

    @Test func descriptorThatIsNotOpenIsRefusedEvenIfAPipeTakesItsNumber() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try await loop.createSubprocess("true").wait()
                // The lowest free number: the first pipe would get it.
                let closed = dup(0)
                close(closed)
                let errors = [
                    await caught {
                        try await loop.createSubprocess("true", stdin: .pipe, stdout: .fileDescriptor(closed))
                    },
                    await caught {
                        try await loop.createSubprocess("true", stdin: .pipe, stderr: .fileDescriptor(closed))
                    },
                    await caught { try await loop.createSubprocess("true", stdin: .fileDescriptor(closed)) },
                    await caught {
                        try await loop.createSubprocess("true", stdin: .pipe, passFileDescriptors: [closed])
                    },
                ]
                for error in errors { #expect(systemCode(error) == .badDescriptor) }
                let negative = [
                    await caught { try await loop.createSubprocess("true", stdin: .fileDescriptor(-1)) },
                    await caught { try await loop.createSubprocess("true", stdout: .fileDescriptor(-5)) },
                    await caught { try await loop.createSubprocess("true", stderr: .fileDescriptor(-1)) },
                    await caught { try await loop.createSubprocess("true", passFileDescriptors: [-1]) },
                ]
                for error in negative { #expect(loopCode(error) == .invalidArgument) }
                let far = await caught { try await loop.createSubprocess("true", passFileDescriptors: [.max]) }
                #expect(systemCode(far) == .badDescriptor)
                #expect(loop.processState.children.isEmpty)
            }
        }
    }

    @Test func processWithoutFreeDescriptorsStartsNothingAndLeavesNothing() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try await loop.createSubprocess("true").wait()
                try await loop.polls()
                let before = countOpenPipes()
                let top = dup(0)
                close(top)
                // Whatever the number of descriptors at which it fails, nothing is left; in the end it works.
                var failures = 0
                for spare in 0..<24 as Range<Int32> {
                    limit(descriptorLimit, to: rlim_t(top + spare))
                    do {
                        let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe, stderr: .pipe)
                        limit(descriptorLimit, to: 1024)
                        let (output, _) = try await child.communicate(octets("x"))
                        #expect(output == octets("x"))
                    } catch {
                        limit(descriptorLimit, to: 1024)
                        failures += 1
                        #expect(systemCode(error) == .tooManyOpenFiles)
                    }
                    try await loop.polls()
                    #expect(countOpenPipes() == before)
                    #expect(loop.processState.children.isEmpty)
                }
                #expect(failures > 0)
                #expect(failures < 24)
            }
            #expect(!hasChildren())
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func userWithTooManyProcessesGetsAnErrorAndNothingIsLeft() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try await loop.createSubprocess("true").wait()
                try await loop.polls()
                let before = countOpenPipes()
                // Root is not limited.
                limit(processLimit, to: 0)
                #expect(setuid(54321) == 0)
                let error = await caught { try await loop.createSubprocess("true", stdin: .pipe, stdout: .pipe) }
                #expect(systemCode(error) == IOError.Code(rawValue: -EAGAIN))
                #expect((error as? IOError)?.operation == "uv_spawn")
                try await loop.polls()
                #expect(countOpenPipes() == before)
            }
            // A sanitizer starts threads at the end.
            limit(processLimit, to: nil)
        }
    }

    @Test func closedLoopRefuses() async throws {
        let error = try await onThread {
            let loop = try EventLoop()
            let kept = Variable<any Error>()
            let transfer = UncheckedTransfer((loop, kept))  // SAFETY: all of it happens on this thread.
            loop.exceptionHandler = { _, _ in }
            loop.createTask {
                let (loop, kept) = transfer.value
                do { try await loop.sleep(for: .seconds(3600)) } catch {}
                kept.value = await caught { try await loop.createSubprocess("true") }
            }
            try loop.runUntilComplete { [unowned loop] in try await loop.sleep(for: .zero) }
            try loop.close()
            return kept.value.map { "\($0)" }
        }
        #expect(error != nil)
    }
}
