// What tests of files have in common: a folder for each, and a look at the descriptors that are left.

import Testing

@testable import AsyncIO

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Runs `body` with a loop and a folder that is removed afterwards; checks that no file in the folder stays open.
func inFolder(
    debug: Bool = false, sourceLocation: Testing.SourceLocation = #_sourceLocation,
    _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, String) async throws -> Void
) async throws {
    try await onLoop(debug: debug, sourceLocation: sourceLocation) { loop in
        try await loop.files.withTemporaryDirectory(prefix: "asyncio-files-") { path in
            try await body(loop, path)
            #expect(openPaths(under: path) == [], sourceLocation: sourceLocation)
        }
    }
}

/// The paths below a folder that this process has descriptors of.
func openPaths(under folder: String) -> [String] {
    (0..<1024).compactMap { number in
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer -> String? in
            guard let base = buffer.baseAddress else { return nil }
            let count = readlink("/proc/self/fd/\(number)", base, buffer.count - 1)
            guard count > 0 else { return nil }
            let target = asText(buffer[..<count].map { UInt8(bitPattern: $0) })
            return target.hasPrefix(folder + "/") ? target : nil
        }
    }
}

/// The error of the system's that `body` throws.
func systemError<Value>(_ body: () async throws -> Value) async -> IOError? { await caught(body) as? IOError }

/// What a sequence yields, up to its end.
func collected<Elements: AsyncSequence>(_ elements: Elements) async throws -> [Elements.Element] {
    var all: [Elements.Element] = []
    for try await element in elements { all.append(element) }
    return all
}

/// `prctl`, which Swift's overlay of glibc lacks.
func controlProcess(_ option: Int32, _ second: UInt, _ third: UInt, _ fourth: UInt, _ fifth: UInt) -> Int32 {
    guard let symbol = dlsym(nil, "prctl") else { return -1 }
    typealias Function = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
    // SAFETY: the type is that of the function's declaration in C, with as many of the optional arguments as it takes.
    return unsafeBitCast(symbol, to: Function.self)(option, second, third, fourth, fifth)
}
