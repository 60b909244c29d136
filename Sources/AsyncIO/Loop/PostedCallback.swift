// Where a callback that was posted waits for its turn: memory that threads fill and the loop gives back.

import Synchronization

/// A callback from another thread, and what has become of it. It has no object of its own: memory that one thread allocates and
/// another frees goes back and forth between their processors' caches, which costs more than all the rest of a post.
struct PostedCallback: ~Copyable {
    typealias Callback = (EventLoop) throws -> Void
    /// Generic code would wrap a plain closure into another one.
    fileprivate struct Work {
        let call: Callback
    }

    typealias Reference = UnsafeMutablePointer<PostedCallback>

    enum Phase {
        static let free: UInt64 = 0
        static let pending: UInt64 = 1
        static let running: UInt64 = 2
        /// Running, and a thread waits in `cancel()` for the end.
        static let awaited: UInt64 = 3
        static let cancelled: UInt64 = 4
        /// Set aside for the number of the use, which counts up from here.
        static let nextUse: UInt64 = 8
    }

    /// The phase, and how often the place has been used: a handle knows the use that it is for.
    let state = Atomic<UInt64>(Phase.free)
    /// Touched by the posting thread, and after it has been handed over by the loop's only.
    fileprivate var work: Work?
    fileprivate var next: Reference?

    /// Takes the callback out, whose context is counted neither up nor down: the posting thread counted it last.
    @inline(__always)
    private mutating func takeWork() -> Work? {
        var taken: Work?
        swap(&taken, &work)
        return taken
    }

    /// Runs the callback on the loop's thread unless it was cancelled.
    static func perform(_ place: Reference, on loop: EventLoop) throws {
        let use = place.pointee.state.load(ordering: .relaxed) & ~(Phase.nextUse - 1)
        let work = place.pointee.takeWork()
        guard
            place.pointee.state.compareExchange(
                expected: use | Phase.pending, desired: use | Phase.running, ordering: .acquiringAndReleasing
            ).exchanged
        else { return loop.executor.inbox.giveBack(place) }
        defer {
            let last = place.pointee.state.exchange(use | Phase.free, ordering: .acquiringAndReleasing)
            if _slowPath(last == use | Phase.awaited) { ThreadsafeHandle.announceEnd() }
            loop.executor.inbox.giveBack(place)
        }
        if let work { try work.call(loop) }
    }

    /// Drops the callback without running it: the loop closes. The place is not used again, so its handle remembers that.
    static func discard(_ place: Reference) {
        let use = place.pointee.state.load(ordering: .relaxed) & ~(Phase.nextUse - 1)
        _ = place.pointee.state.compareExchange(
            expected: use | Phase.pending, desired: use | Phase.cancelled, ordering: .acquiringAndReleasing)
        place.pointee.work = nil
    }
}

/// Places for posted callbacks: as many as have waited at once. They live as long as the loop's executor, for a handle may look
/// at its own at any time.
struct PostedCallbacks: ~Copyable {
    private static let chunk = 64
    private var chunks: [PostedCallback.Reference] = []
    private var first: PostedCallback.Reference?

    deinit {
        for chunk in chunks {
            chunk.deinitialize(count: Self.chunk)
            chunk.deallocate()
        }
    }

    /// A place with a callback in it, and the state that says so.
    mutating func fill(
        _ callback: consuming sending @escaping PostedCallback.Callback
    ) -> (place: PostedCallback.Reference, state: UInt64) {
        if first == nil { grow() }
        guard let place = first else { preconditionFailure("no place for a posted callback") }
        first = place.pointee.next
        var work: PostedCallback.Work? = PostedCallback.Work(call: callback)
        swap(&work, &place.pointee.work)
        let use = place.pointee.state.load(ordering: .relaxed) & ~(PostedCallback.Phase.nextUse - 1)
        let state = (use &+ PostedCallback.Phase.nextUse) | PostedCallback.Phase.pending
        place.pointee.state.store(state, ordering: .relaxed)
        return (place, state)
    }

    private mutating func grow() {
        let chunk = PostedCallback.Reference.allocate(capacity: Self.chunk)
        for number in 0..<Self.chunk {
            (chunk + number).initialize(to: PostedCallback(next: first))
            first = chunk + number
        }
        chunks.append(chunk)
    }

    /// Takes back all places of a list.
    mutating func append(_ list: borrowing PostedCallbackList) {
        guard let last = list.last else { return }
        last.pointee.next = first
        first = list.first
    }
}

/// Places that the loop is done with, and gives back when it has the lock anyway.
struct PostedCallbackList: ~Copyable {
    fileprivate private(set) var first: PostedCallback.Reference?
    fileprivate private(set) var last: PostedCallback.Reference?

    var isEmpty: Bool { first == nil }

    @inline(__always)
    mutating func append(_ place: PostedCallback.Reference) {
        place.pointee.next = nil
        if let last { last.pointee.next = place } else { first = place }
        last = place
    }

    mutating func removeAll() { (first, last) = (nil, nil) }
}
