// Bytes that have come and have not been read.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A FIFO of bytes in one piece of memory, which is given back whenever it is empty.
struct StreamBuffer: ~Copyable {
    private let pool: BlockPool
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var head = 0
    private var tail = 0

    init(pool: BlockPool) { self.pool = pool }

    deinit { if let memory { pool.free(memory, capacity: capacity) } }

    @inline(__always) var count: Int { tail - head }
    @inline(__always) var isEmpty: Bool { head == tail }

    /// What is there, as long as nothing is added or removed.
    var bytes: UnsafeRawBufferPointer {
        guard let memory else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: memory + head, count: tail - head)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        makeRoom(for: bytes.count)
        guard let memory else { return }
        (memory + tail).copyMemory(from: source, byteCount: bytes.count)
        tail += bytes.count
    }

    private mutating func makeRoom(for added: Int) {
        guard tail + added > capacity else { return }
        let count = self.count
        if let memory, head > 0, count + added <= capacity, count <= capacity / 2 {
            memory.copyMemory(from: memory + head, byteCount: count)
        } else {
            let (new, newCapacity) = pool.allocate(atLeast: max(count + added, min(2 * capacity, 1 << 20)))
            if let memory {
                new.copyMemory(from: memory + head, byteCount: count)
                pool.free(memory, capacity: capacity)
            }
            memory = new
            capacity = newCapacity
        }
        head = 0
        tail = count
    }

    /// Removes the first bytes and returns them.
    mutating func take(_ count: Int) -> [UInt8] {
        guard count > 0 else { return [] }
        let result = [UInt8](UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        remove(count)
        return result
    }

    mutating func takeAll() -> [UInt8] { take(count) }

    /// Removes the first bytes and copies them to `target`.
    mutating func take(_ count: Int, into target: UnsafeMutableRawBufferPointer) {
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        remove(count)
    }

    /// Removes the first bytes.
    mutating func remove(_ count: Int) {
        head += count
        assert(head <= tail)
        if head == tail { giveBack() }
    }

    mutating func removeAll() { giveBack() }

    private mutating func giveBack() {
        if let memory { pool.free(memory, capacity: capacity) }
        memory = nil
        capacity = 0
        head = 0
        tail = 0
    }

    /// Where `pattern` begins, at `offset` or later.
    func firstIndex(of pattern: [UInt8], from offset: Int) -> Int? {
        guard let memory, let first = pattern.first else { return nil }
        let base = memory + head
        let last = count - pattern.count
        var position = offset
        while position <= last {
            guard let hit = memchr(base + position, Int32(first), last - position + 1) else { return nil }
            let index = UnsafeRawPointer(hit) - UnsafeRawPointer(base)
            if pattern.elementsEqual(UnsafeRawBufferPointer(start: base + index, count: pattern.count)) { return index }
            position = index + 1
        }
        return nil
    }
}
