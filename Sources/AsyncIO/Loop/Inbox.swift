// The one door for other threads: a locked queue that the loop empties, and a wake-up when it sleeps.

import Synchronization

/// Entries that other threads post. Only a post that finds the loop waiting in its poll, or about to, pays for a
/// wake-up; one that comes while the loop is busy is found when it looks here before it waits.
///
/// libuv: uv_async_send
final class Inbox: Sendable {
    private struct State: ~Copyable {
        var ring = RingBuffer<ReadyEntry>(minimumCapacity: 64)
        /// Places for callbacks that are posted.
        var places = PostedCallbacks()
        var isClosed = false
        var waker: UVWaker?
    }

    private let lock = PthreadLock()
    /// What the loop took away last, empty again; it changes places with the ring of the state.
    // SAFETY: only touched by the thread that drains, which is the loop's.
    private nonisolated(unsafe) let spare: UnsafeMutablePointer<RingBuffer<ReadyEntry>>
    /// Places that are free again, and are given back with the next emptying.
    // SAFETY: only touched by the loop's thread.
    private nonisolated(unsafe) let freed: UnsafeMutablePointer<PostedCallbackList>
    // SAFETY: only touched while holding `lock`.
    private nonisolated(unsafe) let state: UnsafeMutablePointer<State>
    /// Whether there may be entries: spares the lock in an iteration that follows no post. What it misses is found before the
    /// loop waits, under the lock.
    private let hasEntries = Atomic<Bool>(false)
    /// The loop waits for events, or will after looking here, and nobody has woken it yet. Only the loop sets it, while holding
    /// `lock`; without the lock it may be cleared.
    private let needsWake = Atomic<Bool>(false)
    /// Threads that are inside `UVWaker.wake`: the handle may not be closed meanwhile.
    private let wakers = Atomic<Int>(0)

    init() {
        state = .allocate(capacity: 1)
        state.initialize(to: State())
        spare = .allocate(capacity: 1)
        spare.initialize(to: RingBuffer(minimumCapacity: 64))
        freed = .allocate(capacity: 1)
        freed.initialize(to: PostedCallbackList())
    }

    deinit {
        spare.deinitialize(count: 1)
        spare.deallocate()
        freed.deinitialize(count: 1)
        freed.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    func connect(_ waker: UVWaker) { lock.withLock { state.pointee.waker = waker } }

    /// Adds an entry; false if the loop has closed, and then the entry is dropped outside of the lock.
    func post(_ entry: consuming ReadyEntry) -> Bool {
        lock.lock()
        if state.pointee.isClosed {
            lock.unlock()
            return false
        }
        push(entry)
        return true
    }

    /// Adds a callback; nil if the loop has closed.
    func post(_ callback: consuming sending @escaping PostedCallback.Callback) -> PostedReference? {
        lock.lock()
        if state.pointee.isClosed {
            lock.unlock()
            return nil
        }
        let (place, state) = state.pointee.places.fill(callback)
        push(.posted(place))
        return PostedReference(place, state: state)
    }

    /// While holding the lock, which it unlocks: adds an entry, and wakes the loop if it waits.
    @inline(__always)
    private func push(_ entry: consuming ReadyEntry) {
        state.pointee.ring.push(entry)
        hasEntries.store(true, ordering: .relaxed)
        guard needsWake.load(ordering: .relaxed), let waker = state.pointee.waker else { return lock.unlock() }
        needsWake.store(false, ordering: .relaxed)
        wakers.wrappingAdd(1, ordering: .acquiringAndReleasing)
        lock.unlock()
        waker.wake()
        wakers.wrappingSubtract(1, ordering: .acquiringAndReleasing)
    }

    /// On the loop's thread: a place with a callback that goes to the ready queue at once.
    func place(_ callback: consuming sending @escaping PostedCallback.Callback) -> (
        PostedCallback.Reference, state: UInt64
    ) {
        lock.lock()
        defer { lock.unlock() }
        takeBack()
        return state.pointee.places.fill(callback)
    }

    /// On the loop's thread: a place is free again.
    @inline(__always)
    func giveBack(_ place: PostedCallback.Reference) { freed.pointee.append(place) }

    /// While holding the lock, on the loop's thread.
    @inline(__always)
    private func takeBack() {
        if freed.pointee.isEmpty { return }
        state.pointee.places.append(freed.pointee)
        freed.pointee.removeAll()
    }

    /// Runs `body` while holding the lock.
    func locked<Value>(_ body: () -> Value) -> Value { lock.withLock(body) }

    /// Moves what there is to the ready queue. If there is nothing and `willWait` is set, the next post wakes
    /// the loop.
    @inline(__always)
    func drain(into queue: UnsafeMutablePointer<ReadyQueue>, willWait: Bool) {
        if willWait || hasEntries.load(ordering: .relaxed) {
            drainLocked(into: queue, willWait: willWait)
        } else {
            // Something else has woken the loop. Who posts and has not seen this yet wakes it once too often.
            needsWake.store(false, ordering: .relaxed)
        }
    }

    private func drainLocked(into queue: UnsafeMutablePointer<ReadyQueue>, willWait: Bool) {
        lock.lock()
        let isEmpty = state.pointee.ring.isEmpty
        needsWake.store(isEmpty && willWait, ordering: .relaxed)
        if !isEmpty {
            takeBack()
            swap(&state.pointee.ring, &spare.pointee)
            hasEntries.store(false, ordering: .relaxed)
        }
        lock.unlock()
        guard !isEmpty else { return }
        spare.pointee.drain(into: &queue.pointee.ring)
        spare.pointee.shrink(to: 4096)
    }

    /// Lets nobody in any more and returns what was left. Afterwards no thread is inside a wake-up.
    func close(into queue: UnsafeMutablePointer<ReadyQueue>) {
        lock.lock()
        state.pointee.isClosed = true
        state.pointee.waker = nil
        state.pointee.ring.drain(into: &queue.pointee.ring)
        lock.unlock()
        while wakers.load(ordering: .acquiring) != 0 { System.yieldThread() }
    }
}
