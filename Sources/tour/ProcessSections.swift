// The sections about other processes: a pipeline that is fed and read at once, and a service that a signal ends.

import AsyncIO
import Glibc

/// Feeds the words of all text files to `sort | uniq -c`, reads the counts as they come, and compares them with its own.
func countWithPipeline(_ loop: EventLoop, _ files: [String], _ ledger: Ledger) async throws {
    let begin = loop.time()
    let child = try await loop.createSubprocess(
        shell: "LC_ALL=C sort | uniq -c", stdin: .pipe, stdout: .pipe,
        environment: ["PATH": loop.system.environmentVariable("PATH") ?? "/usr/bin:/bin"])
    guard let input = child.stdin, let output = child.stdout else { throw SectionFailure("no pipes") }

    var fed: [Substring: Int] = [:]
    // The child writes while it reads: whoever only wrote would wait for ever.
    let feeding = loop.createTask(name: "words for the pipeline") {
        defer { input.close() }
        for path in files {
            let bytes: [UInt8]
            do { bytes = try await loop.files.readFile(path) } catch is IOError { continue }
            if bytes.contains(0) { continue }
            let words = String(decoding: bytes, as: UTF8.self).split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
            for word in words {
                fed[word, default: 0] += 1
                input.write("\(word)\n")
            }
            try await input.drain()
        }
    }
    var counted: [Substring: Int] = [:]
    for try await line in output.lines {
        let parts = String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\n" }
        guard parts.count == 2, let count = Int(parts[0]) else { throw SectionFailure("uniq said \(parts)") }
        counted[parts[1]] = count
    }
    try await feeding.value
    let code = try await child.wait()
    try verify(code == 0, "the pipeline ended with \(code)")
    try verify(counted == fed, "the pipeline counted otherwise than the tour")
    let most = counted.max { ($0.value, $1.key) < ($1.value, $0.key) }
    ledger.count("sort | uniq -c", since: begin)
    ledger.note(
        "sort | uniq -c",
        "\(fed.values.reduce(0, +)) words of letters and digits, \(counted.count) different, most often "
            + (most.map { "\"\($0.key)\" (\($0.value) times)" } ?? "none"))
}

/// A service that this process asks to end, by SIGUSR1: it cleans up, and nothing is left.
func endService(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    var wasCleanedUp = false
    let result: Void? = try await loop.withGracefulShutdown(on: [.user1], deadline: .seconds(10)) {
        let server = try await loop.startServer(host: "127.0.0.1", port: 0) { _, writer in
            writer.write("hello\n")
            writer.close()
        }
        loop.callLater(after: .milliseconds(1)) { kill(getpid(), SIGUSR1) }
        do {
            try await server.serveForever()
        } catch {
            // Cleaning up may wait, up to the deadline.
            try await loop.sleep(for: .milliseconds(1))
            wasCleanedUp = true
            throw error
        }
    }
    try verify(result == nil && wasCleanedUp, "the service did not end as it should")
    ledger.count("end by a signal", since: begin)
    ledger.note("end by a signal", "SIGUSR1 cancelled a server, which cleaned up")
}
