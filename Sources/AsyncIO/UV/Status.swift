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
}
