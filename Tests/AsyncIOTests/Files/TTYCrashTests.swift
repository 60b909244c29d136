// Terminals get their normal mode back before a crash is reported, and the report is about the crash.

import CLibuv  // for siginfo_t, which Swift's overlay of glibc hides
import Glibc
import Testing

@testable import AsyncIO

/// The signals of which the Swift runtime makes backtraces, where it does: not in children of tests.
private let signalsOfCrashes = [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP]

@Suite struct TTYCrashTests {
    @Test func trapGivesTheNormalModeBack() async throws {
        let pty = try PseudoTerminal()
        let path = pty.path
        await #expect(processExitsWith: .failure) { [path = path as String] in
            try await inRawMode(path) { _ in fatalError("a mistake, for the test") }
        }
        #expect(pty.settings == .normal)
    }

    @Test func abortGivesTheNormalModeBack() async throws {
        let pty = try PseudoTerminal()
        let path = pty.path
        await #expect(processExitsWith: .signal(SIGABRT)) { [path = path as String] in
            try await inRawMode(path) { _ in abort() }
        }
        #expect(pty.settings == .normal)
    }

    /// A handler as that of the Swift runtime is told of the fault, and the terminal is normal by then.
    @Test(arguments: [true, false]) func reporterSeesTheFaultItself(isFault: Bool) async throws {
        await #expect(processExitsWith: .exitCode(isFault ? 42 : 43)) { [isFault] in
            let pty = try PseudoTerminal()
            // For the handler, and for ever.
            terminalOfTheReport = pty.near
            for number in signalsOfCrashes { installReporter(number) }
            try await inRawMode(pty.path) { _ in
                if isFault {
                    UnsafeMutablePointer<UInt8>(bitPattern: addressOfTheFault)?.pointee = 1
                } else {
                    kill(getpid(), SIGQUIT)
                }
            }
        }
    }

    /// What the program handles for itself and goes on after.
    @Test func handlerOfAFaultOfTheProgramStays() async {
        await #expect(processExitsWith: .success) {
            let pty = try PseudoTerminal()
            signal(SIGBUS, SIG_DFL)
            installReporter(SIGSEGV)
            let before = handler(of: SIGSEGV)
            let near = pty.near
            try await onLoop { loop in
                let terminal = try loop.openTTY(fileDescriptor: near)
                try terminal.setMode(.raw)
                #expect(handler(of: SIGSEGV) == before)
                #expect(action(of: SIGBUS) == .other)
                terminal.close()
                await terminal.waitClosed()
                #expect(handler(of: SIGSEGV) == before)
            }
            withExtendedLifetime(pty) {}
        }
    }

    /// There is no room on the stack for a handler, only on the other one that the thread has for that.
    @Test func stackThatIsFullGivesTheNormalModeBack() async throws {
        let pty = try PseudoTerminal()
        let path = pty.path
        await #expect(processExitsWith: .signal(SIGSEGV)) { [path = path as String] in
            signal(SIGSEGV, SIG_DFL)
            try await inRawMode(path) { _ in
                let size = 1 << 16
                var other = stack_t(ss_sp: malloc(size), ss_flags: 0, ss_size: size)
                #expect(sigaltstack(&other, nil) == 0)
                _exit(Int32(truncatingIfNeeded: depth(0)))
            }
        }
        #expect(pty.settings == .normal)
    }
}

// SAFETY: set before the signals may come, and never changed again.
private nonisolated(unsafe) var terminalOfTheReport: Int32 = -1
private let addressOfTheFault = 0x10

private func installReporter(_ number: Int32) {
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = report
    action.sa_flags = SA_SIGINFO
    #expect(sigaction(number, &action, nil) == 0)
}

/// Ends the process: 42 if this is about a fault at its address, 43 if about a signal from this process.
private func report(_ number: Int32, _ info: UnsafeMutablePointer<siginfo_t>?, _: UnsafeMutableRawPointer?) {
    guard let info, TerminalSettings(terminalOfTheReport) == .normal else { _exit(1) }
    let address = Int(bitPattern: info.pointee._sifields._sigfault.si_addr)
    if number == SIGSEGV, info.pointee.si_code == 1, address == addressOfTheFault { _exit(42) }
    if number == SIGQUIT, info.pointee.si_code == 0, info.pointee._sifields._kill.si_pid == getpid() { _exit(43) }
    _exit(2)
}

/// Calls itself until the stack is full.
@inline(never) private func depth(_ level: Int) -> Int {
    withUnsafeTemporaryAllocation(byteCount: 512, alignment: 16) { bytes in
        bytes[level % 512] = UInt8(truncatingIfNeeded: level)
        return depth(level + 1) + Int(bytes[level % 512])
    }
}
