// Handing items from task to task.

/// A queue between tasks, first in, first out.
///
/// ```swift
/// let jobs = Queue<Job>(loop, maxSize: 100)
/// let worker = loop.createTask { for try await job in jobs { try await job.run() } }
/// try await jobs.put(Job())
/// jobs.shutdown()
/// ```
///
/// As an `AsyncSequence` it gives its items, to whoever iterates, and ends when it has been shut down and is empty.
///
/// asyncio: Queue
public class Queue<Element> {
    /// The loop that the queue belongs to.
    public final let loop: EventLoop
    /// How many items it takes; 0 or less is no limit.
    ///
    /// asyncio: Queue.maxsize
    public final let maxSize: Int

    @exclusivity(unchecked) private final var getters = Waiters()
    @exclusivity(unchecked) private final var putters = Waiters()
    @exclusivity(unchecked) private final var joiners = Waiters()
    @exclusivity(unchecked) private final var unfinished = 0
    /// Whether ``shutdown(immediate:)`` was called.
    @exclusivity(unchecked) public private(set) final var isShutDown = false
    @exclusivity(unchecked) private final var items = RingBuffer<Element>(minimumCapacity: 16)

    /// Creates an empty queue.
    public init(_ loop: EventLoop, maxSize: Int = 0) {
        self.loop = loop
        self.maxSize = maxSize
    }

    // MARK: - The order of items, which subclasses change

    func store(_ item: consuming Element) { items.push(item) }
    func takeStored() -> Element { items.pop() }
    var storedCount: Int { items.count }

    // MARK: - State

    /// How many items there are.
    ///
    /// asyncio: Queue.qsize
    public final var count: Int { storedCount }

    /// Whether there are none.
    ///
    /// asyncio: Queue.empty
    public final var isEmpty: Bool { storedCount == 0 }

    /// Whether there are as many as it takes.
    ///
    /// asyncio: Queue.full
    public final var isFull: Bool { maxSize > 0 && storedCount >= maxSize }

    // MARK: - Putting

    /// Puts an item in, when there is room. It does not suspend if there is.
    ///
    /// **Cancellation:** ends the wait; the item is not put in, and a turn that had come is passed on.
    ///
    /// - Throws: ``QueueShutDown`` if the queue is shut down, also meanwhile.
    ///
    /// asyncio: Queue.put
    public final func put(_ item: Element) async throws {
        loop.mustBeHere("Queue")
        while isFull {
            if isShutDown { throw QueueShutDown() }
            try await waitForRoom()
        }
        try putNowait(item)
    }

    private final func waitForRoom() async throws {
        let waiter = loop.createFuture(of: Void.self)
        putters.append(waiter)
        do {
            try await waiter.value
        } catch {
            putters.remove(waiter)
            if !isFull && !waiter.isCancelled { putters.wakeNext() }
            throw error
        }
    }

    /// Puts an item in.
    ///
    /// - Throws: ``QueueFull`` if there is no room; ``QueueShutDown``.
    ///
    /// asyncio: Queue.put_nowait
    public final func putNowait(_ item: Element) throws {
        loop.mustBeHere("Queue")
        if isShutDown { throw QueueShutDown() }
        if isFull { throw QueueFull() }
        store(item)
        unfinished += 1
        getters.wakeNext()
    }

    // MARK: - Getting

    /// Takes an item out, when there is one. It does not suspend if there is.
    ///
    /// **Cancellation:** ends the wait; no item is lost, and a turn that had come is passed on.
    ///
    /// - Throws: ``QueueShutDown`` if the queue is shut down and empty.
    ///
    /// asyncio: Queue.get
    public final func get() async throws -> Element {
        loop.mustBeHere("Queue")
        while isEmpty {
            if isShutDown { throw QueueShutDown() }
            try await waitForItem()
        }
        return try getNowait()
    }

    private final func waitForItem() async throws {
        let waiter = loop.createFuture(of: Void.self)
        getters.append(waiter)
        do {
            try await waiter.value
        } catch {
            getters.remove(waiter)
            if !isEmpty && !waiter.isCancelled { getters.wakeNext() }
            throw error
        }
    }

    /// Takes an item out.
    ///
    /// - Throws: ``QueueEmpty`` if there is none; ``QueueShutDown`` if the queue is shut down as well.
    ///
    /// asyncio: Queue.get_nowait
    public final func getNowait() throws -> Element {
        loop.mustBeHere("Queue")
        if isEmpty {
            if isShutDown { throw QueueShutDown() }
            throw QueueEmpty()
        }
        let item = takeStored()
        putters.wakeNext()
        return item
    }

    // MARK: - Finishing

    /// Says that the work on an item that was taken out is done.
    ///
    /// - Throws: ``EventLoopError`` `.invalidState` if it is said more often than items were put in.
    ///
    /// asyncio: Queue.task_done
    public final func taskDone() throws {
        loop.mustBeHere("Queue")
        guard unfinished > 0 else { throw EventLoopError(.invalidState, "task_done() called too many times") }
        finishOne()
    }

    private final func finishOne() {
        if unfinished > 0 { unfinished -= 1 }
        if unfinished == 0 { joiners.wakeAll() }
    }

    /// Waits until the work on every item that was put in is done.
    ///
    /// **Cancellation:** ends the wait.
    ///
    /// asyncio: Queue.join
    public final func join() async throws {
        loop.mustBeHere("Queue")
        guard unfinished > 0 else { return }
        try await loop.wait(in: \.joiners, of: self)
    }

    /// Lets nothing more in. Who waits to put something in gets a ``QueueShutDown``, and who wants to take something out when
    /// the queue is empty.
    ///
    /// - Parameter immediate: drops what is in the queue, as if the work on it were done.
    ///
    /// asyncio: Queue.shutdown
    public final func shutdown(immediate: Bool = false) {
        loop.mustBeHere("Queue")
        isShutDown = true
        if immediate {
            while storedCount > 0 {
                _ = takeStored()
                finishOne()
            }
        }
        while !getters.isEmpty { getters.wakeNext() }
        while !putters.isEmpty { putters.wakeNext() }
    }
}

extension Queue: AsyncSequence {
    /// Takes the items of a queue out.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let queue: Queue<Element>

        /// The next item; nil when the queue has been shut down and is empty.
        ///
        /// **Cancellation:** ends the wait; no item is lost.
        public mutating func next() async throws -> Element? { try await queue.nextItem() }

        /// The same for callers that say where they are isolated.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(any Error) -> Element? { try await queue.nextItem() }
    }

    /// Takes the items out, one after the other.
    public final func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: self) }

    fileprivate final func nextItem() async throws -> Element? {
        do { return try await get() } catch is QueueShutDown { return nil }
    }
}
