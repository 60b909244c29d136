// A system that polls no further descriptor, as one with too many watches: an error for who asks, and not the end of the process.

import Glibc
import Testing

@testable import AsyncIO

#if arch(x86_64) || arch(arm64)
    @Suite struct PollRefusalTests {
        @Test func watchThatCannotBePolledIsRefused() async {
            await #expect(processExitsWith: .success) {
                try await inFolder { loop, folder in
                    refuseToPoll()
                    for _ in 0..<3 {
                        var changes = loop.files.watch(folder).makeAsyncIterator()
                        #expect(await systemError { try await changes.next() }?.code == .noSpace)
                        // libuv polls what it has opened.
                        try await loop.polls()
                    }
                    #expect(try await loop.files.stat(folder).isDirectory)
                }
            }
        }

        /// What libuv polls already serves further paths.
        @Test func secondWatchNeedsNoFurtherDescriptor() async {
            await #expect(processExitsWith: .success) {
                try await inFolder { loop, folder in
                    let first = loop.files.watch("/")
                    try await loop.polls()
                    refuseToPoll()
                    var changes = loop.files.watch(folder).makeAsyncIterator()
                    try await loop.files.writeFile(folder + "/a", "x")
                    #expect(try await changes.next()?.name == "a")
                    withExtendedLifetime(first) {}
                }
            }
        }

        @Test func terminalThatCannotBePolledIsRefused() async {
            await #expect(processExitsWith: .success) {
                try await onLoop { loop in
                    let pty = try PseudoTerminal()
                    try await loop.polls()
                    refuseToPoll()
                    for _ in 0..<3 {
                        let error = await caught { try loop.openTTY(fileDescriptor: pty.near) }
                        #expect(systemCode(error) == .noSpace)
                        try await loop.polls()
                    }
                }
            }
        }
    }

    /// Lets this thread add no descriptor to an epoll any more: it gets ENOSPC, as where there are too many. For ever, so only in
    /// a child process of a test.
    private func refuseToPoll() {
        #if arch(x86_64)
            let number: UInt32 = 233
        #else
            let number: UInt32 = 21
        #endif
        // A program for the kernel: an error for epoll_ctl(_, EPOLL_CTL_ADD, …), and nothing for everything else.
        var program: [sock_filter] = [
            sock_filter(code: 0x20, jt: 0, jf: 0, k: 0),  // the number of the call
            sock_filter(code: 0x15, jt: 0, jf: 3, k: number),
            sock_filter(code: 0x20, jt: 0, jf: 0, k: 24),  // its second argument
            sock_filter(code: 0x15, jt: 0, jf: 1, k: 1),
            sock_filter(code: 0x06, jt: 0, jf: 0, k: 0x0005_0000 | UInt32(ENOSPC)),
            sock_filter(code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000),
        ]
        let count = UInt16(program.count)
        program.withUnsafeMutableBufferPointer { filter in
            var whole = sock_fprog(len: count, filter: filter.baseAddress)
            #expect(controlProcess(38, 1, 0, 0, 0) == 0)
            withUnsafePointer(to: &whole) {
                #expect(controlProcess(22, 2, UInt(bitPattern: $0), 0, 0) == 0)
            }
        }
    }

    private struct sock_filter {
        var code: UInt16
        var jt: UInt8
        var jf: UInt8
        var k: UInt32
    }

    private struct sock_fprog {
        var len: UInt16
        var filter: UnsafeMutablePointer<sock_filter>?
    }
#endif
