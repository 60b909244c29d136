// What is known about a file, a directory entry and a file system.

/// A kind of file. The kinds are open: compare with the constants that matter to you.
///
/// asyncio: stat.S_IFMT · libuv: uv_dirent_type_t
public struct FileType: Hashable, Sendable, CustomStringConvertible {
    /// The kind in words.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// A file with bytes in it.
    public static let regular = FileType("regular file")
    /// A folder.
    public static let directory = FileType("directory")
    /// A symbolic link.
    public static let symbolicLink = FileType("symbolic link")
    /// A pipe with a name.
    public static let fifo = FileType("fifo")
    /// A Unix socket.
    public static let socket = FileType("socket")
    /// A device of bytes, such as a terminal.
    public static let characterDevice = FileType("character device")
    /// A device of blocks, such as a disk.
    public static let blockDevice = FileType("block device")
    /// Something else.
    public static let unknown = FileType("unknown")

    init(_ number: FileTypeNumber) {
        switch number {
        case .regular: self = .regular
        case .directory: self = .directory
        case .symbolicLink: self = .symbolicLink
        case .fifo: self = .fifo
        case .socket: self = .socket
        case .characterDevice: self = .characterDevice
        case .blockDevice: self = .blockDevice
        case .unknown: self = .unknown
        }
    }
}

/// What the system knows about a file.
///
/// asyncio: os.stat_result · libuv: uv_stat_t
public struct FileInfo: Hashable, Sendable {
    let status: FileStatus

    init(_ status: FileStatus) { self.status = status }

    /// The kind of file.
    public var type: FileType { FileType(status.type) }
    /// How many bytes are in it.
    public var size: Int { Int(clamping: status.size) }
    /// Who may do what with it.
    public var permissions: FilePermissions { FilePermissions(rawValue: UInt32(status.mode & 0o7777)) }
    /// The number of the user who owns it.
    public var userID: UInt32 { UInt32(truncatingIfNeeded: status.user) }
    /// The number of the group that owns it.
    public var groupID: UInt32 { UInt32(truncatingIfNeeded: status.group) }
    /// The device that it is on.
    public var device: UInt64 { status.device }
    /// Its number on the device.
    public var inode: UInt64 { status.inode }
    /// How many names it has.
    public var linkCount: Int { Int(clamping: status.linkCount) }
    /// How many bytes the file system likes to read and write at a time.
    public var blockSize: Int { Int(clamping: status.blockSize) }
    /// How much of the disk it takes, in units of 512 bytes.
    public var blocks: Int { Int(clamping: status.blocks) }
    /// When it was read last, since 1970-01-01 UTC.
    public var accessTime: Duration { status.accessTime }
    /// When it was written last, since 1970-01-01 UTC.
    public var modificationTime: Duration { status.modificationTime }
    /// When its owner, permissions or names were changed last, since 1970-01-01 UTC.
    public var statusChangeTime: Duration { status.statusChangeTime }
    /// When it was created, since 1970-01-01 UTC; some file systems do not know it.
    public var creationTime: Duration { status.creationTime }

    /// Whether it is a folder.
    public var isDirectory: Bool { status.type == .directory }
    /// Whether it is a regular file.
    public var isRegularFile: Bool { status.type == .regular }
    /// Whether it is a symbolic link, which only ``Files/lstat(_:)`` sees.
    public var isSymbolicLink: Bool { status.type == .symbolicLink }

    /// Whether both are the same file, whatever has become of it meanwhile.
    ///
    /// asyncio: os.path.samestat
    public func isSameFile(as other: FileInfo) -> Bool { status.isSameFile(as: other.status) }

    /// Whether the file was written to, or something else about it was changed, between the two.
    func hasOtherTimes(than other: FileInfo) -> Bool {
        modificationTime != other.modificationTime || statusChangeTime != other.statusChangeTime
    }
}

/// A name in a folder.
///
/// asyncio: os.DirEntry · libuv: uv_dirent_t
public struct DirectoryEntry: Hashable, Sendable {
    /// The name, without the folder's path.
    public let name: String
    /// What is behind it; links are not followed.
    public let type: FileType

    /// Whether it is a folder.
    public var isDirectory: Bool { type == .directory }
}

/// What the system knows about a file system.
///
/// asyncio: os.statvfs_result · libuv: uv_statfs_t
public struct FileSystemInfo: Hashable, Sendable {
    /// The system's number for the kind of file system.
    public let type: UInt64
    /// How many bytes a block has.
    public let blockSize: Int
    /// How many blocks there are.
    public let blocks: Int
    /// How many of them are free.
    public let freeBlocks: Int
    /// How many of them a user without privileges may have.
    public let availableBlocks: Int
    /// How many files there may be.
    public let files: Int
    /// How many more files there may be.
    public let freeFiles: Int

    init(_ status: FileSystemStatus) {
        type = status.type
        blockSize = Int(clamping: status.blockSize)
        blocks = Int(clamping: status.blocks)
        freeBlocks = Int(clamping: status.freeBlocks)
        availableBlocks = Int(clamping: status.availableBlocks)
        files = Int(clamping: status.files)
        freeFiles = Int(clamping: status.freeFiles)
    }

    /// The size in bytes.
    public var size: Int { blockSize.multipliedReportingOverflow(by: blocks).partialValue }
    /// How many bytes a user without privileges may still write.
    public var available: Int { blockSize.multipliedReportingOverflow(by: availableBlocks).partialValue }
}
