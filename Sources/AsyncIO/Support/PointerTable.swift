// A hash table from addresses to values: how the loop finds its own task behind Swift's current one.

/// An open-addressing table keyed by the address of an object. A lookup is a multiplication and, as a rule, one
/// cache line.
struct PointerTable<Value>: ~Copyable {
    private struct Slot {
        var key: UInt
        var value: Value?
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 64
        slots = Self.makeSlots(capacity)
    }

    deinit {
        slots.deinitialize(count: capacity)
        slots.deallocate()
    }

    private static func makeSlots(_ capacity: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        slots.initialize(repeating: Slot(key: 0, value: nil), count: capacity)
        return slots
    }

    /// Fibonacci hashing: the bits in the middle of the product are well mixed even for aligned addresses. Not the highest
    /// ones: by those, a walk over the table meets its keys in the order of their places in a smaller table too, and
    /// removing them on the way would leave one long cluster.
    @inline(__always)
    private func home(of key: UInt) -> Int {
        Int(bitPattern: (key &* 0x9E37_79B9_7F4A_7C15) >> 28) & (capacity - 1)
    }

    @inline(__always)
    subscript(_ pointer: UnsafeRawPointer) -> Value? {
        let key = UInt(bitPattern: pointer)
        var index = home(of: key)
        while true {
            let found = slots[index].key
            if found == key { return slots[index].value }
            if found == 0 { return nil }
            index = (index + 1) & (capacity - 1)
        }
    }

    /// Adds a value under a key that is not in the table yet.
    mutating func insert(_ value: Value, for pointer: UnsafeRawPointer) {
        if (count + 1) * 2 > capacity { rehash(capacity * 2) }
        place(Slot(key: UInt(bitPattern: pointer), value: value))
        count += 1
    }

    /// Removes a key; the entries behind it move up, so no tombstones are left.
    @discardableResult
    mutating func remove(_ pointer: UnsafeRawPointer) -> Value? {
        let key = UInt(bitPattern: pointer)
        var index = home(of: key)
        while slots[index].key != key {
            if slots[index].key == 0 { return nil }
            index = (index + 1) & (capacity - 1)
        }
        let removed = slots[index].value.take()
        var hole = index
        var next = (hole + 1) & (capacity - 1)
        while slots[next].key != 0 {
            let ideal = home(of: slots[next].key)
            // The entry may move into the hole unless its home lies between the hole and itself.
            if ((next &- ideal) & (capacity - 1)) >= ((next &- hole) & (capacity - 1)) {
                // Values are moved: copies would count references. A slot without a value has nothing to let go of.
                (slots + hole).moveInitialize(from: slots + next, count: 1)
                hole = next
            }
            next = (next + 1) & (capacity - 1)
        }
        (slots + hole).initialize(to: Slot(key: 0, value: nil))
        count -= 1
        if capacity > 1024, count * 16 < capacity { rehash(capacity / 4) }
        return removed
    }

    /// Every key and value, in no particular order.
    var entries: [(key: UInt, value: Value)] {
        var result: [(key: UInt, value: Value)] = []
        for index in 0..<capacity {
            if let value = slots[index].value { result.append((slots[index].key, value)) }
        }
        return result
    }

    /// Every value, in no particular order.
    var values: [Value] {
        var result: [Value] = []
        result.reserveCapacity(count)
        for index in 0..<capacity {
            if let value = slots[index].value { result.append(value) }
        }
        return result
    }

    private mutating func place(_ slot: consuming Slot) {
        var index = home(of: slot.key)
        while slots[index].key != 0 { index = (index + 1) & (capacity - 1) }
        (slots + index).initialize(to: slot)
    }

    private mutating func rehash(_ newCapacity: Int) {
        let old = slots
        let oldCapacity = capacity
        capacity = newCapacity
        slots = Self.makeSlots(newCapacity)
        for index in 0..<oldCapacity where old[index].key != 0 { place((old + index).move()) }
        old.deallocate()
    }
}

/// Where an object is: its key in a table, as long as it lives.
func address(of object: AnyObject) -> UnsafeRawPointer {
    // SAFETY: nobody gets at the object through it; it is only compared.
    UnsafeRawPointer(Unmanaged.passUnretained(object).toOpaque())
}
