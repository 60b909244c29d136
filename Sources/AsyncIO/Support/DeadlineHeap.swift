// A heap of deadlines that keeps the order of insertion among equals: what the loop's timers live in.

/// A 4-ary min-heap of payloads by deadline. Equal deadlines come out in the order in which they went in.
///
/// Entries cannot be removed from the middle; their owner marks them dead, counts them with ``entryDied()``
/// and the heap drops them when they reach the top or when ``compact(isDead:)`` is due (asyncio's rule: more
/// than 100 entries and more than half of them dead).
struct DeadlineHeap<Payload>: ~Copyable {
    struct Entry {
        var deadline: Int64
        var sequence: UInt64
        var payload: Payload

        @inline(__always)
        func precedes(_ other: Entry) -> Bool {
            deadline < other.deadline || (deadline == other.deadline && sequence < other.sequence)
        }
    }

    private var storage: UnsafeMutablePointer<Entry>
    private var capacity: Int
    private(set) var count = 0
    private(set) var deadCount = 0
    private var nextSequence: UInt64 = 0

    init(minimumCapacity: Int = 64) {
        capacity = max(minimumCapacity, 4)
        storage = .allocate(capacity: capacity)
    }

    deinit {
        storage.deinitialize(count: count)
        storage.deallocate()
    }

    @inline(__always)
    var isEmpty: Bool { count == 0 }

    /// The earliest deadline; `Int64.max` when empty.
    @inline(__always)
    var earliest: Int64 { count == 0 ? .max : storage.pointee.deadline }

    /// The payload with the earliest deadline. The heap must not be empty.
    @inline(__always)
    var first: Payload { storage.pointee.payload }

    mutating func insert(_ payload: Payload, deadline: Int64) {
        if count == capacity { reserve(capacity * 2) }
        let entry = Entry(deadline: deadline, sequence: nextSequence, payload: payload)
        nextSequence &+= 1
        var hole = count
        count += 1
        while hole > 0 {
            let parent = (hole - 1) >> 2
            guard entry.precedes(storage[parent]) else { break }
            (storage + hole).moveInitialize(from: storage + parent, count: 1)
            hole = parent
        }
        (storage + hole).initialize(to: entry)
    }

    /// Removes the payload with the earliest deadline. The heap must not be empty.
    mutating func removeFirst() -> Payload {
        assert(count > 0)
        let top = storage.move()
        count -= 1
        if count > 0 {
            let last = (storage + count).move()
            sink(last, from: 0)
        }
        return top.payload
    }

    /// Notes that a payload which is still in the heap has died.
    @inline(__always)
    mutating func entryDied() { deadCount += 1 }

    /// Notes that a dead payload has left the heap through ``removeFirst()``.
    @inline(__always)
    mutating func deadEntryLeft() { deadCount -= 1 }

    /// Whether so much of the heap is dead that ``compact(isDead:)`` pays.
    @inline(__always)
    var wantsCompaction: Bool { count > 100 && deadCount &* 2 > count }

    /// Drops every dead payload. Linear in the number of entries.
    mutating func compact(isDead: (Payload) -> Bool) {
        var kept = 0
        for index in 0..<count {
            if isDead(storage[index].payload) {
                (storage + index).deinitialize(count: 1)
            } else {
                if kept != index { (storage + kept).moveInitialize(from: storage + index, count: 1) }
                kept += 1
            }
        }
        count = kept
        deadCount = 0
        var index = (kept - 2) >> 2
        while kept > 1, index >= 0 {
            let entry = (storage + index).move()
            sink(entry, from: index)
            index -= 1
        }
        if capacity > 1024, kept * 8 < capacity { reserve(max(kept * 2, 64)) }
    }

    /// Fills the hole at `start` with `entry` or with what must be above it.
    private mutating func sink(_ entry: consuming Entry, from start: Int) {
        var hole = start
        while true {
            let firstChild = hole * 4 + 1
            guard firstChild < count else { break }
            var smallest = firstChild
            let end = min(firstChild + 4, count)
            var child = firstChild + 1
            while child < end {
                if storage[child].precedes(storage[smallest]) { smallest = child }
                child += 1
            }
            guard storage[smallest].precedes(entry) else { break }
            (storage + hole).moveInitialize(from: storage + smallest, count: 1)
            hole = smallest
        }
        (storage + hole).initialize(to: entry)
    }

    private mutating func reserve(_ newCapacity: Int) {
        let new = UnsafeMutablePointer<Entry>.allocate(capacity: newCapacity)
        new.moveInitialize(from: storage, count: count)
        storage.deallocate()
        storage = new
        capacity = newCapacity
    }
}
