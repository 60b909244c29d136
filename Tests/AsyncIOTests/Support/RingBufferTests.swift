// The ring buffer under the ready queue and the inbox: order, tickets, growth, and that no element is lost or leaked.

import Testing

@testable import AsyncIO

@Suite struct RingBufferTests {
    @Test func elementsComeOutInTheOrderInWhichTheyWentIn() {
        var ring = RingBuffer<Int>(minimumCapacity: 4)
        for n in 0..<100 { ring.push(n) }
        #expect(drained(&ring) == Array(0..<100))
    }

    @Test func capacityIsRoundedUpToAPowerOfTwo() {
        let sizes = [0, 1, 2, 3, 4, 5, 255, 256, 257].map { size in
            let ring = RingBuffer<Int>(minimumCapacity: size)
            return ring.capacity
        }
        #expect(sizes == [2, 2, 2, 4, 4, 8, 256, 256, 512])
    }

    @Test func elementsThatWrapAroundTheEndSurviveGrowth() {
        var ring = RingBuffer<Int>(minimumCapacity: 4)
        for n in 0..<3 { ring.push(n) }
        for n in 0..<3 { #expect(ring.pop() == n) }
        // The next four occupy the last place and the first three; the fifth makes the ring grow.
        for n in 3..<8 { ring.push(n) }
        #expect(ring.capacity == 8)
        #expect(drained(&ring) == [3, 4, 5, 6, 7])
    }

    @Test func ticketsCountThePushesBeforeThem() {
        var ring = RingBuffer<String>(minimumCapacity: 2)
        #expect(ring.push("a") == 0)
        #expect(ring.push("b") == 1)
        #expect(ring.pop() == "a")
        #expect(ring.push("c") == 2)
        #expect(ring.push("d") == 3)
        #expect((ring.head, ring.tail) == (1, 4))
    }

    @Test func ticketsStayValidWhenTheRingGrows() {
        var ring = RingBuffer<Int>(minimumCapacity: 2)
        ring.push(-1)
        _ = ring.pop()
        let tickets = (0..<50).map { ring.push($0) }
        for (value, ticket) in tickets.enumerated() { #expect(ring[ticket] == value) }
    }

    @Test func replacePutsAnElementInThePlaceOfAnother() {
        var ring = RingBuffer<String>()
        ring.push("a")
        let ticket = ring.push("b")
        ring.push("c")
        #expect(ring.replace(ticket, with: "x") == "b")
        #expect(drained(&ring) == ["a", "x", "c"])
    }

    @Test func replaceRefusesATicketThatWasPopped() {
        var ring = RingBuffer<String>(minimumCapacity: 2)
        let ticket = ring.push("a")
        _ = ring.pop()
        // The same place holds another element now.
        ring.push("b")
        ring.push("c")
        #expect(ring.replace(ticket, with: "x") == nil)
        #expect(drained(&ring) == ["b", "c"])
    }

    @Test func replaceRefusesATicketThatWasNeverGiven() {
        var ring = RingBuffer<String>()
        let ticket = ring.push("a")
        #expect(ring.replace(ticket + 1, with: "x") == nil)
        #expect(ring.replace(-1, with: "x") == nil)
        #expect(drained(&ring) == ["a"])
    }

    @Test func drainAppendsToTheOtherRingInOrder() {
        var source = RingBuffer<Int>(minimumCapacity: 2)
        var target = RingBuffer<Int>(minimumCapacity: 2)
        target.push(0)
        for n in 1...9 { source.push(n) }
        source.drain(into: &target)
        #expect(source.isEmpty == true)
        #expect(drained(&target) == Array(0...9))
    }

    @Test func shrinkGivesMemoryBackAndKeepsTheTicketsGoing() {
        var ring = RingBuffer<Int>(minimumCapacity: 2)
        for n in 0..<100 { ring.push(n) }
        _ = drained(&ring)
        ring.shrink(to: 16)
        #expect(ring.capacity == 16)
        #expect(ring.push(7) == 100)
        #expect(drained(&ring) == [7])
    }

    @Test func shrinkLeavesARingWithElementsAlone() {
        var ring = RingBuffer<Int>(minimumCapacity: 64)
        ring.push(1)
        ring.shrink(to: 16)
        #expect(ring.capacity == 64)
        #expect(drained(&ring) == [1])
    }

    @Test func elementsLeftAtTheEndAreReleasedOnce() {
        let census = Census()
        do {
            var ring = RingBuffer<Census.Member>(minimumCapacity: 4)
            for _ in 0..<10 { ring.push(census.join()) }
            for _ in 0..<3 { _ = ring.pop() }
            _ = ring.replace(5, with: census.join())
            #expect(census.alive == 7)
        }
        #expect(census.alive == 0)
        #expect(census.joined == 11)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func randomOperationsAgreeWithAnArray(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var ring = RingBuffer<Int>(minimumCapacity: 2)
        var model: [Int] = []
        var first = 0
        for step in 0..<20_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                #expect(ring.push(step) == first + model.count)
                model.append(step)
            case 5..<9 where !model.isEmpty:
                #expect(ring.pop() == model.removeFirst())
                first += 1
            case 9 where !model.isEmpty:
                let index = Int.random(in: 0..<model.count, using: &random)
                #expect(ring.replace(first + index, with: -step) == model[index])
                model[index] = -step
            default:
                ring.shrink(to: 2)
            }
            if ring.count != model.count {
                Issue.record("the ring has \(ring.count) elements instead of \(model.count) after step \(step)")
                return
            }
        }
        #expect(drained(&ring) == model)
    }

    private func drained<Element>(_ ring: inout RingBuffer<Element>) -> [Element] {
        var result: [Element] = []
        while !ring.isEmpty { result.append(ring.pop()) }
        return result
    }
}
