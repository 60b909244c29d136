// The heap of deadlines under the loop's timers: order, stability among equals, and the removal of dead entries.

import Testing

@testable import AsyncIO

@Suite struct DeadlineHeapTests {
    @Test func payloadsComeOutByDeadline() {
        var heap = DeadlineHeap<String>()
        heap.insert("late", deadline: 30)
        heap.insert("early", deadline: 10)
        heap.insert("middle", deadline: 20)
        #expect(heap.earliest == 10)
        #expect(heap.first == "early")
        #expect(drained(&heap) == ["early", "middle", "late"])
    }

    @Test func emptyHeapHasADeadlineThatNeverComes() {
        var heap = DeadlineHeap<Int>()
        #expect(heap.isEmpty == true)
        #expect(heap.earliest == .max)
        heap.insert(1, deadline: 5)
        _ = heap.removeFirst()
        #expect(heap.isEmpty == true)
        #expect(heap.earliest == .max)
    }

    @Test func equalDeadlinesComeOutInTheOrderOfInsertion() {
        var heap = DeadlineHeap<Int>()
        for n in 0..<1000 { heap.insert(n, deadline: 7) }
        #expect(drained(&heap) == Array(0..<1000))
    }

    @Test func equalDeadlinesKeepTheirOrderWhenOthersComeAndGo() {
        var heap = DeadlineHeap<Int>()
        for n in 0..<50 {
            heap.insert(n, deadline: 100)
            heap.insert(-1, deadline: 1)
            #expect(heap.removeFirst() == -1)
        }
        #expect(drained(&heap) == Array(0..<50))
    }

    @Test func extremeDeadlinesAreOrderedToo() {
        var heap = DeadlineHeap<String>()
        heap.insert("never", deadline: .max)
        heap.insert("zero", deadline: 0)
        heap.insert("always", deadline: .min)
        #expect(drained(&heap) == ["always", "zero", "never"])
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func randomInsertsAndRemovalsAgreeWithASortedArray(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var heap = DeadlineHeap<Int>(minimumCapacity: 4)
        var model: [(deadline: Int64, payload: Int)] = []
        for payload in 0..<5000 {
            if model.isEmpty || Int.random(in: 0..<5, using: &random) < 3 {
                // Few different deadlines, so that many are equal.
                let deadline = Int64.random(in: -20...20, using: &random)
                heap.insert(payload, deadline: deadline)
                let index = model.firstIndex { $0.deadline > deadline } ?? model.count
                model.insert((deadline, payload), at: index)
            } else {
                let expected = model.removeFirst()
                #expect(heap.earliest == expected.deadline)
                #expect(heap.first == expected.payload)
                #expect(heap.removeFirst() == expected.payload)
            }
            guard heap.count == model.count else {
                Issue.record("the heap has \(heap.count) entries instead of \(model.count)")
                return
            }
        }
        #expect(drained(&heap) == model.map(\.payload))
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 17, 100, 3000], [11, 12] as [UInt64])
    func compactionKeepsTheLivingInOrder(size: Int, seed: UInt64) {
        var random = SplitMix(seed: seed)
        var heap = DeadlineHeap<Int>(minimumCapacity: 4)
        var model: [(deadline: Int64, payload: Int)] = []
        for payload in 0..<size {
            let deadline = Int64.random(in: 0...50, using: &random)
            heap.insert(payload, deadline: deadline)
            model.append((deadline, payload))
        }
        let dead = Set(model.map(\.payload).filter { _ in Int.random(in: 0..<3, using: &random) > 0 })
        heap.compact { dead.contains($0) }
        let living = model.filter { !dead.contains($0.payload) }
        #expect(heap.count == living.count)
        let expected = living.sorted { ($0.deadline, $0.payload) < ($1.deadline, $1.payload) }.map(\.payload)
        #expect(drained(&heap) == expected)
    }

    @Test func compactionOfAHeapWhereAllAreDeadLeavesAnEmptyUsableHeap() {
        var heap = DeadlineHeap<Int>()
        for n in 0..<5000 { heap.insert(n, deadline: Int64(n)) }
        heap.compact { _ in true }
        #expect(heap.isEmpty == true)
        for n in 0..<200 { heap.insert(n, deadline: Int64(200 - n)) }
        #expect(drained(&heap) == (0..<200).reversed())
    }

    @Test func compactionIsWantedWithMoreThanAHundredEntriesOfWhichMoreThanHalfAreDead() {
        var heap = DeadlineHeap<Int>()
        for n in 0..<100 { heap.insert(n, deadline: 0) }
        for _ in 0..<100 { heap.entryDied() }
        #expect(heap.wantsCompaction == false)
        heap.compact { _ in true }

        for n in 0..<102 { heap.insert(n, deadline: 0) }
        for _ in 0..<51 { heap.entryDied() }
        #expect(heap.wantsCompaction == false)
        heap.entryDied()
        #expect(heap.wantsCompaction == true)
    }

    @Test func deadEntriesThatLeaveThroughTheTopAreNoLongerCounted() {
        var heap = DeadlineHeap<Int>()
        for n in 0..<200 { heap.insert(n, deadline: Int64(n)) }
        for _ in 0..<101 { heap.entryDied() }
        #expect(heap.wantsCompaction == true)
        for _ in 0..<10 {
            _ = heap.removeFirst()
            heap.deadEntryLeft()
        }
        #expect(heap.deadCount == 91)
        #expect(heap.wantsCompaction == false)
    }

    @Test func compactionForgetsTheDeadOnesItCounted() {
        var heap = DeadlineHeap<Int>()
        for n in 0..<200 { heap.insert(n, deadline: 0) }
        for _ in 0..<150 { heap.entryDied() }
        heap.compact { $0 < 150 }
        #expect(heap.deadCount == 0)
        #expect(heap.count == 50)
    }

    @Test func payloadsAreReleasedOnceHoweverTheyLeave() {
        let census = Census()
        do {
            var heap = DeadlineHeap<Census.Member>(minimumCapacity: 4)
            for n in 0..<300 { heap.insert(census.join(), deadline: Int64(n % 7)) }
            for _ in 0..<50 { _ = heap.removeFirst() }
            #expect(census.alive == 250)
            var seen = 0
            heap.compact { _ in
                seen += 1
                return seen % 2 == 0
            }
            #expect(census.alive == 125)
        }
        #expect(census.alive == 0)
    }

    private func drained<Payload>(_ heap: inout DeadlineHeap<Payload>) -> [Payload] {
        var result: [Payload] = []
        while !heap.isEmpty { result.append(heap.removeFirst()) }
        return result
    }
}
