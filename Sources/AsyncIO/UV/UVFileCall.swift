// The calls on the file system that libuv offers, as values that can wait for their turn.

internal import CLibuv

/// A call on the file system with its arguments.
enum FileCall {
    case open(String, flags: Int32, permissions: UInt32)
    case close(Int32)
    /// An offset of -1 is the descriptor's own position.
    case read(Int32, [FileSlice], offset: Int64)
    case write(Int32, [FileSlice], offset: Int64)
    case sync(Int32, dataOnly: Bool)
    case truncate(Int32, size: Int64)
    case sendfile(to: Int32, from: Int32, offset: Int64, count: Int)
    case descriptorStatus(Int32)
    case setDescriptorPermissions(Int32, UInt32)
    case setDescriptorTimes(Int32, access: Double, modification: Double)
    case status(String)
    case linkStatus(String)
    case fileSystemStatus(String)
    case access(String, Int32)
    case setPermissions(String, UInt32)
    case setOwner(String, user: UInt32, group: UInt32)
    case setTimes(String, access: Double, modification: Double)
    case unlink(String)
    case rename(String, String)
    case link(String, String)
    case symlink(String, String)
    case readLink(String)
    case realPath(String)
    /// From the first descriptor to the second.
    case clone(Int32, Int32)
    case makeDirectory(String, UInt32)
    case removeDirectory(String)
    case listDirectory(String)
    /// The template ends in XXXXXX.
    case makeTemporaryFile(String)
    case makeTemporaryDirectory(String)

    /// The system's name of the call, for errors.
    var name: StaticString {
        switch self {
        case .open: "open"
        case .close: "close"
        case .read: "read"
        case .write: "write"
        case .sync(_, let dataOnly): dataOnly ? "fdatasync" : "fsync"
        case .truncate: "ftruncate"
        case .sendfile: "sendfile"
        case .descriptorStatus: "fstat"
        case .setDescriptorPermissions: "fchmod"
        case .setDescriptorTimes: "futime"
        case .status: "stat"
        case .linkStatus: "lstat"
        case .fileSystemStatus: "statfs"
        case .access: "access"
        case .setPermissions: "chmod"
        case .setOwner: "chown"
        case .setTimes: "utime"
        case .unlink: "unlink"
        case .rename: "rename"
        case .link: "link"
        case .symlink: "symlink"
        case .readLink: "readlink"
        case .realPath: "realpath"
        case .clone: "copyfile"
        case .makeDirectory: "mkdir"
        case .removeDirectory: "rmdir"
        case .listDirectory: "scandir"
        case .makeTemporaryFile: "mkstemp"
        case .makeTemporaryDirectory: "mkdtemp"
        }
    }

    /// Starts the call; without a callback it is made at once. libuv copies paths and lists of buffers.
    func start(
        _ loop: UnsafeMutablePointer<uv_loop_t>?, _ request: UnsafeMutablePointer<uv_fs_t>, _ callback: uv_fs_cb?
    ) -> Int32 {
        switch self {
        case .open(let path, let flags, let permissions):
            return uv_fs_open(loop, request, path, flags, Int32(bitPattern: permissions), callback)
        case .close(let file): return uv_fs_close(loop, request, file, callback)
        case .read(let file, let slices, let offset):
            return slices.withBuffers { uv_fs_read(loop, request, file, $0, $1, offset, callback) }
        case .write(let file, let slices, let offset):
            return slices.withBuffers { uv_fs_write(loop, request, file, $0, $1, offset, callback) }
        case .sync(let file, let dataOnly):
            return dataOnly
                ? uv_fs_fdatasync(loop, request, file, callback) : uv_fs_fsync(loop, request, file, callback)
        case .truncate(let file, let size): return uv_fs_ftruncate(loop, request, file, size, callback)
        case .sendfile(let target, let source, let offset, let count):
            return uv_fs_sendfile(loop, request, target, source, offset, count, callback)
        case .clone(let source, let target):
            return uv_fs_copyfile(
                loop, request, System.path(of: source), System.path(of: target), UV_FS_COPYFILE_FICLONE_FORCE, callback)
        case .descriptorStatus(let file): return uv_fs_fstat(loop, request, file, callback)
        case .setDescriptorPermissions(let file, let bits):
            return uv_fs_fchmod(loop, request, file, Int32(bitPattern: bits), callback)
        case .setDescriptorTimes(let file, let access, let modification):
            return uv_fs_futime(loop, request, file, access, modification, callback)
        default: return startWithPath(loop, request, callback)
        }
    }

    private func startWithPath(
        _ loop: UnsafeMutablePointer<uv_loop_t>?, _ request: UnsafeMutablePointer<uv_fs_t>, _ callback: uv_fs_cb?
    ) -> Int32 {
        switch self {
        case .status(let path): return uv_fs_stat(loop, request, path, callback)
        case .linkStatus(let path): return uv_fs_lstat(loop, request, path, callback)
        case .fileSystemStatus(let path): return uv_fs_statfs(loop, request, path, callback)
        case .access(let path, let mode): return uv_fs_access(loop, request, path, mode, callback)
        case .setPermissions(let path, let bits):
            return uv_fs_chmod(loop, request, path, Int32(bitPattern: bits), callback)
        case .setOwner(let path, let user, let group):
            return uv_fs_chown(loop, request, path, user, group, callback)
        case .setTimes(let path, let access, let modification):
            return uv_fs_utime(loop, request, path, access, modification, callback)
        case .unlink(let path): return uv_fs_unlink(loop, request, path, callback)
        case .rename(let from, let to): return uv_fs_rename(loop, request, from, to, callback)
        case .link(let from, let to): return uv_fs_link(loop, request, from, to, callback)
        case .symlink(let target, let path): return uv_fs_symlink(loop, request, target, path, 0, callback)
        case .readLink(let path): return uv_fs_readlink(loop, request, path, callback)
        case .realPath(let path): return uv_fs_realpath(loop, request, path, callback)
        case .makeDirectory(let path, let bits):
            return uv_fs_mkdir(loop, request, path, Int32(bitPattern: bits), callback)
        case .removeDirectory(let path): return uv_fs_rmdir(loop, request, path, callback)
        case .listDirectory(let path): return uv_fs_scandir(loop, request, path, 0, callback)
        case .makeTemporaryFile(let template): return uv_fs_mkstemp(loop, request, template, callback)
        case .makeTemporaryDirectory(let template): return uv_fs_mkdtemp(loop, request, template, callback)
        default: return Int32(UV_ENOSYS.rawValue)
        }
    }
}

extension System {
    /// How many threads libuv's pool has. It takes what is no number for 0, and 0 for 1.
    static var poolThreads: Int {
        environment("UV_THREADPOOL_SIZE").map { max(1, min(Int(UInt32(bitPattern: atoi($0))), 1024)) } ?? 4
    }

    /// A path that leads to the file of a descriptor, whatever has become of its name.
    static func path(of descriptor: Int32) -> String {
        #if os(Linux)
            "/proc/self/fd/\(descriptor)"
        #else
            "/dev/fd/\(descriptor)"
        #endif
    }

    /// Where temporary files go: `TMPDIR`, or `/tmp`. libuv: uv_os_tmpdir
    static func temporaryFolder() throws(IOError) -> String {
        var size = 4096
        var result = ""
        var status: Int32 = 0
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: size) { buffer in
            status = uv_os_tmpdir(buffer.baseAddress, &size)
            if status == 0, let base = buffer.baseAddress { result = String(cString: base) }
        }
        try uvCheck(status, "uv_os_tmpdir")
        return result
    }

    /// Where in the file a descriptor is; nil if it cannot seek.
    static func position(of descriptor: Int32) -> Int64? {
        let position = lseek(descriptor, 0, SEEK_CUR)
        return position < 0 ? nil : Int64(position)
    }
}
