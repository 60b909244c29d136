// A growable FIFO whose elements keep their number: the ready queue and the inbox are made of it.

/// A FIFO in a power-of-two ring. Every element has a ticket, the count of elements pushed before it, by which
/// it can be reached until it is popped.
struct RingBuffer<Element>: ~Copyable {
    private var storage: UnsafeMutablePointer<Element>
    private var mask: Int
    /// The ticket of the next element to pop.
    private(set) var head: Int = 0
    /// The ticket that the next push gets.
    private(set) var tail: Int = 0

    init(minimumCapacity: Int = 256) {
        var capacity = 2
        while capacity < minimumCapacity { capacity *= 2 }
        storage = .allocate(capacity: capacity)
        mask = capacity - 1
    }

    deinit {
        var ticket = head
        while ticket != tail {
            (storage + (ticket & mask)).deinitialize(count: 1)
            ticket += 1
        }
        storage.deallocate()
    }

    @inline(__always)
    var count: Int { tail &- head }

    @inline(__always)
    var isEmpty: Bool { head == tail }

    /// How many elements fit before the ring has to grow.
    var capacity: Int { mask + 1 }

    @inline(__always)
    @discardableResult
    mutating func push(_ element: consuming Element) -> Int {
        if _slowPath(count > mask) { grow() }
        let ticket = tail
        (storage + (ticket & mask)).initialize(to: element)
        tail = ticket &+ 1
        return ticket
    }

    /// Removes the oldest element. The ring must not be empty.
    @inline(__always)
    mutating func pop() -> Element {
        assert(!isEmpty)
        let ticket = head
        head = ticket &+ 1
        return (storage + (ticket & mask)).move()
    }

    /// Puts `element` in the place of the one with this ticket, which is returned; nil if that one was popped.
    mutating func replace(_ ticket: Int, with element: consuming Element) -> Element? {
        guard ticket >= head, ticket < tail else { return nil }
        let place = storage + (ticket & mask)
        let old = place.move()
        place.initialize(to: element)
        return old
    }

    /// The element with this ticket, which must be in the ring.
    subscript(ticket: Int) -> Element {
        assert(ticket >= head && ticket < tail)
        return storage[ticket & mask]
    }

    /// Moves everything to the end of `other`, in order.
    mutating func drain(into other: inout RingBuffer<Element>) {
        while !isEmpty { other.push(pop()) }
    }

    /// Gives memory back when a burst has passed. Call it with an empty ring.
    mutating func shrink(to capacity: Int) {
        guard isEmpty, mask + 1 > capacity else { return }
        storage.deallocate()
        storage = .allocate(capacity: capacity)
        mask = capacity - 1
    }

    @inline(never)
    private mutating func grow() {
        let old = storage
        let oldMask = mask
        let newMask = (oldMask + 1) * 2 - 1
        let new = UnsafeMutablePointer<Element>.allocate(capacity: newMask + 1)
        var ticket = head
        while ticket != tail {
            (new + (ticket & newMask)).moveInitialize(from: old + (ticket & oldMask), count: 1)
            ticket += 1
        }
        old.deallocate()
        storage = new
        mask = newMask
    }
}
