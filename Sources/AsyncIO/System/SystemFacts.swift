// The values that the facts about the system and the process come in.

/// An operating system by its names.
///
/// asyncio: os.uname · libuv: uv_utsname_t
public struct OperatingSystemInfo: Hashable, Sendable {
    /// The system, for example `Linux`.
    public let name: String
    /// The release of its kernel, for example `6.1.0-18-amd64`.
    public let release: String
    /// Which build of the kernel it is.
    public let version: String
    /// The kind of machine, for example `x86_64`.
    public let machine: String
}

/// A processor.
///
/// libuv: uv_cpu_info_t
public struct CPUInfo: Hashable, Sendable {
    /// What a processor has done since the machine was started.
    ///
    /// libuv: uv_cpu_times_s
    public struct Times: Hashable, Sendable {
        /// Time in programs.
        public let user: Duration
        /// Time in programs that run with less priority than usual.
        public let nice: Duration
        /// Time in the kernel.
        public let system: Duration
        /// Time without anything to do.
        public let idle: Duration
        /// Time in interrupts.
        public let interrupt: Duration
    }

    /// The maker's name for it; `unknown` if the system does not say.
    public let model: String
    /// How fast it runs now, in MHz; 0 if the system does not say.
    public let megahertz: Int
    /// What it has done.
    public let times: Times
}

/// How much memory there is, in bytes.
///
/// libuv: uv_get_total_memory and its like
public struct MemoryInfo: Hashable, Sendable {
    /// What the machine has.
    public let total: Int
    /// What programs can still get without making others give memory up.
    public let free: Int
    /// What the process and those in its control group may use together; nil if there is no limit below ``total``, or
    /// none is known: libuv knows those of the second version of control groups only from 1.45 on.
    public let limit: Int?
    /// What the process has in memory now.
    public let residentSet: Int
}

/// An address of a network interface.
///
/// libuv: uv_interface_address_t
public struct NetworkInterface: Hashable, Sendable {
    /// The interface, for example `eth0`.
    public let name: String
    /// The address.
    public let address: IPAddress
    /// Which bits of the address are those of its network.
    public let netmask: IPAddress
    /// Whether it reaches nothing but this machine: the loopback.
    public let isInternal: Bool
    /// The six bytes of the hardware's address; zeros if there is none.
    public let physicalAddress: [UInt8]
}

/// A user of the system.
///
/// asyncio: pwd.getpwuid · libuv: uv_passwd_t
public struct UserInfo: Hashable, Sendable {
    /// The name to log in with.
    public let name: String
    /// The number of the user.
    public let userID: Int
    /// The number of the user's group.
    public let groupID: Int
    /// What the user gets after the login; may be empty.
    public let shell: String
    /// The home folder, whatever `HOME` says.
    public let homeDirectory: String
}

/// What a process has used so far, all its threads together.
///
/// asyncio: resource.getrusage · libuv: uv_rusage_t
public struct ResourceUsage: Hashable, Sendable {
    /// Processor time in the program.
    public let userTime: Duration
    /// Processor time in the kernel.
    public let systemTime: Duration
    /// The most that the process has had in memory, in bytes.
    public let maximumResidentSet: Int
    /// Pages that were missing, and could be had without reading.
    public let minorPageFaults: Int
    /// Pages that were missing, and had to be read from somewhere.
    public let majorPageFaults: Int
    /// How often something had to be read from a disk.
    public let blocksRead: Int
    /// How often something had to be written to a disk.
    public let blocksWritten: Int
    /// How often a thread waited for something.
    public let voluntaryContextSwitches: Int
    /// How often a thread had to make room for another one.
    public let involuntaryContextSwitches: Int
}
