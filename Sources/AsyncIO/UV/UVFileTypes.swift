// What the system says about files, in Swift's types, and the bits by which they are opened.

internal import CLibuv

/// libuv's number for a kind of directory entry.
enum FileTypeNumber {
    case unknown, regular, directory, symbolicLink, fifo, socket, characterDevice, blockDevice

    init(_ type: uv_dirent_type_t) {
        switch type {
        case UV_DIRENT_FILE: self = .regular
        case UV_DIRENT_DIR: self = .directory
        case UV_DIRENT_LINK: self = .symbolicLink
        case UV_DIRENT_FIFO: self = .fifo
        case UV_DIRENT_SOCKET: self = .socket
        case UV_DIRENT_CHAR: self = .characterDevice
        case UV_DIRENT_BLOCK: self = .blockDevice
        default: self = .unknown
        }
    }

    init(mode: UInt64) {
        switch mode & UInt64(S_IFMT) {
        case UInt64(S_IFREG): self = .regular
        case UInt64(S_IFDIR): self = .directory
        case UInt64(S_IFLNK): self = .symbolicLink
        case UInt64(S_IFIFO): self = .fifo
        case UInt64(S_IFSOCK): self = .socket
        case UInt64(S_IFCHR): self = .characterDevice
        case UInt64(S_IFBLK): self = .blockDevice
        default: self = .unknown
        }
    }
}

/// The answer of `stat`.
struct FileStatus: Hashable, Sendable {
    let device: UInt64
    let mode: UInt64
    let linkCount: UInt64
    let user: UInt64
    let group: UInt64
    let inode: UInt64
    let size: UInt64
    let blockSize: UInt64
    let blocks: UInt64
    let accessTime: Duration
    let modificationTime: Duration
    let statusChangeTime: Duration
    let creationTime: Duration

    init(_ status: uv_stat_t) {
        device = status.st_dev
        mode = status.st_mode
        linkCount = status.st_nlink
        user = status.st_uid
        group = status.st_gid
        inode = status.st_ino
        size = status.st_size
        blockSize = status.st_blksize
        blocks = status.st_blocks
        accessTime = Duration(status.st_atim)
        modificationTime = Duration(status.st_mtim)
        statusChangeTime = Duration(status.st_ctim)
        creationTime = Duration(status.st_birthtim)
    }

    /// The file that a path leads to, looked up on the calling thread; nil if it leads nowhere.
    init?(path: String) {
        var request = uv_fs_t()
        defer { uv_fs_req_cleanup(&request) }
        guard uv_fs_stat(nil, &request, path, nil) == 0 else { return nil }
        self.init(request.statbuf)
    }

    var type: FileTypeNumber { FileTypeNumber(mode: mode) }

    /// Whether both are the same file, whatever has become of it.
    func isSameFile(as other: FileStatus) -> Bool { device == other.device && inode == other.inode }
}

extension Duration {
    /// Since 1970.
    fileprivate init(_ time: uv_timespec_t) {
        self = .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}

/// The answer of `statfs`.
struct FileSystemStatus {
    var type: UInt64 = 0
    var blockSize: UInt64 = 0
    var blocks: UInt64 = 0
    var freeBlocks: UInt64 = 0
    var availableBlocks: UInt64 = 0
    var files: UInt64 = 0
    var freeFiles: UInt64 = 0

    init() {}

    init(_ status: uv_statfs_t) {
        type = status.f_type
        blockSize = status.f_bsize
        blocks = status.f_blocks
        freeBlocks = status.f_bfree
        availableBlocks = status.f_bavail
        files = status.f_files
        freeFiles = status.f_ffree
    }
}

/// The bits of `open` and `access`.
enum FileConstant {
    static let readOnly = UV_FS_O_RDONLY
    static let writeOnly = UV_FS_O_WRONLY
    static let readWrite = UV_FS_O_RDWR
    static let create = UV_FS_O_CREAT
    static let exclusive = UV_FS_O_EXCL
    static let truncate = UV_FS_O_TRUNC
    static let append = UV_FS_O_APPEND
    static let noFollow = UV_FS_O_NOFOLLOW
    static let directory = UV_FS_O_DIRECTORY
    static let synchronous = UV_FS_O_SYNC
    static let direct = Int32(UV_FS_O_DIRECT)
    static let closeOnExec = O_CLOEXEC
    static let mayRead = R_OK
    static let mayWrite = W_OK
    static let mayExecute = X_OK
    static let exists = F_OK
}
