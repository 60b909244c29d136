// Bytes that wait to be written: small pieces are joined, large ones split, so that one vectored write takes them.

/// A queue of bytes in blocks of bounded size.
final class BlockQueue {
    private struct Block {
        let memory: UnsafeMutableRawPointer
        let capacity: Int
        var used: Int
    }

    private let pool: BlockPool
    private var blocks: [Block] = []
    /// How many bytes there are.
    private(set) var byteCount = 0

    init(pool: BlockPool) { self.pool = pool }

    /// The memory goes back when nobody writes from it any more.
    deinit { for block in blocks { pool.free(block.memory, capacity: block.capacity) } }

    /// How many blocks there are.
    var count: Int { blocks.count }

    /// Copies `bytes` to the end.
    func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes
        byteCount += rest.count
        if let last = blocks.indices.last {
            let room = min(blocks[last].capacity - blocks[last].used, rest.count)
            copy(rest.prefix(room), toBlock: last)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(room))
        }
        while !rest.isEmpty {
            let (memory, capacity) = pool.allocate(atLeast: min(rest.count, BlockPool.blockSize))
            blocks.append(Block(memory: memory, capacity: capacity, used: 0))
            let room = min(capacity, rest.count)
            copy(rest.prefix(room), toBlock: blocks.count - 1)
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(room))
        }
    }

    /// Takes the last `count` bytes out, into a queue of their own; nil if there is nothing to take, or nothing would be left.
    func split(last count: Int) -> BlockQueue? {
        guard count > 0, count < byteCount else { return nil }
        let end = BlockQueue(pool: pool)
        var position = byteCount - count
        byteCount = position
        var kept = 0
        for index in blocks.indices {
            let block = blocks[index]
            if position < block.used {
                end.append(UnsafeRawBufferPointer(start: block.memory + position, count: block.used - position))
                blocks[index].used = position
            }
            position = max(position - block.used, 0)
            if blocks[index].used > 0 { kept = index + 1 }
        }
        for block in blocks[kept...] { pool.free(block.memory, capacity: block.capacity) }
        blocks.removeLast(blocks.count - kept)
        return end
    }

    private func copy(_ bytes: Slice<UnsafeRawBufferPointer>, toBlock index: Int) {
        guard !bytes.isEmpty, let source = UnsafeRawBufferPointer(rebasing: bytes).baseAddress else { return }
        (blocks[index].memory + blocks[index].used).copyMemory(from: source, byteCount: bytes.count)
        blocks[index].used += bytes.count
    }

    /// The blocks in order.
    func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
        for block in blocks { body(UnsafeRawBufferPointer(start: block.memory, count: block.used)) }
    }
}
