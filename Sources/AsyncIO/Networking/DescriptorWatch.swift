// Watching descriptors that belong to the program: callbacks, and tasks that wait for one to be ready.

/// All that is watched on one descriptor. There is one libuv handle for it, and it goes with the last interest.
final class DescriptorWatch {
    enum Direction {
        case reading
        case writing
    }

    /// Who is interested in one direction.
    struct Side {
        /// The callback of `addReader` or `addWriter`.
        var callback: (() throws -> Void)?
        /// The turn of the callback that waits in the ready queue.
        var handle: Handle?
        /// Tasks that wait; the first one gets the next turn.
        var waiters: [Future<Void>] = []

        var isIdle: Bool { callback == nil && waiters.isEmpty }
    }

    private let descriptor: Int32
    private unowned let loop: EventLoop
    private var poll: UVPoll?
    private(set) var reading = Side()
    private(set) var writing = Side()

    init(_ descriptor: Int32, loop: EventLoop) throws {
        self.descriptor = descriptor
        self.loop = loop
        poll = try UVPoll(on: loop.uv, descriptor: descriptor) { [unowned self] events, status in
            fire(events, status)
        }
    }

    /// Changes one side and watches for what is wanted then; lets go of the descriptor when nobody wants anything.
    func change(_ direction: Direction, _ body: (inout Side) -> Void) throws {
        switch direction {
        case .reading: body(&reading)
        case .writing: body(&writing)
        }
        var events: UVPoll.Events = []
        if !reading.isIdle { events.insert(.readable) }
        if !writing.isIdle { events.insert(.writable) }
        if events.isEmpty { close() } else { try poll?.watch(events) }
    }

    private func close() {
        poll?.close()
        poll = nil
        loop.network.watches[descriptor] = nil
    }

    private func fire(_ events: UVPoll.Events, _ status: Int32) {
        // A descriptor in error is ready for everything: whoever tries will see the error.
        let all = status < 0
        if all || events.contains(.readable) { wake(\.reading) }
        if all || events.contains(.writable) { wake(\.writing) }
        if all, poll != nil { rewatchAfterError() }
    }

    private func wake(_ side: ReferenceWritableKeyPath<DescriptorWatch, Side>) {
        if self[keyPath: side].callback != nil {
            self[keyPath: side].handle = loop.callSoon { [self] in
                self[keyPath: side].handle = nil
                try self[keyPath: side].callback?()
            }
        }
        guard let waiter = self[keyPath: side].waiters.first else { return }
        // The turn is over when the waiter has tried; it leaves the list by itself.
        if !waiter.isDone { waiter.finish(()) }
    }

    /// libuv has stopped to watch; callbacks that stay want to be called again, as asyncio's would be.
    private func rewatchAfterError() {
        guard !(reading.isIdle && writing.isIdle) else { return close() }
        try? change(.reading) { _ in }
    }

    func loopDidClose() {
        poll = nil
        reading = Side()
        writing = Side()
    }
}

extension EventLoop {
    /// Calls back whenever a descriptor is readable, until ``removeReader(_:)``. A second call replaces the callback. The
    /// descriptor is made non-blocking; remove the reader before you close it.
    ///
    /// - Throws: ``EventLoopError`` `.invalidArgument` for a negative number, `.descriptorInUse` for that of a transport,
    ///   `.closed`; ``IOError`` if the descriptor cannot be watched, for example that of a file.
    ///
    /// asyncio: loop.add_reader · libuv: uv_poll_start
    public func addReader(_ fileDescriptor: Int32, _ callback: @escaping () throws -> Void) throws {
        try add(callback, .reading, fileDescriptor, call: "addReader")
    }

    /// Stops calling back when a descriptor is readable.
    ///
    /// - Returns: whether there was a callback; false on a closed loop.
    ///
    /// asyncio: loop.remove_reader · libuv: uv_poll_stop
    @discardableResult
    public func removeReader(_ fileDescriptor: Int32) -> Bool { remove(.reading, fileDescriptor) }

    /// Calls back whenever a descriptor is writable, until ``removeWriter(_:)``; otherwise as
    /// ``addReader(_:_:)``.
    ///
    /// asyncio: loop.add_writer · libuv: uv_poll_start
    public func addWriter(_ fileDescriptor: Int32, _ callback: @escaping () throws -> Void) throws {
        try add(callback, .writing, fileDescriptor, call: "addWriter")
    }

    /// Stops calling back when a descriptor is writable.
    ///
    /// - Returns: whether there was a callback; false on a closed loop.
    ///
    /// asyncio: loop.remove_writer · libuv: uv_poll_stop
    @discardableResult
    public func removeWriter(_ fileDescriptor: Int32) -> Bool { remove(.writing, fileDescriptor) }

    private func add(
        _ callback: @escaping () throws -> Void, _ direction: DescriptorWatch.Direction, _ descriptor: Int32,
        call: StaticString
    ) throws {
        try checkOpen(call)
        let watch = try watch(descriptor)
        try change(watch, direction) { side in
            side.handle?.cancel()
            side.handle = nil
            side.callback = callback
        } undo: {
            $0.callback = nil
        }
    }

    private func remove(_ direction: DescriptorWatch.Direction, _ descriptor: Int32) -> Bool {
        canTouch("removeReader")
        guard !isClosed, let watch = network.watches[descriptor] else { return false }
        var existed = false
        try? watch.change(direction) { side in
            existed = side.callback != nil
            side.handle?.cancel()
            side.handle = nil
            side.callback = nil
        }
        return existed
    }

    private func watch(_ descriptor: Int32) throws -> DescriptorWatch {
        try checkDescriptor(descriptor)
        try checkNotOwned(descriptor)
        if let watch = network.watches[descriptor] { return watch }
        let watch = try DescriptorWatch(descriptor, loop: self)
        network.watches[descriptor] = watch
        return watch
    }

    private func change(
        _ watch: DescriptorWatch, _ direction: DescriptorWatch.Direction,
        _ body: (inout DescriptorWatch.Side) -> Void, undo: (inout DescriptorWatch.Side) -> Void
    ) throws {
        do {
            try watch.change(direction, body)
        } catch {
            try? watch.change(direction, undo)
            throw error
        }
    }

    /// Waits until a descriptor is ready. Several tasks that wait for the same get their turns in order.
    ///
    /// - Parameter announce: gets what is waited for, to end the wait early.
    func waitUntilReady(
        _ descriptor: Int32, _ direction: DescriptorWatch.Direction, announce: (Future<Void>) -> Void = { _ in }
    ) async throws {
        let watch = try watch(descriptor)
        let waiter = createFuture(of: Void.self)
        announce(waiter)
        try change(watch, direction) {
            $0.waiters.append(waiter)
        } undo: {
            $0.waiters.removeAll { $0 === waiter }
        }
        defer { try? watch.change(direction) { side in side.waiters.removeAll { $0 === waiter } } }
        try await waiter.value
    }
}
