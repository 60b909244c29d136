// The buffer of a stream as a plain value: a FIFO of bytes that gives its memory back, and finds patterns.

import Testing

@testable import AsyncIO

@Suite struct StreamBufferTests {
    @Test func bytesComeOutInTheOrderInWhichTheyWentIn() {
        var buffer = StreamBuffer(pool: BlockPool())
        buffer.add("abc")
        buffer.add("defg")
        #expect(buffer.count == 7)
        #expect(asText(buffer.take(2)) == "ab")
        #expect(asText(buffer.take(4)) == "cdef")
        #expect(asText(buffer.takeAll()) == "g")
        #expect(buffer.isEmpty == true)
    }

    @Test func takingNothingLeavesEverything() {
        var buffer = StreamBuffer(pool: BlockPool())
        #expect(buffer.take(0) == [])
        buffer.add("a")
        #expect(buffer.take(0) == [])
        #expect(asText(buffer.takeAll()) == "a")
    }

    @Test func addingNothingNeedsNoMemory() {
        var buffer = StreamBuffer(pool: BlockPool())
        buffer.add("")
        #expect(buffer.isEmpty == true)
        #expect(buffer.bytes.baseAddress == nil)
    }

    @Test func memoryIsGivenBackWheneverItIsEmpty() {
        let pool = BlockPool()
        var buffer = StreamBuffer(pool: pool)
        let big = [UInt8](repeating: 7, count: BlockPool.blockSize)
        for _ in 0..<3 {
            big.withUnsafeBytes { buffer.append($0) }
            #expect(pool.spareBytes == 0)
            _ = buffer.takeAll()
            #expect(pool.spareBytes >= BlockPool.blockSize)
            #expect(buffer.bytes.baseAddress == nil)
        }
    }

    @Test func memoryGoesBackWithTheBuffer() {
        let pool = BlockPool()
        do {
            var buffer = StreamBuffer(pool: pool)
            let big = [UInt8](repeating: 7, count: BlockPool.blockSize)
            big.withUnsafeBytes { buffer.append($0) }
        }
        #expect(pool.spareBytes >= BlockPool.blockSize)
    }

    @Test func removeAllForgetsWhatThereIs() {
        var buffer = StreamBuffer(pool: BlockPool())
        buffer.add("abc")
        buffer.removeAll()
        #expect(buffer.isEmpty == true)
        buffer.add("d")
        #expect(asText(buffer.takeAll()) == "d")
    }

    @Test func takeIntoCopiesAndRemoves() {
        var buffer = StreamBuffer(pool: BlockPool())
        buffer.add("abcdef")
        var target = [UInt8](repeating: 0, count: 6)
        target.withUnsafeMutableBytes { buffer.take(4, into: $0) }
        #expect(target == octets("abcd") + [0, 0])
        #expect(asText(buffer.takeAll()) == "ef")
    }

    @Test func patternsAreFoundFromAnOffsetOn() {
        var buffer = StreamBuffer(pool: BlockPool())
        buffer.add("--abab-ab")
        #expect(buffer.firstIndex(of: octets("ab"), from: 0) == 2)
        #expect(buffer.firstIndex(of: octets("ab"), from: 3) == 4)
        #expect(buffer.firstIndex(of: octets("ab"), from: 7) == 7)
        #expect(buffer.firstIndex(of: octets("ab"), from: 8) == nil)
        #expect(buffer.firstIndex(of: octets("ab"), from: 99) == nil)
        #expect(buffer.firstIndex(of: octets("abx"), from: 0) == nil)
        #expect(buffer.firstIndex(of: octets("--abab-ab-"), from: 0) == nil)
        #expect(buffer.firstIndex(of: octets("--abab-ab"), from: 0) == 0)
    }

    @Test func offsetsCountFromTheFirstByteThatIsLeft() {
        var buffer = StreamBuffer(pool: BlockPool())
        buffer.add("xxxx;yy;")
        _ = buffer.take(5)
        #expect(buffer.firstIndex(of: octets(";"), from: 0) == 2)
    }

    @Test func patternThatOverlapsItselfIsFound() {
        var buffer = StreamBuffer(pool: BlockPool())
        buffer.add("aaab")
        #expect(buffer.firstIndex(of: octets("aab"), from: 0) == 1)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomOperationsAgreeWithAnArray(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var buffer = StreamBuffer(pool: BlockPool())
        var model: [UInt8] = []
        for step in 0..<3000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                // Mostly little; sometimes more than all memory there is.
                let most = Int.random(in: 0..<40, using: &random) == 0 ? 100_000 : 300
                let bytes = noise(Int.random(in: 0...most, using: &random), seed: random.next()).map { $0 % 5 }
                bytes.withUnsafeBytes { buffer.append($0) }
                model += bytes
            case 4..<6:
                let count = Int.random(in: 0...min(model.count, 500), using: &random)
                #expect(buffer.take(count) == Array(model.prefix(count)))
                model.removeFirst(count)
            case 6:
                let count = Int.random(in: 0...min(model.count, 50_000), using: &random)
                buffer.remove(count)
                model.removeFirst(count)
            case 7 where Int.random(in: 0..<10, using: &random) == 0:
                #expect(buffer.takeAll() == model)
                model = []
            default:
                let window = Array(model.prefix(400))
                let pattern = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    UInt8.random(in: 0..<5, using: &random)
                }
                let offset = Int.random(in: 0...30, using: &random)
                let expected = Self.firstIndex(of: pattern, in: window, from: offset)
                let found = buffer.firstIndex(of: pattern, from: offset)
                // Beyond the window the model does not look.
                if expected != nil || window.count == model.count { #expect(found == expected) }
            }
            if buffer.count != model.count {
                Issue.record("\(buffer.count) bytes instead of \(model.count) after step \(step)")
                return
            }
        }
        #expect(buffer.takeAll() == model)
    }

    private static func firstIndex(of pattern: [UInt8], in bytes: [UInt8], from offset: Int) -> Int? {
        guard bytes.count >= pattern.count + offset else { return nil }
        return (offset...bytes.count - pattern.count).first { bytes[$0..<$0 + pattern.count].elementsEqual(pattern) }
    }
}

extension StreamBuffer {
    /// Adds a text.
    mutating func add(_ text: String) {
        let bytes = octets(text)
        bytes.withUnsafeBytes { append($0) }
    }
}
