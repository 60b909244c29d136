// The queue of bytes that wait to be written, and the pool its memory comes from.

import Testing

@testable import AsyncIO

@Suite struct BlockStorageTests {
    private func bytes(of queue: BlockQueue) -> [UInt8] {
        var all: [UInt8] = []
        queue.forEach { all += $0 }
        return all
    }

    private func append(_ bytes: [UInt8], to queue: BlockQueue) { bytes.withUnsafeBytes { queue.append($0) } }

    @Test func anEmptyQueueHasNoBlocks() {
        let queue = BlockQueue(pool: BlockPool())
        append([], to: queue)
        #expect(queue.count == 0 && queue.byteCount == 0)
    }

    @Test func smallPiecesAreJoined() {
        let queue = BlockQueue(pool: BlockPool())
        for byte in UInt8(0)..<200 { append([byte], to: queue) }
        #expect(queue.count == 1)
        #expect(bytes(of: queue) == Array(0..<200))
    }

    @Test(arguments: [1, 511, 512, 513, 32768, 32769, 65535, 65536, 65537, 131_072, 300_001])
    func bytesKeepTheirOrderWhateverThePieces(_ size: Int) {
        let queue = BlockQueue(pool: BlockPool())
        let source = pattern(300_001)
        var start = 0
        while start < source.count {
            let end = min(start + size, source.count)
            append(Array(source[start..<end]), to: queue)
            start = end
        }
        #expect(queue.byteCount == source.count)
        #expect(checksum(bytes(of: queue)) == checksum(source))
    }

    @Test func largePiecesAreSplitIntoBlocksOfTheSameSize() {
        let queue = BlockQueue(pool: BlockPool())
        append(pattern(5 * BlockPool.blockSize), to: queue)
        #expect(queue.count == 5)
        queue.forEach { #expect($0.count == BlockPool.blockSize) }
    }

    @Test func theMemoryOfAQueueGoesBackToThePool() {
        let pool = BlockPool()
        do {
            let queue = BlockQueue(pool: pool)
            append(pattern(2 * BlockPool.blockSize), to: queue)
            #expect(pool.spareBytes == 0)
        }
        #expect(pool.spareBytes == 2 * BlockPool.blockSize)
    }

    @Test func blocksThatAreTooLargeAreNotKept() {
        let pool = BlockPool()
        let (memory, capacity) = pool.allocate(atLeast: 1 << 20)
        pool.free(memory, capacity: capacity)
        #expect(pool.spareBytes == 0)
    }

    @Test(arguments: [1, 100, 512, 513, 4096, 40_000])
    func aBlockOfTheSizeIsUsedAgain(_ size: Int) {
        let pool = BlockPool()
        let (first, capacity) = pool.allocate(atLeast: size)
        pool.free(first, capacity: capacity)
        #expect(pool.spareBytes == capacity)
        let (second, again) = pool.allocate(atLeast: size)
        #expect(first == second && capacity == again && pool.spareBytes == 0)
        pool.free(second, capacity: again)
    }

    @Test func aSpareBlockIsUsedAgain() {
        let pool = BlockPool()
        let (first, size) = pool.allocate(atLeast: BlockPool.blockSize)
        pool.free(first, capacity: size)
        let (second, again) = pool.allocate(atLeast: BlockPool.blockSize)
        #expect(first == second && size == again)
        #expect(pool.spareBytes == 0)
        pool.free(second, capacity: again)
    }

    @Test func thePoolKeepsABoundedNumberOfBlocks() {
        let pool = BlockPool()
        let blocks = (0..<50).map { _ in pool.allocate(atLeast: BlockPool.blockSize) }
        for (memory, capacity) in blocks { pool.free(memory, capacity: capacity) }
        #expect(pool.spareBytes > 0)
        #expect(pool.spareBytes <= 8 * BlockPool.blockSize)
    }

    @Test(arguments: [1, 512, 32768, 32769, 65536, 65537, 524_288, 524_289, 3_000_000])
    func allocatedMemoryIsLargeEnough(_ size: Int) {
        let pool = BlockPool()
        let (memory, capacity) = pool.allocate(atLeast: size)
        #expect(capacity >= size && capacity < 4 * max(size, 512))
        memory.initializeMemory(as: UInt8.self, repeating: 7, count: capacity)
        pool.free(memory, capacity: capacity)
    }
}
