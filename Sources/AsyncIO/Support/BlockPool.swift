// Memory for bytes in transit: blocks are used again, because connections take and give them back all the time, and because
// the C library maps and unmaps the large ones.

/// Lends blocks of memory, whose sizes are powers of two, and keeps a few of each size for the next who asks.
final class BlockPool {
    /// How much a queue of bytes keeps in one block.
    static let blockSize = 65536
    private static let smallest = 512
    /// Blocks of 512 bytes to 512 KiB are kept.
    private static let classes = 11
    private static let sparesOfAClass = 4

    // Accessed in single steps on the loop's thread only.
    @exclusivity(unchecked) private var spares: [[UnsafeMutableRawPointer]] = Array(repeating: [], count: classes)

    deinit { for blocks in spares { for block in blocks { block.deallocate() } } }

    /// Memory for at least `count` bytes, and how many there are.
    func allocate(atLeast count: Int) -> (memory: UnsafeMutableRawPointer, capacity: Int) {
        let capacity = Self.capacity(for: count)
        let index = Self.index(of: capacity)
        if index < Self.classes, let memory = spares[index].popLast() { return (memory, capacity) }
        return (.allocate(byteCount: capacity, alignment: 16), capacity)
    }

    /// Takes back what ``allocate(atLeast:)`` lent.
    func free(_ memory: UnsafeMutableRawPointer, capacity: Int) {
        let index = Self.index(of: capacity)
        if index < Self.classes, spares[index].count < Self.sparesOfAClass {
            spares[index].append(memory)
        } else {
            memory.deallocate()
        }
    }

    private static func capacity(for count: Int) -> Int {
        guard count > smallest else { return smallest }
        return 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }

    private static func index(of capacity: Int) -> Int {
        capacity.trailingZeroBitCount - smallest.trailingZeroBitCount
    }

    /// How many bytes are kept for later.
    var spareBytes: Int {
        spares.enumerated().reduce(0) { $0 + $1.element.count * (Self.smallest << $1.offset) }
    }
}
