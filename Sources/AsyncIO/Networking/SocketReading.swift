// How bytes get from the stream to the protocol.

extension SocketTransport {
    func pauseStream() {
        loop.canTouch("Transport.pauseReading")
        guard reading == .active, !isClosing else { return }
        reading = .paused
        stream.stopReading()
    }

    func resumeStream() {
        loop.canTouch("Transport.resumeReading")
        guard reading == .paused, !isClosing else { return }
        reading = .active
        // Before `connectionMade` nothing is read; after it, what `reading` says.
        if phase == .open { startReading() }
    }

    func startReading() {
        let status = stream.startReading()
        if status < 0 { lose(IOError(uvStatus: status, operation: "read")) }
    }

    func stopReading() {
        if reading == .active { stream.stopReading() }
        reading = .ended
    }

    func streamNeedsBuffer() -> UnsafeMutableRawBufferPointer? {
        readTarget = bufferedProtocol
        guard let readTarget else { return stream.loop.readBuffer }
        do {
            let buffer = try readTarget.getBuffer(-1)
            if buffer.isEmpty { throw EventLoopError(.emptyBuffer, "get_buffer() returned an empty buffer") }
            return buffer
        } catch {
            bufferError = error
            return nil
        }
    }

    func streamDidRead(_ bytes: UnsafeRawBufferPointer) {
        if let target = readTarget {
            readTarget = nil
            loop.observing("\(type(of: target)).bufferUpdated") {
                do { try target.bufferUpdated(bytes.count) } catch { fail(error, in: "buffer_updated") }
            }
        } else if let streamProtocol {
            loop.observing("\(type(of: streamProtocol)).dataReceived") {
                do { try streamProtocol.dataReceived(RawSpan(_unsafeBytes: bytes)) } catch {
                    fail(error, in: "data_received")
                }
            }
        }
    }

    func streamDidReadNothing() { readTarget = nil }

    func streamDidEnd() {
        readTarget = nil
        reading = .ended
        guard phase == .open else { return }
        loop.observing("\(type(of: connection)).eofReceived") {
            do {
                // A pipe that is only read has nothing left to do.
                if try !connection.eofReceived() || sending == .never { close() }
            } catch {
                fail(error, in: "eof_received")
            }
        }
    }

    func streamDidFail(_ status: Int32) {
        readTarget = nil
        if let error = bufferError {
            bufferError = nil
            return fail(error, in: "get_buffer")
        }
        lose(IOError(uvStatus: status, operation: "read", subject: remoteAddress.map(\.description)))
    }
}
