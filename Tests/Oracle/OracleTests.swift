// Each scenario has to leave the same trace as CPython's asyncio, which Scripts/oracle has recorded.

import Testing

@testable import AsyncIO

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite struct OracleTests {
    static let twins: [String: Twin] = [
        callbackTwins, taskTwins, cancellationTwins, combinatorTwins, timeoutTwins, groupTwins, synchronisationTwins,
        queueTwins,
    ].reduce(into: [:]) { all, some in all.merge(some) { _, _ in preconditionFailure("two twins of one name") } }

    @Test(arguments: OracleTests.twins.keys.sorted())
    func traceIsThatOfPython(scenario: String) async throws {
        let twin = try #require(Self.twins[scenario])
        let recorded = try #require(contents(of: "traces/\(scenario).txt"), "record it with Scripts/oracle")
        let lines = try await trace(of: scenario, twin)
        #expect(lines == recorded.split(separator: "\n").map(String.init))
    }

    @Test func everyTraceHasATwin() throws {
        let traces = names(in: "traces", suffix: ".txt")
        #expect(traces.count >= 40)
        #expect(traces == Self.twins.keys.sorted())
        #expect(traces == names(in: "python", suffix: ".py").filter { $0 != "oracle" })
    }
}

/// Runs a twin on a loop on a thread of its own.
private func trace(of name: String, _ twin: @escaping Twin) async throws -> [String] {
    let handOver = HandOver()
    let lines = try await withCheckedThrowingContinuation { continuation in
        do {
            try UVThread {
                let result = Result { try run(name, twin) }
                handOver.pass()
                continuation.resume(with: result)
            }.detach()
        } catch {
            continuation.resume(throwing: error)
        }
    }
    handOver.pass()
    return lines
}

/// A lock that both sides pass: ThreadSanitizer does not see the hand-over of a continuation that is resumed before its task
/// waits.
private final class HandOver: Sendable {
    private let lock = PthreadLock()
    func pass() { lock.withLock {} }
}

private func run(_ name: String, _ twin: @escaping Twin) throws -> [String] {
    let loop = try EventLoop()
    let say = Trace(loop)
    let watchdog = loop.callLater(after: .seconds(600)) { fatalError("\(name) hangs: \(say.lines)") }
    try loop.runUntilComplete { [unowned loop] in try await twin(loop, say) }
    watchdog.cancel()
    try loop.close()
    return say.lines
}

private func path(_ name: String, file: String = #filePath) -> String {
    String(file[...file.lastIndex(of: "/")!]) + name
}

private func contents(of name: String) -> String? {
    guard let file = fopen(path(name), "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
    return String(decoding: bytes, as: UTF8.self)
}

private func names(in folder: String, suffix: String) -> [String] {
    guard let directory = opendir(path(folder)) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name.hasSuffix(suffix) { names.append(String(name.dropLast(suffix.count))) }
    }
    return names.sorted()
}
