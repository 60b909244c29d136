// Questions to the system about the machine and the process: libuv's answers as plain values, nothing of it left over.

internal import CLibuv

/// A count of milliseconds for each thing that a processor does.
struct ProcessorTimes { let user, nice, kernel, idle, interrupt: UInt64 }

extension System {
    static func hostName() throws(IOError) -> String { try text("gethostname") { uv_os_gethostname($0, $1) } }
    static func homeDirectory() throws(IOError) -> String { try text("uv_os_homedir") { uv_os_homedir($0, $1) } }
    static func temporaryDirectory() throws(IOError) -> String { try text("uv_os_tmpdir") { uv_os_tmpdir($0, $1) } }
    static func workingDirectory() throws(IOError) -> String { try text("getcwd") { uv_cwd($0, $1) } }

    static func executablePath() throws(IOError) -> String {
        var room = 1024
        while true {
            // This one cuts what has no room.
            let path = try text("uv_exepath", room: room) { uv_exepath($0, $1) }
            if path.utf8.count < room - 1 { return path }
            room *= 2
        }
    }

    static func changeDirectory(to path: String) throws(IOError) {
        try uvCheck(uv_chdir(path), "chdir", subject: path)
    }

    /// A text from a call that is given room, and says how much it needs.
    fileprivate static func text(
        _ operation: StaticString, room: Int = 256,
        _ call: (UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<Int>) -> Int32
    ) throws(IOError) -> String {
        var room = room
        while true {
            var result = ""
            let status = withUnsafeTemporaryAllocation(of: CChar.self, capacity: room) { buffer -> Int32 in
                var size = buffer.count
                let status = call(buffer.baseAddress, &size)
                if status == 0, let base = buffer.baseAddress { result = String(cString: base) }
                return status
            }
            guard status == Int32(UV_ENOBUFS.rawValue) else {
                try uvCheck(status, operation)
                return result
            }
            room *= 2
        }
    }

    static func operatingSystem() throws(IOError) -> (name: String, release: String, version: String, machine: String) {
        var names = uv_utsname_t()
        try uvCheck(uv_os_uname(&names), "uname")
        return (text(of: names.sysname), text(of: names.release), text(of: names.version), text(of: names.machine))
    }

    /// The text of a C array.
    private static func text<Characters>(of array: Characters) -> String {
        withUnsafeBytes(of: array) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String { pointer.map { String(cString: $0) } ?? "" }
}

// MARK: - The machine

extension System {
    static func processors() throws(IOError) -> [(model: String, speed: Int, times: ProcessorTimes)] {
        var first: UnsafeMutablePointer<uv_cpu_info_t>?
        var count: Int32 = 0
        try uvCheck(uv_cpu_info(&first, &count), "uv_cpu_info")
        defer { uv_free_cpu_info(first, count) }
        return UnsafeBufferPointer(start: first, count: Int(count)).map { info in
            let times = info.cpu_times
            return (
                text(info.model), Int(info.speed),
                ProcessorTimes(
                    user: times.user, nice: times.nice, kernel: times.sys, idle: times.idle, interrupt: times.irq)
            )
        }
    }

    /// Bytes; zero stands for unknown.
    static var memory: (total: UInt64, free: UInt64, constrained: UInt64) {
        (uv_get_total_memory(), uv_get_free_memory(), uv_get_constrained_memory())
    }

    static func residentMemory() throws(IOError) -> Int {
        var bytes = 0
        try uvCheck(uv_resident_set_memory(&bytes), "uv_resident_set_memory")
        return bytes
    }

    static var loadAverage: (Double, Double, Double) {
        var load = (0.0, 0.0, 0.0)
        withUnsafeMutableBytes(of: &load) { uv_loadavg($0.assumingMemoryBound(to: Double.self).baseAddress) }
        return load
    }

    /// Seconds since the machine was started.
    static func uptime() throws(IOError) -> Double {
        var seconds = 0.0
        try uvCheck(uv_uptime(&seconds), "uv_uptime")
        return seconds
    }

    static func interfaces() throws(IOError)
        -> [(name: String, address: SocketName?, netmask: SocketName?, isInternal: Bool, hardware: [UInt8])]
    {
        var first: UnsafeMutablePointer<uv_interface_address_t>?
        var count: Int32 = 0
        try uvCheck(uv_interface_addresses(&first, &count), "getifaddrs")
        defer { uv_free_interface_addresses(first, count) }
        return UnsafeBufferPointer(start: first, count: Int(count)).map { interface in
            (
                text(interface.name), name(of: interface.address), name(of: interface.netmask),
                interface.is_internal != 0, withUnsafeBytes(of: interface.phys_addr) { Array($0) }
            )
        }
    }

    /// One of libuv's unions of addresses.
    private static func name<Addresses>(of addresses: Addresses) -> SocketName? {
        withUnsafeBytes(of: addresses) { bytes in
            // SAFETY: every address begins as a `sockaddr` does, and the union has room for these two kinds.
            let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
            guard let family = address?.pointee.sa_family, [AF_INET, AF_INET6].contains(Int32(family)) else {
                return nil
            }
            return SocketName(address)
        }
    }
}

// MARK: - The process

extension System {
    static func environment() throws(IOError) -> [String: String] {
        var first: UnsafeMutablePointer<uv_env_item_t>?
        var count: Int32 = 0
        try uvCheck(uv_os_environ(&first, &count), "uv_os_environ")
        defer { uv_os_free_environ(first, count) }
        let items = UnsafeBufferPointer(start: first, count: Int(count)).map { (text($0.name), text($0.value)) }
        // A name may occur twice; `getenv` finds the first.
        return Dictionary(items) { first, _ in first }
    }

    static func setEnvironment(_ name: String, _ value: String?) throws(IOError) {
        if let value {
            try uvCheck(uv_os_setenv(name, value), "setenv", subject: name)
        } else {
            try uvCheck(uv_os_unsetenv(name), "unsetenv", subject: name)
        }
    }

    static var processIdentifier: Int32 { uv_os_getpid() }
    static var parentProcessIdentifier: Int32 { uv_os_getppid() }

    static func user() throws(IOError)
        -> (name: String, userID: Int, groupID: Int, shell: String, homeDirectory: String)
    {
        var user = uv_passwd_t()
        try uvCheck(uv_os_get_passwd(&user), "getpwuid_r")
        defer { uv_os_free_passwd(&user) }
        return (text(user.username), Int(user.uid), Int(user.gid), text(user.shell), text(user.homedir))
    }

    static func priority(of process: Int32) throws(IOError) -> Int {
        var priority: Int32 = 0
        try uvCheck(uv_os_getpriority(process, &priority), "getpriority", subject: "process \(process)")
        return Int(priority)
    }

    static func setPriority(_ priority: Int, of process: Int32) throws(IOError) {
        try uvCheck(
            uv_os_setpriority(process, Int32(clamping: priority)), "setpriority", subject: "process \(process)")
    }

    static let priorities = Int(UV_PRIORITY_HIGHEST)...Int(UV_PRIORITY_LOW)

    static func resourceUsage() throws(IOError) -> ResourceNumbers {
        var usage = uv_rusage_t()
        try uvCheck(uv_getrusage(&usage), "getrusage")
        return ResourceNumbers(
            userTime: (Int(usage.ru_utime.tv_sec), Int(usage.ru_utime.tv_usec)),
            systemTime: (Int(usage.ru_stime.tv_sec), Int(usage.ru_stime.tv_usec)),
            maximumResidentSet: usage.ru_maxrss * UInt64(ASYNCIO_MAXRSS_UNIT), minorFaults: usage.ru_minflt,
            majorFaults: usage.ru_majflt, blocksRead: usage.ru_inblock, blocksWritten: usage.ru_oublock,
            voluntarySwitches: usage.ru_nvcsw, involuntarySwitches: usage.ru_nivcsw)
    }
}

/// What `getrusage` counts.
struct ResourceNumbers {
    /// Seconds and microseconds.
    let userTime, systemTime: (Int, Int)
    /// In bytes.
    let maximumResidentSet: UInt64
    let minorFaults, majorFaults, blocksRead, blocksWritten: UInt64
    let voluntarySwitches, involuntarySwitches: UInt64
}

/// The title of the process, which takes the place of its arguments in memory.
enum ProcessTitle {
    /// Whether libuv has got the place, of which it takes a copy first.
    private static let isPossible: Bool = {
        // Swift copies them when they are first asked for.
        _ = CommandLine.arguments
        let arguments = CommandLine.unsafeArgv
        guard asyncio_arguments_are_original(CommandLine.argc, arguments) != 0 else { return false }
        return uv_setup_args(CommandLine.argc, arguments) != arguments
    }()

    static func get() -> String {
        let title: String? =
            isPossible
            ? try? System.text("uv_get_process_title") { uv_get_process_title($0, $1.pointee) } : nil
        return title ?? CommandLine.arguments.first ?? ""
    }

    static func set(_ title: String) throws(IOError) {
        guard isPossible else { throw IOError(uvStatus: Int32(UV_ENOTSUP.rawValue), operation: "uv_set_process_title") }
        try uvCheck(uv_set_process_title(title), "uv_set_process_title")
    }
}
