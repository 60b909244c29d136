// Facts about the machine and the process, compared with what the system says elsewhere.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct SystemInfoTests {
    @Test func namesAreThoseOfTheSystem() async throws {
        try await onLoop { loop in
            var name = [CChar](repeating: 0, count: 256)
            #expect(gethostname(&name, name.count) == 0)
            #expect(try loop.system.hostName == text(of: name))
            var names = utsname()
            #expect(uname(&names) == 0)
            let system = try loop.system.operatingSystem
            #expect(system.name == field(names.sysname))
            #expect(system.release == field(names.release))
            #expect(system.version == field(names.version))
            #expect(system.machine == field(names.machine))
        }
    }

    @Test func uptimeIsThatOfTheMachine() async throws {
        try await onLoop { loop in
            let seconds = { content(of: "/proc/uptime").split(separator: " ").first.flatMap { Double($0) } }
            let before = try #require(seconds())
            let uptime = try loop.system.uptime
            let after = try #require(seconds())
            #expect(uptime >= .seconds(before) && uptime <= .seconds(after))
        }
    }

    @Test func everyProcessorIsListed() async throws {
        try await onLoop { loop in
            let lines = content(of: "/proc/stat").split(separator: "\n").filter { $0.hasPrefix("cpu") }
            let cpus = try loop.system.cpus
            // The first line is the sum.
            #expect(cpus.count == lines.count - 1)
            #expect(cpus.allSatisfy { !$0.model.isEmpty && $0.megahertz >= 0 })
            #expect(cpus.contains { $0.times.user > .zero && $0.times.idle > .zero })
            // A hundredth of a second is the unit. The system corrects what it has said, but not by much.
            let idle = lines.dropFirst().compactMap { $0.split(separator: " ").dropFirst(4).first }
                .compactMap { Int($0) }.map { Duration.milliseconds($0 * 10) }
            #expect(zip(idle, cpus).allSatisfy { $0 <= $1.times.idle + .seconds(60) })
        }
    }

    @Test func parallelismIsWhatTheProcessMayUse() async throws {
        try await onLoop { loop in
            let allowed = content(of: "/proc/self/status").split(separator: "\n")
                .first { $0.hasPrefix("Cpus_allowed:") }?.split(separator: "\t").last
            let count = allowed?.compactMap { $0.hexDigitValue?.nonzeroBitCount }.reduce(0, +)
            #expect(loop.system.availableParallelism == count)
        }
    }

    @Test func memoryIsThatOfTheMachineAndOfTheProcess() async throws {
        try await onLoop { loop in
            let total = content(of: "/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemTotal:") }?
                .split(separator: " ").dropFirst().first.flatMap { Int($0) }
            let memory = try loop.system.memory
            #expect(memory.total == total.map { $0 * 1024 })
            #expect(memory.free > 0 && memory.free < memory.total)
            #expect(memory.residentSet > 1_000_000 && memory.residentSet < memory.total)
            #expect(memory.limit.map { $0 > 0 && $0 < memory.total } ?? true)
        }
    }

    @Test func residentSetGrowsWithWhatIsUsed() async throws {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let before = try loop.system.memory.residentSet
                let size = 64 << 20
                let bytes = [UInt8](repeating: 1, count: size)
                #expect(try loop.system.memory.residentSet - before > size / 2)
                #expect(try loop.system.resourceUsage.maximumResidentSet > before + size / 2)
                withExtendedLifetime(bytes) {}
            }
        }
    }

    @Test func loadIsThatOfTheMachine() async throws {
        try await onLoop { loop in
            // It changes every five seconds: one of these meets no change.
            let matches = (0..<20).contains { _ in
                let load = loop.system.loadAverage
                let numbers = content(of: "/proc/loadavg").split(separator: " ").prefix(3).compactMap { Double($0) }
                return numbers.count == 3
                    && zip(numbers, [load.oneMinute, load.fiveMinutes, load.fifteenMinutes])
                        .allSatisfy { abs($0 - $1) < 0.011 }
            }
            #expect(matches)
        }
    }

    @Test func loopbackIsAmongTheInterfaces() async throws {
        try await onLoop { loop in
            let loopback = try #require(try loop.system.networkInterfaces.first { $0.address == .loopback })
            #expect(loopback.name == "lo")
            #expect(loopback.netmask == IPAddress("255.0.0.0"))
            #expect(loopback.isInternal)
            #expect(loopback.physicalAddress == [0, 0, 0, 0, 0, 0])
            for interface in try loop.system.networkInterfaces {
                #expect(interface.netmask.family == interface.address.family)
                #expect(interface.physicalAddress.count == 6)
                let hardware = content(of: "/sys/class/net/\(interface.name)/address").prefix(17)
                let bytes = hardware.split(separator: ":").compactMap { UInt8($0, radix: 16) }
                if bytes.count == 6 { #expect(interface.physicalAddress == bytes) }
            }
        }
    }

    @Test func foldersAndFilesAreThoseOfTheProcess() async throws {
        try await onLoop { loop in
            var path = [CChar](repeating: 0, count: 4096)
            #expect(getcwd(&path, path.count) != nil)
            let folder = try loop.system.workingDirectory
            #expect(folder == text(of: path))
            path = [CChar](repeating: 0, count: 4096)
            #expect(readlink("/proc/self/exe", &path, path.count) > 0)
            #expect(try loop.system.executablePath == text(of: path))
        }
    }

    @Test func foldersOfTheUserComeFromTheEnvironment() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                setenv("HOME", "/home/somebody", 1)
                setenv("TMPDIR", "/var/elsewhere/", 1)
                let home = try loop.system.homeDirectory
                #expect(home == "/home/somebody")
                #expect(try loop.system.temporaryDirectory == "/var/elsewhere")
                // Longer than the room that is tried first.
                let long = "/" + String(repeating: "folder", count: 200)
                setenv("HOME", long, 1)
                #expect(try loop.system.homeDirectory == long)
                for name in ["TMPDIR", "TMP", "TEMP", "TEMPDIR"] { unsetenv(name) }
                #expect(try loop.system.temporaryDirectory == "/tmp")
                unsetenv("HOME")
                #expect(try loop.system.homeDirectory == loop.system.currentUser.homeDirectory)
            }
        }
    }

    @Test func workingDirectoryCanBeChanged() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try loop.system.changeWorkingDirectory(to: "/proc/../usr/")
                #expect(try loop.system.workingDirectory == "/usr")
                let error = await caught { try loop.system.changeWorkingDirectory(to: "/no/such/folder") }
                #expect(systemCode(error) == .noSuchFile)
                #expect((error as? IOError)?.subject == "/no/such/folder")
                #expect(
                    loopCode(await caught { try loop.system.changeWorkingDirectory(to: "/\0") }) == .invalidArgument)
                #expect(try loop.system.workingDirectory == "/usr")
            }
        }
    }

    @Test func workingDirectoryThatIsGoneIsAnError() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                do {
                    let folder = ScratchFolder()
                    try loop.system.changeWorkingDirectory(to: folder.path)
                }
                #expect(systemCode(await caught { try loop.system.workingDirectory }) == .noSuchFile)
                _exit(EXIT_SUCCESS)
            }
        }
    }
}

/// A file of the system, as a text.
func content(of path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return asText(result) }
        result += buffer.prefix(count)
    }
}

/// A text that a C function has put into an array.
private func text(of array: [CChar]) -> String { array.withUnsafeBytes { asText(Array($0.prefix { $0 != 0 })) } }

/// A field of a C struct that holds a text.
private func field<Characters>(_ characters: Characters) -> String {
    withUnsafeBytes(of: characters) { asText(Array($0.prefix { $0 != 0 })) }
}
