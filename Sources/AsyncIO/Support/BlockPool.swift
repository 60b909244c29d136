// Memory for bytes in transit: large blocks are used again, because the C library maps and unmaps them each time.

/// Lends blocks of memory and keeps a few large ones for the next who asks.
final class BlockPool {
    /// From this size on, blocks are kept.
    static let blockSize = 65536
    private static let classes = 4
    private static let sparesOfAClass = 4

    private var spares: [[UnsafeMutableRawPointer]] = Array(repeating: [], count: classes)

    deinit { for blocks in spares { for block in blocks { block.deallocate() } } }

    /// Memory for at least `count` bytes, and how many there are.
    func allocate(atLeast count: Int) -> (memory: UnsafeMutableRawPointer, capacity: Int) {
        guard count > Self.blockSize / 2 else {
            var capacity = 512
            while capacity < count { capacity *= 2 }
            return (.allocate(byteCount: capacity, alignment: 16), capacity)
        }
        var capacity = Self.blockSize
        for index in 0..<Self.classes {
            if count <= capacity {
                let memory = spares[index].popLast() ?? .allocate(byteCount: capacity, alignment: 16)
                return (memory, capacity)
            }
            capacity *= 2
        }
        while capacity < count { capacity *= 2 }
        return (.allocate(byteCount: capacity, alignment: 16), capacity)
    }

    /// Takes back what ``allocate(atLeast:)`` lent.
    func free(_ memory: UnsafeMutableRawPointer, capacity: Int) {
        var size = Self.blockSize
        for index in 0..<Self.classes {
            if size == capacity {
                guard spares[index].count < Self.sparesOfAClass else { break }
                spares[index].append(memory)
                return
            }
            size *= 2
        }
        memory.deallocate()
    }

    /// How many bytes are kept for later.
    var spareBytes: Int {
        spares.enumerated().reduce(0) { $0 + $1.element.count * (Self.blockSize << $1.offset) }
    }
}
