// What copies have of the permissions of their sources, and when.

import Glibc
import Testing

@testable import AsyncIO

@Suite(.enabled(if: geteuid() == 0, "only root becomes somebody else")) struct CopyPermissionTests {
    /// A copy that cannot be cloned is refused by the file system, and not for its own permissions.
    @Test func readOnlyFileIsClonedByWhoeverMayReadIt() async {
        await #expect(processExitsWith: .success) {
            try await asNobody { loop, folder in
                let (a, b) = (folder + "/a", folder + "/b")
                try await loop.files.writeFile(a, "text", permissions: 0o444)
                let error = await systemError { try await loop.files.copy(a, to: b, options: .forceClone) }
                #expect(error?.code != .permissionDenied)
                if error == nil {
                    #expect(try await loop.files.stat(b).permissions == 0o444)
                    #expect(try await loop.files.readText(b) == "text")
                    try await loop.files.remove(b)
                }
                let isThere = try await loop.files.exists(b)
                #expect(!isThere)
                try await loop.files.copy(a, to: b, options: .clone)
                #expect(try await loop.files.stat(b).permissions == 0o444)
                #expect(try await loop.files.readText(b) == "text")
            }
        }
    }

    /// Whoever writes to a file takes these bits away from it.
    @Test(arguments: [CopyOptions(), .clone]) func bitsOfProgramsAreCopied(options: CopyOptions) async {
        await #expect(processExitsWith: .success) { [bits = options.rawValue as UInt32] in
            try await asNobody { loop, folder in
                let (a, b) = (folder + "/a", folder + "/b")
                try await loop.files.writeFile(a, "program")
                for permissions: FilePermissions in [0o4755, 0o2755, 0o6711, 0o1644] {
                    try await loop.files.setPermissions(a, permissions)
                    for _ in 0..<2 {
                        // The second time the destination is there.
                        try await loop.files.copy(a, to: b, options: CopyOptions(rawValue: bits))
                        #expect(try await loop.files.stat(b).permissions == permissions)
                        #expect(try await loop.files.readText(b) == "program")
                    }
                    try await loop.files.remove(b)
                }
            }
        }
    }

    /// A destination that others may read has the source's permissions before it has a byte of it.
    @Test func secretsAreNeverForOthers() async {
        await #expect(processExitsWith: .success) {
            try await inFolder(poolThreads: 1) { loop, folder in
                let (a, b) = (folder + "/a", folder + "/b")
                try await loop.files.writeFile(a, noise(9 << 20), permissions: 0o400)
                writeNow(b, octets("old"))
                chmod(b, 0o666)
                let steps = try PoolSteps(loop)
                let copying = loop.createTask { try await loop.files.copy(a, to: b) }
                while (systemStatus(b)?.st_size ?? 0) != 9 << 20 {
                    try await steps.next()
                    let status = try #require(systemStatus(b))
                    #expect(status.st_size <= 3 || status.st_mode & 0o077 == 0)
                }
                steps.end()
                try await copying.value
                #expect(try await loop.files.stat(b).permissions == 0o400)
            }
        }
    }
}

/// Runs `body` as a user who may do nothing special, in a folder of that user's. Only in a child process of a test.
private func asNobody(
    _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop, String) async throws -> Void
) async throws {
    func become(user: UInt32, group: UInt32) {
        #expect(seteuid(0) == 0)
        #expect(setegid(group) == 0)
        #expect(seteuid(user) == 0)
        // Or /proc/self would be root's from here on.
        #expect(controlProcess(4, 1, 0, 0, 0) == 0)
    }
    become(user: 65534, group: 65534)
    // A search for leaks at the end needs root's rights.
    defer { become(user: 0, group: 0) }
    try await inFolder(body)
}
