// Something that happens, and whoever waits for it.

/// A flag that tasks wait for.
///
/// asyncio: Event
public final class Event {
    /// The loop that the event belongs to.
    public let loop: EventLoop
    private var waiters = Waiters()

    /// Whether it is set.
    ///
    /// asyncio: Event.is_set
    public private(set) var isSet = false

    /// Creates an event that is not set.
    public init(_ loop: EventLoop) { self.loop = loop }

    /// Sets the event and wakes everybody who waits, also if it is cleared right away.
    ///
    /// asyncio: Event.set
    public func set() {
        loop.mustBeHere("Event")
        guard !isSet else { return }
        isSet = true
        waiters.wakeAll()
    }

    /// Clears the event.
    ///
    /// asyncio: Event.clear
    public func clear() {
        loop.mustBeHere("Event")
        isSet = false
    }

    /// Waits until the event is set; returns at once if it is.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// asyncio: Event.wait
    public func wait() async throws {
        loop.mustBeHere("Event")
        if isSet { return }
        try await loop.wait(in: \.waiters, of: self)
    }
}
