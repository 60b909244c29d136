// The list of those who wait, as a plain structure.

import Testing

@testable import AsyncIO

@Suite struct WaiterListTests {
    private final class Waiter {
        let number: Int
        init(_ number: Int) { self.number = number }
    }

    private func filled(_ count: Int) -> (list: WaiterList<Waiter>, waiters: [Waiter]) {
        let waiters = (0..<count).map { Waiter($0) }
        var list = WaiterList<Waiter>()
        for waiter in waiters { list.append(waiter) }
        return (list, waiters)
    }

    private func drained(_ list: consuming WaiterList<Waiter>) -> [Int] {
        var numbers: [Int] = []
        while let waiter = list.popFirst() { numbers.append(waiter.number) }
        return numbers
    }

    @Test func newListIsEmpty() {
        var list = WaiterList<Waiter>()
        #expect(list.isEmpty)
        #expect(list.count == 0)
        #expect(list.first == nil)
        #expect(list.all.isEmpty)
        #expect(list.popFirst() == nil)
    }

    @Test(arguments: [1, 2, 31, 32, 33, 34, 64, 65, 66, 67, 1000])
    func waitersComeOutInTheOrderInWhichTheyCame(count: Int) {
        let list = filled(count).list
        #expect(list.count == count)
        #expect(drained(list) == Array(0..<count))
    }

    @Test func firstAndAllAreThoseThatHaveNotLeft() {
        var (list, waiters) = filled(5)
        #expect(list.popFirst() === waiters[0])
        #expect(list.popFirst() === waiters[1])
        #expect(list.first === waiters[2])
        #expect(list.all.map(\.number) == [2, 3, 4])
        #expect(list.count == 3)
    }

    @Test func removedWaiterLeavesTheOthersInOrder() {
        var (list, waiters) = filled(5)
        let removed = [2, 0, 4].map { list.remove(waiters[$0]) }
        #expect(removed == [true, true, true])
        #expect(drained(list) == [1, 3])
    }

    @Test func waiterThatIsNotThereIsNotRemoved() {
        var (list, waiters) = filled(3)
        let stranger = list.remove(Waiter(1))
        #expect(!stranger)
        #expect(list.popFirst() === waiters[0])
        let removed = [0, 1, 1].map { list.remove(waiters[$0]) }
        #expect(removed == [false, true, false])
        #expect(list.count == 1)
    }

    @Test func listThatWasEmptiedTakesNewWaiters() {
        var (list, _) = filled(40)
        while list.popFirst() != nil {}
        #expect(list.isEmpty)
        let waiter = Waiter(7)
        list.append(waiter)
        #expect(list.first === waiter)
        list.removeAll()
        #expect(list.isEmpty)
        #expect(list.popFirst() == nil)
    }

    @Test func listThatWasEmptiedKeepsNobody() {
        let census = Census()
        var list = WaiterList<Census.Member>()
        for _ in 0..<100 { list.append(census.join()) }
        while list.popFirst() != nil {}
        #expect(census.alive == 0)
    }

    @Test func thoseThatHaveLeftALongListAreNotKeptForEver() {
        let census = Census()
        var list = WaiterList<Census.Member>()
        for _ in 0..<10 { list.append(census.join()) }
        for _ in 0..<10_000 {
            list.append(census.join())
            _ = list.popFirst()
        }
        #expect(list.count == 10)
        #expect(census.alive < 100)
    }

    @Test(arguments: [UInt64](1...8))
    func randomStepsAgreeWithAnArray(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var list = WaiterList<Waiter>()
        var model: [Waiter] = []
        var gone: [Waiter] = []
        for step in 0..<20_000 {
            // Phases in which the list grows, and in which it shrinks.
            let grows = (step / 500) % 2 == 0
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<(grows ? 6 : 2):
                let waiter = Waiter(step)
                list.append(waiter)
                model.append(waiter)
            case 6..<8:
                let expected = model.isEmpty ? nil : model.removeFirst()
                #expect(list.popFirst() === expected)
                if let expected { gone.append(expected) }
            case 8:
                guard let waiter = model.randomElement(using: &random) else { continue }
                let removed = list.remove(waiter)
                #expect(removed)
                model.removeAll { $0 === waiter }
            default:
                guard let waiter = gone.popLast() else { continue }
                let removed = list.remove(waiter)
                #expect(!removed)
            }
            #expect(list.count == model.count)
            #expect(list.first === model.first)
            #expect(list.isEmpty == model.isEmpty)
        }
        #expect(drained(list) == model.map(\.number))
    }
}
