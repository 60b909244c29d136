// Requests that make no sense, and values that are easily mangled.

import Testing

@testable import AsyncIO

@Suite struct SystemLimitTests {
    @Test(arguments: [1 << 31, .max]) func moreRandomBytesThanThereCanBeAreRefused(count: Int) async throws {
        try await onLoop { loop in
            #expect(loopCode(await caught { try await loop.system.randomBytes(count) }) == .invalidArgument)
        }
    }

    @Test(arguments: [0, 1, 256, 257, 1 << 20]) func randomBytesAreNotAllTheSame(count: Int) async throws {
        try await onLoop { loop in
            let (first, second) = (
                try await loop.system.randomBytes(count), try await loop.system.randomBytes(count)
            )
            #expect(first.count == count && second.count == count)
            #expect(count < 256 || first != second)
            // All values occur in so many.
            #expect(count < 1 << 20 || Set(first).count == 256)
        }
    }

    @Test func randomBytesMayBeCancelledAtAnyMoment() async throws {
        try await onLoop { loop in
            for round in 0..<30 {
                let task = loop.createTask { try await loop.system.randomBytes(1 << 20) }
                try await loop.rounds(round % 6)
                task.cancel()
                _ = await caught { try await task.value }
            }
            try await loop.untilTrue { loop.uv.requestCount == 0 }
        }
    }

    @Test func valuesOfVariablesKeepTheirBytes() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                for (name, value) in [
                    ("ASYNCIO_EMPTY", ""), ("ASYNCIO_WIDE", "grüße 🎉"), ("ASYNCIO_SIGNS", "a=b=c\n\t"),
                    ("ÄSYNCIO", "x"), ("ASYNCIO_LONG", String(repeating: "long ", count: 20_000)),
                ] {
                    try loop.system.setEnvironmentVariable(name, value)
                    #expect(loop.system.environmentVariable(name) == value)
                    #expect(try loop.system.environment[name] == value)
                    try loop.system.setEnvironmentVariable(name, nil)
                    #expect(loop.system.environmentVariable(name) == nil)
                }
                #expect(loop.system.environmentVariable("") == nil)
                #expect(loop.system.environmentVariable("a=b") == nil)
                try loop.system.setEnvironmentVariable("ASYNCIO_NEVER_SET", nil)
            }
        }
    }

    @Test func processesThatThereAreNotAreRefused() async throws {
        try await onLoop { loop in
            #expect(systemCode(await caught { try loop.system.priority(of: .max) }) == .noSuchProcess)
            #expect(systemCode(await caught { try loop.system.priority(of: -1) }) != nil)
            #expect(systemCode(await caught { try loop.system.setPriority(0, of: .max) }) == .noSuchProcess)
            #expect(systemCode(await caught { try loop.system.changeWorkingDirectory(to: "") }) == .noSuchFile)
            #expect(loopCode(await caught { try loop.system.changeWorkingDirectory(to: "a\0") }) == .invalidArgument)
            #expect(loopCode(await caught { try loop.system.setProcessTitle("a\0") }) == .invalidArgument)
        }
    }
}
