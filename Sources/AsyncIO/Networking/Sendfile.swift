// Sending files: by the system, without taking them into memory, or in pieces if it cannot.

extension EventLoop {
    /// Sends a file, or a part of it, through a connection, after what has been written before. Nothing else may be written
    /// meanwhile.
    ///
    /// The file's position is where sending ended afterwards, also after an error. What the system's cache does not hold is
    /// read from the disk on the loop's thread, in pieces of at most 256 KiB.
    ///
    /// **Cancellation:** ends the sending; part of the file has gone out.
    ///
    /// - Parameters:
    ///   - transport: the connection.
    ///   - fileDescriptor: the file.
    ///   - offset: where in the file to begin.
    ///   - count: how many bytes to send at most; nil is to the file's end.
    ///   - fallback: whether to read and write in pieces if the system cannot send this file.
    /// - Returns: how many bytes were sent.
    /// - Throws: ``EventLoopError`` `.transportClosing`, `.invalidArgument`, `.unsupported`; ``IOError``, for example
    ///   `.connectionReset`; ``SendfileNotAvailableError``.
    ///
    /// asyncio: loop.sendfile · libuv: uv_poll_start, for sendfile(2)
    @discardableResult
    public func sendfile(
        _ transport: Transport, fileDescriptor: Int32, offset: Int = 0, count: Int? = nil, fallback: Bool = true
    ) async throws -> Int {
        try checkOpen("sendfile")
        try checkRange(offset, count)
        if transport.isClosing { throw EventLoopError(.transportClosing, "Transport is closing") }
        guard let transport = transport as? SocketTransport, transport.sending != .never else {
            if fallback, transport.writesPlainBytes {
                return try await sendInPieces(transport, fileDescriptor, offset, count)
            }
            throw EventLoopError(.unsupported, "sendfile is not supported for transport \(type(of: transport))")
        }
        guard transport.sending == .open else {
            throw EventLoopError(.writeAfterEOF, "Cannot call sendfile() after write_eof()")
        }
        if transport.isSendingFile {
            throw EventLoopError(.sendfileInProgress, "sendfile is in progress already")
        }
        transport.isSendingFile = true
        defer { transport.isSendingFile = false }
        let wasReading = transport.isReading
        transport.pauseReading()
        defer { if wasReading { transport.resumeReading() } }
        try await transport.flush()
        // A second descriptor: it can be watched beside the stream's, and is safe from a reuse of its number.
        let socket = try SystemSocket(transport.fileDescriptor).duplicate()
        defer { socket.close() }
        do {
            return try await sendNatively(socket, fileDescriptor, offset, count) { wait in
                if transport.isClosing { throw transport.connectionIsLost }
                transport.sendfileWait = wait
            }
        } catch let unavailable as SendfileNotAvailableError {
            guard fallback else { throw unavailable }
            return try await sendInPieces(transport, fileDescriptor, offset, count)
        }
    }

    /// Sends a file, or a part of it, through a connected stream socket; otherwise as ``sendfile(_:fileDescriptor:offset:count:fallback:)``.
    ///
    /// **Cancellation:** ends the sending; part of the file has gone out.
    ///
    /// asyncio: loop.sock_sendfile · libuv: uv_poll_start, for sendfile(2)
    @discardableResult
    public func sockSendfile(
        _ fileDescriptor: Int32, file: Int32, offset: Int = 0, count: Int? = nil, fallback: Bool = true
    ) async throws -> Int {
        let socket = try checkSocket(fileDescriptor, call: "sockSendfile")
        try checkRange(offset, count)
        guard try socket.type() == SystemConstant.stream else {
            throw EventLoopError.invalidArgument("fileDescriptor: only stream sockets can send files")
        }
        do {
            return try await sendNatively(socket, file, offset, count) { _ in }
        } catch let unavailable as SendfileNotAvailableError {
            guard fallback else { throw unavailable }
            return try await eachPiece(file, offset, count) { try await sockSendAll(fileDescriptor, $0) }
        }
    }

    private func checkRange(_ offset: Int, _ count: Int?) throws {
        guard offset >= 0 else {
            throw EventLoopError.invalidArgument("offset must be a non-negative integer (got \(offset))")
        }
        if let count, count <= 0 {
            throw EventLoopError.invalidArgument("count must be a positive integer (got \(count))")
        }
    }

    private static let pieceSize = 256 * 1024

    /// Sends by sendfile(2); waits while the socket is full.
    ///
    /// - Parameter check: throws if there is no sense in going on; gets what is waited for.
    private func sendNatively(
        _ socket: SystemSocket, _ file: Int32, _ offset: Int, _ count: Int?, check: (Future<Void>?) throws -> Void
    ) async throws -> Int {
        guard try FileIdentity(descriptor: file).isRegularFile else {
            throw SendfileNotAvailableError("not a regular file")
        }
        var sent = 0
        var seeks = true
        // The position follows also when this ends early.
        defer { if seeks { try? System.seek(file, to: offset + sent) } }
        while count.map({ sent < $0 }) ?? true {
            try check(nil)
            let piece = min(Self.pieceSize, (count ?? .max) - sent)
            let status = socket.send(file: file, from: offset + sent, count: piece)
            if status == 0 { break }
            if status > 0 {
                sent += status
                // Others get a turn; a socket that takes everything would not let them.
                try await yieldOneRound()
            } else if status == IOError.Code.wouldBlock.rawValue {
                try await waitUntilReady(socket.descriptor, .writing) { try? check($0) }
            } else {
                let error = IOError(uvStatus: Int32(status), operation: "sendfile")
                if sent == 0, error.saysThatSendfileIsImpossible {
                    seeks = false
                    throw SendfileNotAvailableError("os.sendfile call failed: \(error.reason)")
                }
                throw error
            }
        }
        return sent
    }

    private func sendInPieces(
        _ transport: Transport, _ file: Int32, _ offset: Int, _ count: Int?
    ) async throws -> Int {
        try await eachPiece(file, offset, count) { piece in
            if transport.isClosing {
                throw (transport as? SocketTransport)?.connectionIsLost
                    ?? IOError(code: .connectionReset, operation: "sendfile", reason: "Connection closed by peer")
            }
            if let socket = transport as? SocketTransport {
                socket.isSendingFile = false
                transport.write(piece)
                socket.isSendingFile = true
                try await socket.flush()
            } else {
                transport.write(piece)
                while transport.writeBufferSize > 0 && !transport.isClosing { try await sleep(for: .milliseconds(1)) }
            }
        }
    }

    /// Reads a file in a thread and hands it out in pieces.
    private func eachPiece(
        _ file: Int32, _ offset: Int, _ count: Int?, _ body: ([UInt8]) async throws -> Void
    ) async throws -> Int {
        var sent = 0
        defer { try? System.seek(file, to: offset + sent) }
        while count.map({ sent < $0 }) ?? true {
            let size = min(Self.pieceSize, (count ?? .max) - sent)
            let place = offset + sent
            let piece = try await readInThread(file, size, at: place)
            if piece.isEmpty { break }
            try await body(piece)
            sent += piece.count
        }
        return sent
    }

    private func readInThread(_ file: Int32, _ size: Int, at offset: Int) async throws -> [UInt8] {
        let read = PieceRead(file: file, size: size, offset: offset, done: createFuture())
        try UVWork(read, on: uv).submit()
        return try await read.done.value
    }
}

/// Reading a piece of a file, by a thread of libuv's pool.
private final class PieceRead: WorkItem {
    private let file: Int32
    private let size: Int
    private let offset: Int
    private var bytes: [UInt8] = []
    private var status = 0
    let done: Future<[UInt8]>

    init(file: Int32, size: Int, offset: Int, done: Future<[UInt8]>) {
        self.file = file
        self.size = size
        self.offset = offset
        self.done = done
    }

    func perform() {
        bytes = [UInt8](upTo: size) { buffer in
            status = System.read(file, into: buffer, at: offset)
            return status
        }
    }

    func end(wasCancelled: Bool) {
        guard !done.isDone else { return }
        if status < 0 { done.fail(IOError(uvStatus: Int32(status), operation: "read")) } else { done.finish(bytes) }
    }
}

extension IOError {
    fileprivate var saysThatSendfileIsImpossible: Bool {
        [.invalidArgument, .notSupported, .notImplemented, .notSocket].contains(code)
    }
}

extension Transport {
    /// Whether bytes that are written come out as they are at the other end of the program's connection.
    fileprivate var writesPlainBytes: Bool { (self as? SocketTransport)?.sending != .never }
}

extension SocketTransport {
    var connectionIsLost: IOError {
        IOError(code: .connectionReset, operation: "sendfile", reason: "Connection closed by peer")
    }

    /// Waits until everything that was written has gone out.
    fileprivate func flush() async throws {
        guard hasUnwritten else { return }
        try await loop.wait(in: \.flushWaiters, of: self)
        if phase == .losing || phase == .closed { throw connectionIsLost }
    }
}
