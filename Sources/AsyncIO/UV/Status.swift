// What libuv's status codes mean here: the one place where a negative number becomes an error.

internal import CLibuv

/// Throws unless `status` is a success. Returns the status, which some calls use for a count.
@discardableResult
func uvCheck(_ status: Int32, _ operation: StaticString, subject: String? = nil) throws(IOError) -> Int32 {
    guard status < 0 else { return status }
    throw IOError(uvStatus: status, operation: operation, subject: subject)
}

extension IOError {
    init(uvStatus status: Int32, operation: StaticString, subject: String? = nil) {
        self.init(
            code: Code(rawValue: status), operation: "\(operation)", reason: Code(rawValue: status).text,
            subject: subject)
    }
}

extension IOError.Code {
    /// libuv's name and text; the `_r` functions, because the others leak for unknown codes.
    var text: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let base = buffer.baseAddress else { return "error \(rawValue)" }
            let name = String(cString: uv_err_name_r(rawValue, base, buffer.count))
            let text = String(cString: uv_strerror_r(rawValue, base, buffer.count))
            return "\(name): \(text)"
        }
    }

    /// The request was cancelled before it started.
    public static var canceled: Self { Self(rawValue: Int32(UV_ECANCELED.rawValue)) }
    /// An argument was not acceptable.
    public static var invalidArgument: Self { Self(rawValue: Int32(UV_EINVAL.rawValue)) }
    /// Too busy to do it now.
    public static var busy: Self { Self(rawValue: Int32(UV_EBUSY.rawValue)) }
    /// Out of memory.
    public static var outOfMemory: Self { Self(rawValue: Int32(UV_ENOMEM.rawValue)) }
    /// The process has too many open descriptors.
    public static var tooManyOpenFiles: Self { Self(rawValue: Int32(UV_EMFILE.rawValue)) }
    /// The system has too many open descriptors.
    public static var tooManyOpenFilesInSystem: Self { Self(rawValue: Int32(UV_ENFILE.rawValue)) }
    /// The system has no memory for buffers left.
    public static var noBufferSpace: Self { Self(rawValue: Int32(UV_ENOBUFS.rawValue)) }
    /// It would have to wait.
    public static var wouldBlock: Self { Self(rawValue: Int32(UV_EAGAIN.rawValue)) }
    /// It has begun and will take a while.
    public static var inProgress: Self { Self(rawValue: -EINPROGRESS) }
    /// It has begun before.
    public static var alreadyInProgress: Self { Self(rawValue: Int32(UV_EALREADY.rawValue)) }
    /// Interrupted by a signal.
    public static var interrupted: Self { Self(rawValue: Int32(UV_EINTR.rawValue)) }
    /// The descriptor is not an open one.
    public static var badDescriptor: Self { Self(rawValue: Int32(UV_EBADF.rawValue)) }
    /// Not allowed.
    public static var permissionDenied: Self { Self(rawValue: Int32(UV_EACCES.rawValue)) }
    /// The operation is not permitted, whoever asks.
    public static var notPermitted: Self { Self(rawValue: Int32(UV_EPERM.rawValue)) }
    /// There is no such file or folder.
    public static var noSuchFile: Self { Self(rawValue: Int32(UV_ENOENT.rawValue)) }
    /// The file is there already.
    public static var fileExists: Self { Self(rawValue: Int32(UV_EEXIST.rawValue)) }
    /// There is no such process.
    public static var noSuchProcess: Self { Self(rawValue: Int32(UV_ESRCH.rawValue)) }
    /// The name is too long.
    public static var nameTooLong: Self { Self(rawValue: Int32(UV_ENAMETOOLONG.rawValue)) }
    /// The object does not support the operation.
    public static var notSupported: Self { Self(rawValue: Int32(UV_ENOTSUP.rawValue)) }
    /// The call does not exist on this system.
    public static var notImplemented: Self { Self(rawValue: Int32(UV_ENOSYS.rawValue)) }
}

extension IOError.Code {
    /// Nobody listens there.
    public static var connectionRefused: Self { Self(rawValue: Int32(UV_ECONNREFUSED.rawValue)) }
    /// The other end broke the connection.
    public static var connectionReset: Self { Self(rawValue: Int32(UV_ECONNRESET.rawValue)) }
    /// The connection was given up before it was taken.
    public static var connectionAborted: Self { Self(rawValue: Int32(UV_ECONNABORTED.rawValue)) }
    /// Nobody reads what is written.
    public static var brokenPipe: Self { Self(rawValue: Int32(UV_EPIPE.rawValue)) }
    /// There is no connection.
    public static var notConnected: Self { Self(rawValue: Int32(UV_ENOTCONN.rawValue)) }
    /// There is a connection already.
    public static var alreadyConnected: Self { Self(rawValue: Int32(UV_EISCONN.rawValue)) }
    /// The address is taken.
    public static var addressInUse: Self { Self(rawValue: Int32(UV_EADDRINUSE.rawValue)) }
    /// The machine does not have this address.
    public static var addressNotAvailable: Self { Self(rawValue: Int32(UV_EADDRNOTAVAIL.rawValue)) }
    /// Addresses of this family cannot be used.
    public static var addressFamilyNotSupported: Self { Self(rawValue: Int32(UV_EAFNOSUPPORT.rawValue)) }
    /// No answer in time.
    public static var timedOut: Self { Self(rawValue: Int32(UV_ETIMEDOUT.rawValue)) }
    /// No way to that host.
    public static var hostUnreachable: Self { Self(rawValue: Int32(UV_EHOSTUNREACH.rawValue)) }
    /// No way to that network.
    public static var networkUnreachable: Self { Self(rawValue: Int32(UV_ENETUNREACH.rawValue)) }
    /// The datagram is too long.
    public static var messageTooLong: Self { Self(rawValue: Int32(UV_EMSGSIZE.rawValue)) }
    /// There is nowhere to send it to.
    public static var destinationRequired: Self { Self(rawValue: Int32(UV_EDESTADDRREQ.rawValue)) }
    /// The descriptor is not a socket.
    public static var notSocket: Self { Self(rawValue: Int32(UV_ENOTSOCK.rawValue)) }
    /// The host or service is not known. asyncio: gaierror EAI_NONAME
    public static var unknownHost: Self { Self(rawValue: Int32(UV_EAI_NONAME.rawValue)) }
    /// The resolver could not answer now. asyncio: gaierror EAI_AGAIN
    public static var resolverFailed: Self { Self(rawValue: Int32(UV_EAI_AGAIN.rawValue)) }
    /// The host has no such service. asyncio: gaierror EAI_SERVICE
    public static var unknownService: Self { Self(rawValue: Int32(UV_EAI_SERVICE.rawValue)) }
    /// The host has no address of this family. asyncio: gaierror EAI_NODATA
    public static var noAddress: Self { Self(rawValue: Int32(UV_EAI_NODATA.rawValue)) }
    /// The family is not known to the resolver. asyncio: gaierror EAI_FAMILY
    public static var unknownFamily: Self { Self(rawValue: Int32(UV_EAI_FAMILY.rawValue)) }
}

extension IOError.Code {
    /// The file ended before what was expected of it.
    public static var endOfFile: Self { Self(rawValue: Int32(UV_EOF.rawValue)) }
    /// The disk is full.
    public static var noSpace: Self { Self(rawValue: Int32(UV_ENOSPC.rawValue)) }
    /// It is a folder.
    public static var isDirectory: Self { Self(rawValue: Int32(UV_EISDIR.rawValue)) }
    /// It is not a folder.
    public static var notDirectory: Self { Self(rawValue: Int32(UV_ENOTDIR.rawValue)) }
    /// The folder is not empty.
    public static var directoryNotEmpty: Self { Self(rawValue: Int32(UV_ENOTEMPTY.rawValue)) }
    /// Symbolic links lead in a circle, or must not be followed.
    public static var tooManySymbolicLinks: Self { Self(rawValue: Int32(UV_ELOOP.rawValue)) }
    /// The two paths are on different file systems.
    public static var crossDevice: Self { Self(rawValue: Int32(UV_EXDEV.rawValue)) }
    /// Nothing can be changed on this file system.
    public static var readOnlyFileSystem: Self { Self(rawValue: Int32(UV_EROFS.rawValue)) }
    /// The file would become too large.
    public static var fileTooLarge: Self { Self(rawValue: Int32(UV_EFBIG.rawValue)) }
    /// The file is a program that runs.
    public static var textFileBusy: Self { Self(rawValue: Int32(UV_ETXTBSY.rawValue)) }
    /// The file has too many names.
    public static var tooManyLinks: Self { Self(rawValue: Int32(UV_EMLINK.rawValue)) }
    /// There is no such device.
    public static var noSuchDevice: Self { Self(rawValue: Int32(UV_ENODEV.rawValue)) }
    /// What is behind the descriptor has no positions: a pipe, a terminal.
    public static var invalidSeek: Self { Self(rawValue: Int32(UV_ESPIPE.rawValue)) }
    /// The device failed.
    public static var inputOutput: Self { Self(rawValue: Int32(UV_EIO.rawValue)) }
    /// The descriptor does not know this request.
    public static var inappropriateRequest: Self { Self(rawValue: Int32(UV_ENOTTY.rawValue)) }
}
