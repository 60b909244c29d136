// How bytes get from the program to the stream: at once if the system takes them, else in one piece later.

extension SocketTransport {
    func send(_ bytes: UnsafeRawBufferPointer) {
        loop.canTouch("Transport.write")
        if bytes.isEmpty { return }
        guard _fastPath((phase == .open || phase == .created) && sending == .open && !isSendingFile) else {
            return refuseWrite()
        }
        var rest = bytes
        if !hasUnwritten {
            let count = stream.tryWrite(bytes)
            if _fastPath(count == bytes.count) { return }
            if count < 0 && count != IOError.Code.wouldBlock.rawValue { return writeFailed(Int32(count)) }
            rest = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(max(count, 0)))
        }
        let queue = pending ?? BlockQueue(pool: loop.network.pool)
        pending = queue
        queue.append(rest)
        writePending()
        pauseProtocolIfFull()
    }

    /// Whether bytes wait here or in libuv.
    var hasUnwritten: Bool { writesUnderWay > 0 || pending != nil }

    var unwrittenBytes: Int {
        stream.isOpen && phase != .losing ? (pending?.byteCount ?? 0) + stream.writeQueueSize : 0
    }

    /// Gives everything that waits to libuv, in one vectored write; or in two, so that it says when no more than the low mark
    /// is left.
    private func writePending() {
        guard writesUnderWay == 0, let queue = pending else { return }
        pending = nil
        if queue.byteCount > flow.high, let end = queue.split(last: flow.low) {
            write(queue)
            write(end)
        } else {
            write(queue)
        }
    }

    private func write(_ queue: BlockQueue) {
        guard phase != .losing && phase != .closed else { return }
        writesUnderWay += 1
        let status = stream.write(queue)
        if status < 0 {
            writesUnderWay -= 1
            writeFailed(status)
        }
    }

    func streamDidWrite(_ status: Int32) {
        writesUnderWay -= 1
        guard phase == .open || phase == .closing || phase == .created else { return }
        if status < 0 { return writeFailed(status) }
        writePending()
        resumeProtocolIfLow()
        if !hasUnwritten { didFlush() }
    }

    private func didFlush() {
        if phase == .closing { return lose(nil) }
        flushWaiters.wakeAll()
        if sending == .ending { endSending() }
    }

    private func writeFailed(_ status: Int32) {
        lose(IOError(uvStatus: status, operation: "write", subject: remoteAddress.map(\.description)))
    }

    private func refuseWrite() {
        if isSendingFile {
            report(
                "write", EventLoopError(.sendfileInProgress, "unable to write; sendfile is in progress"))
        } else if sending == .ending || sending == .ended {
            report("write", EventLoopError(.writeAfterEOF, "Cannot call write() after write_eof()"))
        } else if sending == .never {
            report("write", EventLoopError(.unsupported, "this end of the pipe is for reading"))
        } else {
            lostWrites += 1
            if lostWrites == 5 { StandardError.print("A transport is written to although its connection is closed.") }
        }
    }

    // MARK: - The end of writing

    func endWriting() {
        loop.canTouch("Transport.writeEOF")
        guard !isClosing, sending == .open else { return }
        sending = .ending
        if !hasUnwritten { endSending() }
    }

    private func endSending() {
        sending = .ended
        // The writing end of a pipe has no other side to keep open.
        if reading == .ended && stream is UVPipe && remoteAddress == nil && localAddress == nil { return close() }
        _ = SystemSocket(stream.descriptor).endSending()
    }

    // MARK: - Flow control

    func pauseProtocolIfFull() {
        guard phase == .open || phase == .created, flow.shouldPause(at: unwrittenBytes) else { return }
        tell("pauseWriting") { try connection.pauseWriting() }
    }

    private func resumeProtocolIfLow() {
        guard flow.shouldResume(at: unwrittenBytes) else { return }
        tell("resumeWriting") { try connection.resumeWriting() }
    }
}
