// Reading and writing a terminal.

/// The connection to a terminal, from the first use of its reader or writer on.
struct TTYStreams {
    let transport: SocketTransport
    let core: StreamCore
    var reader: StreamReader?
    var writer: StreamWriter?
}

extension TTY {
    /// Reads what is typed; nothing is taken from the terminal before this is asked for. A terminal whose other end has
    /// gone is at its end, and so is one that is open for writing only.
    ///
    /// After ``close()`` it is at its end.
    ///
    /// asyncio: loop.connect_read_pipe · libuv: uv_read_start
    public var reader: StreamReader {
        loop.canTouch("TTY.reader")
        var streams = connected()
        if let reader = streams.reader { return reader }
        let reader = streams.core.makeReader()
        streams.reader = reader
        self.streams = streams
        streams.transport.resumeReading()
        if !handle.isReadable || !handle.isOpen { streams.core.feedEnd() }
        return reader
    }

    /// Writes to the terminal. What is written to one that is open for reading only is dropped and reported to the
    /// loop's exception handler.
    ///
    /// After ``close()`` it drops what is written.
    ///
    /// asyncio: loop.connect_write_pipe · libuv: uv_try_write, uv_write
    public var writer: StreamWriter {
        loop.canTouch("TTY.writer")
        var streams = connected()
        if let writer = streams.writer { return writer }
        let writer = streams.core.makeWriter()
        streams.writer = writer
        self.streams = streams
        return writer
    }

    private func connected() -> TTYStreams {
        if let streams { return streams }
        let isOpen = handle.isOpen
        let core = StreamCore(loop: loop, limit: StreamReader.defaultLimit)
        let transport = SocketTransport(
            handle, loop: loop, connection: core, local: nil, remote: nil,
            reading: handle.isReadable ? .paused : .ended, sending: handle.isWritable ? .open : .never)
        // Before `connectionMade`, so that the program gets its streams at once.
        core.replaceTransport(transport)
        if isOpen {
            transport.begin()
        } else {
            // Streams without a terminal: nothing ever happens to them.
            transport.phase = .closed
            transport.connection = loop.network.placeholder
            transport.streamProtocol = nil
            handle.delegate = nil
        }
        let streams = TTYStreams(transport: transport, core: core)
        self.streams = streams
        return streams
    }
}
