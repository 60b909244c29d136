// Child processes.

internal import CLibuv

/// What to start, and how.
struct SpawnOptions {
    /// What is executed; looked for in PATH unless it has a slash.
    var file: String
    /// All of argv, the name included.
    var arguments: [String]
    /// `NAME=value` each; nil is that of this process.
    var environment: [String]?
    var workingDirectory: String?
    /// By the child's numbers: the descriptor that it gets; -1 for none, which is /dev/null for the first three.
    var descriptors: [Int32] = []
    var startsSession = false
    var closesDescriptors = true
    var umask: UInt32?
    var processGroup: Int32?
    var user: UInt32?
    var group: UInt32?
    var extraGroups: [UInt32]?
}

/// A child process. libuv: uv_process_t
final class UVProcess: UVHandle {
    private var callback: ((Int64, Int32) -> Void)?

    /// Starts a child.
    ///
    /// - Parameter callback: gets the status and the signal with which the child ended.
    init(on loop: UVLoop, _ options: SpawnOptions, _ callback: @escaping (Int64, Int32) -> Void) throws {
        self.callback = callback
        // Closed at exec, or by the call.
        let report = try System.makePipe(readFlags: Int32(UV_NONBLOCK_PIPE.rawValue))
        // `uv_spawn` initialises the handle, whether or not it succeeds.
        try super.init(UV_PROCESS, of: uv_process_t.self, on: loop, operation: "uv_spawn") { _, _ in 0 }
        var step: Int32 = 0
        var isAlive: Int32 = 0
        let status = options.spawn(on: loop.raw, pointer(as: uv_process_t.self), report, &step, &isAlive)
        guard status < 0 else { return }
        self.callback = nil
        if isAlive != 0 {
            // One that has said what failed is about to end by itself; one that has not must not go on.
            if status == UV_ENOTSUP.rawValue { _ = System.endChild(pid) } else { asyncio_reap_child(pid) }
        }
        close()
        throw Self.failure(status, step, options)
    }

    private static func failure(_ status: Int32, _ step: Int32, _ options: SpawnOptions) -> IOError {
        switch asyncio_child_step(UInt32(step)) {
        case ASYNCIO_CHILD_FOLDER:
            return IOError(uvStatus: status, operation: "chdir", subject: options.workingDirectory)
        case ASYNCIO_CHILD_PROCESS_GROUP: return IOError(uvStatus: status, operation: "setpgid", subject: options.file)
        case ASYNCIO_CHILD_GROUPS: return IOError(uvStatus: status, operation: "setgroups", subject: options.file)
        case ASYNCIO_CHILD_GROUP: return IOError(uvStatus: status, operation: "setgid", subject: options.file)
        case ASYNCIO_CHILD_USER: return IOError(uvStatus: status, operation: "setuid", subject: options.file)
        default: return IOError(uvStatus: status, operation: "uv_spawn", subject: options.file)
        }
    }

    var pid: Int32 { uv_process_get_pid(pointer(as: uv_process_t.self)) }

    /// Sends a signal; a status.
    func kill(_ signal: Int32) -> Int32 { uv_process_kill(pointer(as: uv_process_t.self), signal) }

    fileprivate func end(_ status: Int64, _ signal: Int32) {
        let callback = self.callback
        self.callback = nil
        close()
        callback?(status, signal)
    }

    override func didClose() { callback = nil }
}

private func processDidExit(_ handle: UnsafeMutablePointer<uv_process_t>?, _ status: Int64, _ signal: Int32) {
    withUVOwner(handle?.pointee.data, as: UVProcess.self) { $0.end(status, signal) }
}

extension System {
    /// Whether a child has ended without libuv's having got its status.
    static func isChildGone(_ pid: Int32) -> Bool { asyncio_child_is_gone(pid) != 0 }

    /// Ends a child at once and waits for that.
    ///
    /// - Returns: why it may not be ended, in which case it goes on.
    static func endChild(_ pid: Int32) -> IOError? {
        let status = asyncio_end_child(pid)
        return status < 0 ? IOError(uvStatus: status, operation: "kill", subject: "process \(pid)") : nil
    }

    /// Whether a descriptor is open and passed on to other programs.
    static func isInherited(_ descriptor: Int32) -> Bool { asyncio_is_inherited(descriptor) != 0 }

    /// Sees to it that no pipe or socket gets the number of a standard descriptor.
    static func openStandardDescriptors() { asyncio_open_standard_descriptors() }

    /// A pipe for a child: `near` is this process's end and does not block. Neither is inherited as it is.
    static func pipeForChild(childReads: Bool) throws(IOError) -> (near: Int32, far: Int32) {
        let nonBlocking = Int32(UV_NONBLOCK_PIPE.rawValue)
        if !childReads { return try makePipe(readFlags: nonBlocking) }
        let ends = try makePipe(writeFlags: nonBlocking)
        return (ends.far, ends.near)
    }

    /// A pipe that children do not inherit; what is written to its far end comes out at the near one.
    fileprivate static func makePipe(
        readFlags: Int32 = 0, writeFlags: Int32 = 0
    ) throws(IOError) -> (near: Int32, far: Int32) {
        var ends: [Int32] = [-1, -1]
        try uvCheck(uv_pipe(&ends, readFlags, writeFlags), "pipe")
        return (ends[0], ends[1])
    }
}

extension SpawnOptions {
    /// Not to be inlined into other files: what is static in the C function would be there twice.
    @inline(never)
    fileprivate func spawn(
        on loop: UnsafeMutablePointer<uv_loop_t>, _ handle: UnsafeMutablePointer<uv_process_t>,
        _ report: (near: Int32, far: Int32), _ step: inout Int32, _ isAlive: inout Int32
    ) -> Int32 {
        withNative { native, folder in
            (extraGroups ?? []).withUnsafeBufferPointer { groups in
                let setup = asyncio_child_setup(
                    options: native, folder: folder, closes_descriptors: closesDescriptors ? 1 : 0,
                    umask: umask.map(Int64.init) ?? -1, process_group: processGroup.map(Int64.init) ?? -1,
                    user: user.map(Int64.init) ?? -1, group: group.map(Int64.init) ?? -1,
                    group_count: extraGroups.map { Int64($0.count) } ?? -1, groups: groups.baseAddress,
                    report: report.far)
                return asyncio_spawn(loop, handle, setup, report.near, &step, &isAlive)
            }
        }
    }

    /// The same for libuv, valid during the call, and the working directory, which libuv is not told.
    private func withNative(
        _ body: (UnsafeMutablePointer<uv_process_options_t>, UnsafePointer<CChar>?) -> Int32
    ) -> Int32 {
        let arguments = CStrings(arguments)
        let environment = environment.map { CStrings($0) }
        var containers = descriptors.map { descriptor in
            var container = uv_stdio_container_t()
            container.flags = descriptor >= 0 ? UV_INHERIT_FD : UV_IGNORE
            if descriptor >= 0 { container.data.fd = descriptor }
            return container
        }
        return containers.withUnsafeMutableBufferPointer { containers in
            file.withCString { file in
                withOptionalCString(workingDirectory) { folder in
                    var native = uv_process_options_t()
                    native.exit_cb = processDidExit
                    native.file = file
                    native.args = arguments.base
                    native.env = environment?.base
                    native.flags = startsSession ? UInt32(UV_PROCESS_DETACHED.rawValue) : 0
                    native.stdio_count = Int32(containers.count)
                    native.stdio = containers.baseAddress
                    return body(&native, folder)
                }
            }
        }
    }
}

private func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let text else { return body(nil) }
    return text.withCString { body($0) }
}

/// Texts as C wants them: an array of pointers with a null at its end.
private final class CStrings {
    let base: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        base = .allocate(capacity: count + 1)
        for (index, text) in texts.enumerated() { (base + index).initialize(to: strdup(text)) }
        (base + count).initialize(to: nil)
    }

    deinit {
        for index in 0..<count { free(base[index]) }
        base.deallocate()
    }
}
