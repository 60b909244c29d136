// How files are opened: modes, permissions, kinds of access.

/// What a file is opened for: Python's letters as names, and the system's flags. Names may be combined: `[.read, .write]` is
/// `w+`, `[.read, .append]` is `a+`.
///
/// asyncio: the mode of open() · libuv: UV_FS_O_*
public struct FileMode: OptionSet, Sendable {
    /// A bit for each name.
    public let rawValue: UInt32

    /// Wraps the bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// For reading. Python: `r`
    public static let read = FileMode(rawValue: 1 << 0)
    /// For writing from the beginning: what was in the file is gone; a file that is not there is created. Python: `w`
    public static let write = FileMode(rawValue: 1 << 1)
    /// For writing at the end, wherever it is at that moment; a file that is not there is created. Python: `a`
    public static let append = FileMode(rawValue: 1 << 2)
    /// For writing a new file, which must not be there. Python: `x`
    public static let exclusive = FileMode(rawValue: 1 << 3)
    /// For reading and writing what is there. Python: `r+`
    public static let update = FileMode(rawValue: 1 << 4)
    /// A file that is not there is created. O_CREAT
    public static let create = FileMode(rawValue: 1 << 5)
    /// What was in the file is gone. O_TRUNC
    public static let truncate = FileMode(rawValue: 1 << 6)
    /// The path must not be a symbolic link. O_NOFOLLOW
    public static let noFollow = FileMode(rawValue: 1 << 7)
    /// The path must be a folder. O_DIRECTORY
    public static let directory = FileMode(rawValue: 1 << 8)
    /// A write ends when the disk has it. O_SYNC
    public static let synchronous = FileMode(rawValue: 1 << 9)
    /// Past the system's cache: offsets and counts have to be multiples of what the file system asks for. O_DIRECT
    public static let direct = FileMode(rawValue: 1 << 10)

    /// For writing what is there, without reading it.
    static let overwrite = FileMode(rawValue: 1 << 11)

    private var writes: Bool { !isDisjoint(with: [.write, .append, .exclusive, .update, .overwrite]) }

    /// The system's flags.
    func flags() throws -> Int32 {
        let reads = !isDisjoint(with: [.read, .update])
        guard reads || writes else {
            throw EventLoopError.invalidArgument("mode: must have .read, .write, .append, .exclusive or .update")
        }
        guard writes || !contains(.truncate) else {
            throw EventLoopError.invalidArgument("mode: .truncate needs a mode that writes")
        }
        guard !contains([.write, .append]) else {
            throw EventLoopError.invalidArgument("mode: .write empties the file and .append keeps it; choose one")
        }
        var flags = FileConstant.closeOnExec
        flags |= reads && writes ? FileConstant.readWrite : reads ? FileConstant.readOnly : FileConstant.writeOnly
        if !isDisjoint(with: [.write, .append, .exclusive, .create]) { flags |= FileConstant.create }
        if !isDisjoint(with: [.write, .truncate]) { flags |= FileConstant.truncate }
        if contains(.append) { flags |= FileConstant.append }
        if contains(.exclusive) { flags |= FileConstant.exclusive }
        if contains(.noFollow) { flags |= FileConstant.noFollow }
        if contains(.directory) { flags |= FileConstant.directory }
        if contains(.synchronous) { flags |= FileConstant.synchronous }
        if contains(.direct) { flags |= FileConstant.direct }
        return flags
    }
}

/// Who may do what with a file: an octal number as in the shell, `0o644`, or a set of names.
///
/// asyncio: the mode of os.chmod
public struct FilePermissions: OptionSet, Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    /// The system's bits.
    public let rawValue: UInt32

    /// Wraps the system's bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Wraps the system's bits.
    public init(integerLiteral value: UInt32) { self.init(rawValue: value) }

    /// The owner may read.
    public static let ownerRead: FilePermissions = 0o400
    /// The owner may write.
    public static let ownerWrite: FilePermissions = 0o200
    /// The owner may execute, or enter a folder.
    public static let ownerExecute: FilePermissions = 0o100
    /// The group may read.
    public static let groupRead: FilePermissions = 0o040
    /// The group may write.
    public static let groupWrite: FilePermissions = 0o020
    /// The group may execute, or enter a folder.
    public static let groupExecute: FilePermissions = 0o010
    /// Everybody else may read.
    public static let otherRead: FilePermissions = 0o004
    /// Everybody else may write.
    public static let otherWrite: FilePermissions = 0o002
    /// Everybody else may execute, or enter a folder.
    public static let otherExecute: FilePermissions = 0o001
    /// The program runs as its owner.
    public static let setUserID: FilePermissions = 0o4000
    /// The program runs as its group; files in the folder belong to its group.
    public static let setGroupID: FilePermissions = 0o2000
    /// Only owners remove files from the folder.
    public static let sticky: FilePermissions = 0o1000

    /// The octal number, for example `0o644`.
    public var description: String {
        let digits = String(rawValue, radix: 8)
        return "0o" + String(repeating: "0", count: max(0, 3 - digits.count)) + digits
    }
}

/// What ``Files/access(_:_:)`` asks for; nothing asks whether the file is there.
///
/// asyncio: os.access
public struct FileAccess: OptionSet, Sendable {
    /// The system's bits.
    public let rawValue: Int32

    /// Wraps the system's bits.
    public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The process may read it.
    public static let read = FileAccess(rawValue: FileConstant.mayRead)
    /// The process may write it.
    public static let write = FileAccess(rawValue: FileConstant.mayWrite)
    /// The process may execute it, or enter the folder.
    public static let execute = FileAccess(rawValue: FileConstant.mayExecute)
}
