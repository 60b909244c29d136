// What the tests of child processes share.

import Glibc
import Testing

@testable import AsyncIO

extension EventLoop {
    /// What a shell command prints; its status is expected to be 0.
    func shellOutput(_ command: String, environment: [String: String]? = nil) async throws -> String {
        let child = try await createSubprocess(shell: command, stdout: .pipe, environment: environment)
        let (output, _) = try await child.communicate()
        #expect(child.returnCode == 0)
        return asText(output ?? [])
    }
}

/// What a process of a test wrote to standard output; the test observes it.
func standardOutput(of result: ExitTest.Result?) -> String { asText(result?.standardOutputContent ?? []) }

/// Whether there is a process with that number, even as a zombie.
func processExists(_ pid: Int32) -> Bool { kill(pid, 0) == 0 || errno == EPERM }

/// Whether this process has any child, even as a zombie; of use in a process of one's own.
func hasChildren() -> Bool {
    var information = siginfo_t()
    return waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT) == 0
}

/// What the open descriptors of this process refer to, by number; of use in a process of one's own.
func openDescriptors() -> [Int32: String] {
    var all: [Int32: String] = [:]
    for number in 0..<1024 as Range<Int32> {
        var target = [CChar](repeating: 0, count: 256)
        let count = readlink("/proc/self/fd/\(number)", &target, 255)
        if count > 0 { all[number] = asText(target.prefix(count).map { UInt8(bitPattern: $0) }) }
    }
    return all
}

/// How many pipes and sockets are open: other descriptors do not count, since libdispatch opens files now and then.
func countOpenPipes() -> Int {
    openDescriptors().values.count { $0.hasPrefix("pipe:") || $0.hasPrefix("socket:") }
}

/// Whether this is a build with a sanitizer, in which everything takes longer.
let isBuiltWithSanitizer = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil

/// Takes notes of a child.
final class ChildRecorder: Journal, SubprocessProtocol {
    var transport: SubprocessTransport?
    private(set) var output: [Int32: [UInt8]] = [:]
    /// What pipes were lost with.
    private(set) var pipeErrors: [Int32: any Error] = [:]

    func connectionMade(_ transport: SubprocessTransport) throws {
        self.transport = transport
        try note("made")
    }

    func pipeDataReceived(_ descriptor: Int32, _ data: RawSpan) throws {
        data.withUnsafeBytes { output[descriptor, default: []] += $0 }
        let event = "data \(descriptor)"
        try note(events.last == event ? "more" : event)
    }

    func pipeConnectionLost(_ descriptor: Int32, _ error: (any Error)?) throws {
        pipeErrors[descriptor] = error
        try note("pipe \(descriptor)")
    }

    func processExited() throws { try note("exited") }

    func text(_ descriptor: Int32) -> String { asText(output[descriptor] ?? []) }
    /// Without the further pieces of data.
    var story: [String] { events.filter { $0 != "more" } }
}

/// A file that is gone with its object.
final class ScratchFile {
    let path: String
    let descriptor: Int32

    init(_ content: String = "") {
        var template = octets("/tmp/asyncio-child-XXXXXX").map { CChar(bitPattern: $0) } + [0]
        descriptor = mkstemp(&template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        path = asText(template.dropLast().map { UInt8(bitPattern: $0) })
        let bytes = octets(content)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        lseek(descriptor, 0, SEEK_SET)
    }

    var content: String {
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        return asText(Array(bytes.prefix(max(0, count))))
    }

    func setMode(_ mode: mode_t) { fchmod(descriptor, mode) }

    deinit {
        close(descriptor)
        unlink(path)
    }
}

/// An executable file in a folder of its own, called `program`; both are gone with the object. Nobody has it open for writing,
/// or the system would not execute it.
final class ScratchProgram {
    let folder = ScratchFolder()
    var path: String { folder.path + "/program" }

    init(_ content: String, mode: mode_t = 0o755) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let bytes = octets(content)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        fchmod(descriptor, mode)
        close(descriptor)
    }

    deinit { unlink(path) }
}
