// The process: environment, title, user, priority, what it has used, and random bytes.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct ThisProcessTests {
    @Test func numbersAreThoseOfTheProcess() async throws {
        try await onLoop { loop in
            #expect(loop.system.processIdentifier == getpid())
            #expect(loop.system.parentProcessIdentifier == getppid())
        }
    }

    @Test func userIsTheOneWhoseRightsTheProcessHas() async throws {
        try await onLoop { loop in
            let entry = try #require(getpwuid(geteuid())?.pointee)
            let user = try loop.system.currentUser
            #expect(user.name == String(cString: entry.pw_name))
            #expect(user.userID == Int(geteuid()))
            #expect(user.groupID == Int(entry.pw_gid))
            #expect(user.shell == String(cString: entry.pw_shell))
            #expect(user.homeDirectory == String(cString: entry.pw_dir))
        }
    }

    // MARK: - The environment. Changing it is nothing for a process whose other threads run tests.

    @Test func environmentHasEveryVariable() async throws {
        try await onLoop { loop in
            let environment = try loop.system.environment
            #expect(!environment.isEmpty)
            for (name, value) in environment { #expect(loop.system.environmentVariable(name) == value) }
            let path = getenv("PATH").map { String(cString: $0) }
            #expect(environment["PATH"] == path)
        }
    }

    @Test func variablesAreSetAndRemoved() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let name = "ASYNCIO_TEST_VARIABLE"
                #expect(loop.system.environmentVariable(name) == nil)
                for value in ["first", "", "a=b", String(repeating: "ö", count: 3000)] {
                    try loop.system.setEnvironmentVariable(name, value)
                    #expect(getenv(name).map { String(cString: $0) } == value)
                    #expect(loop.system.environmentVariable(name) == value)
                    #expect(try loop.system.environment[name] == value)
                }
                for _ in 0..<2 { try loop.system.setEnvironmentVariable(name, nil) }
                #expect(getenv(name) == nil)
                #expect(loop.system.environmentVariable(name) == nil)
                #expect(try loop.system.environment[name] == nil)
            }
        }
    }

    @Test func valuesThatAreNotUTF8AreRepaired() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                setenv("ASYNCIO_TEST_VARIABLE", [CChar(bitPattern: 0x41), CChar(bitPattern: 0xFF), 0], 1)
                #expect(loop.system.environmentVariable("ASYNCIO_TEST_VARIABLE") == "A\u{FFFD}")
                let environment = try loop.system.environment
                #expect(environment["ASYNCIO_TEST_VARIABLE"] == "A\u{FFFD}")
            }
        }
    }

    @Test(arguments: ["", "a=b", "=", "a\0b"]) func namesThatCannotBeAreRefused(name: String) async throws {
        try await onLoop { loop in
            for value in ["value", nil] {
                let error = await caught { try loop.system.setEnvironmentVariable(name, value) }
                #expect(loopCode(error) == .invalidArgument)
            }
            #expect(loop.system.environmentVariable(name) == nil)
            let error = await caught { try loop.system.setEnvironmentVariable("ASYNCIO_TEST_VARIABLE", "a\0b") }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    // MARK: - The title

    @Test func titleIsTheNameOfTheProgramAtFirst() async throws {
        try await onLoop { loop in #expect(loop.system.processTitle == CommandLine.arguments[0]) }
    }

    @Test func titleIsShownByTheSystem() async {
        await #expect(processExitsWith: .success) {
            let arguments = CommandLine.arguments
            // They end with a NUL each.
            let room = arguments.map { $0.utf8.count + 1 }.reduce(0, +) - 1
            try await onLoop { loop in
                for title in ["server", "x", String(repeating: "long ", count: 10_000)] {
                    try loop.system.setProcessTitle(title)
                    #expect(loop.system.processTitle == String(title.prefix(room)))
                    #expect(content(of: "/proc/self/cmdline").hasPrefix(title.prefix(room)))
                }
                #expect(loopCode(await caught { try loop.system.setProcessTitle("a\0b") }) == .invalidArgument)
            }
            #expect(CommandLine.arguments == arguments)
        }
    }

    // MARK: - Priority and use

    @Test func priorityCanBeLowered() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let before = try loop.system.priority()
                #expect(before == niceness(of: 0))
                #expect(SystemInfo.priorities.contains(before))
                guard before < 19 else { return }
                try loop.system.setPriority(before + 1)
                #expect(try loop.system.priority() == before + 1)
                #expect(niceness(of: 0) == before + 1)
            }
        }
    }

    @Test func priorityOfAnotherProcessIsTold() async throws {
        try await onLoop { loop in
            let priority = try loop.system.priority(of: getppid())
            #expect(priority == niceness(of: getppid()))
            // A number above all that processes have.
            #expect(systemCode(await caught { try loop.system.priority(of: .max) }) == .noSuchProcess)
            #expect(systemCode(await caught { try loop.system.setPriority(0, of: .max) }) == .noSuchProcess)
        }
    }

    @Test(arguments: [-21, 20, Int.max]) func prioritiesThatThereAreNotAreRefused(priority: Int) async throws {
        try await onLoop { loop in
            let error = await caught { try loop.system.setPriority(priority) }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    @Test func useIsWhatTheSystemCounts() async throws {
        try await onLoop { loop in
            let before = resourcesUsed()
            let usage = try loop.system.resourceUsage
            let after = resourcesUsed()
            let range = { (number: (rusage) -> Int) in number(before)...number(after) }
            #expect(range { $0.ru_minflt }.contains(usage.minorPageFaults))
            #expect(range { $0.ru_majflt }.contains(usage.majorPageFaults))
            #expect(range { $0.ru_nvcsw }.contains(usage.voluntaryContextSwitches))
            #expect(range { $0.ru_nivcsw }.contains(usage.involuntaryContextSwitches))
            #expect(range { $0.ru_inblock }.contains(usage.blocksRead))
            #expect(range { $0.ru_oublock }.contains(usage.blocksWritten))
            #expect(range { $0.ru_maxrss * 1024 }.contains(usage.maximumResidentSet))
            let times = { (time: timeval) in
                // Seconds and microseconds, whose names belong to another module.
                let (seconds, micros) = withUnsafeBytes(of: time) { $0.load(as: (Int, Int).self) }
                return Duration.seconds(seconds) + .microseconds(micros)
            }
            #expect((times(before.ru_utime)...times(after.ru_utime)).contains(usage.userTime))
            #expect((times(before.ru_stime)...times(after.ru_stime)).contains(usage.systemTime))
        }
    }
}

private func niceness(of process: Int32) -> Int {
    Int(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(process)))
}

private func resourcesUsed() -> rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
}

@Suite struct RandomBytesTests {
    @Test(arguments: [1, 32, 100_000]) func asManyBytesComeAsWereAskedFor(count: Int) async throws {
        try await onLoop { loop in
            let (first, second) = (try await loop.system.randomBytes(count), try await loop.system.randomBytes(count))
            #expect(first.count == count && second.count == count)
            // One chance in 2²⁵⁶ of a failure without a reason.
            if count >= 32 {
                #expect(first != second)
                #expect(first.suffix(32) != ArraySlice(repeating: 0, count: 32))
            }
        }
    }

    @Test func noBytesComeAtOnce() async throws {
        try await onLoop { loop in
            var later = false
            loop.callSoon { later = true }
            let bytes = try await loop.system.randomBytes(0)
            #expect(bytes == [])
            #expect(!later)
        }
    }

    @Test func negativeCountIsRefused() async throws {
        try await onLoop { loop in
            #expect(loopCode(await caught { try await loop.system.randomBytes(-1) }) == .invalidArgument)
        }
    }

    @Test func cancelledTaskGetsNone() async throws {
        try await onLoop { loop in
            let tasks = (0..<20).map { _ in loop.createTask { try await loop.system.randomBytes(10_000) } }
            try await loop.rounds(1)
            for task in tasks { task.cancel() }
            for task in tasks { #expect(await settled(task) == "cancelled") }
            #expect(try await loop.system.randomBytes(8).count == 8)
        }
    }

    @Test func requestOutlivesItsLoopUnharmed() async throws {
        try await onThread {
            let loop = try EventLoop()
            loop.exceptionHandler = { _, _ in }
            let task = loop.createTask { try await loop.system.randomBytes(1_000_000) }
            loop.callSoon { loop.callSoon { loop.stop() } }
            try loop.runForever()
            try loop.close()
            expectNothingLeft(of: loop)
            #expect(outcome(of: task) == "cancelled")
        }
    }
}
