// How bytes get from the stream to the protocol.

/// A protocol that would rather have large pieces in memory of its own than be lent them.
protocol ReadDestination: AnyObject {
    /// Memory for the next bytes; nil if they may as well be lent.
    func makeDestination() -> UnsafeMutableRawBufferPointer?
    /// So many bytes, at least one, are in that memory.
    func destinationDidFill(_ count: Int)
    /// Nothing came.
    func dropDestination()
}

extension SocketTransport {
    /// Asks `destination` for memory from the next read on; nil lends bytes again.
    func readInto(_ destination: (any ReadDestination)?) {
        self.destination = destination
        stream.hasOwnBuffer = bufferedProtocol != nil || destination != nil
    }

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
        if let destination, let memory = destination.makeDestination() {
            isFillingDestination = true
            return memory
        }
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
        if isFillingDestination {
            isFillingDestination = false
            loop.observing("\(type(of: connection)).dataReceived") { destination?.destinationDidFill(bytes.count) }
        } else if let target = readTarget {
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

    func streamDidReadNothing() {
        readTarget = nil
        guard isFillingDestination else { return }
        isFillingDestination = false
        destination?.dropDestination()
    }

    func streamDidEnd() {
        streamDidReadNothing()
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
        streamDidReadNothing()
        if let error = bufferError {
            bufferError = nil
            return fail(error, in: "get_buffer")
        }
        lose(IOError(uvStatus: status, operation: "read", subject: remoteAddress.map(\.description)))
    }
}
