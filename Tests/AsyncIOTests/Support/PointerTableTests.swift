// The table by which the loop finds its tasks: lookup, removal without tombstones, growth, against a dictionary.

import Testing

@testable import AsyncIO

@Suite struct PointerTableTests {
    @Test func valuesAreFoundUnderTheirKeys() {
        var table = PointerTable<String>()
        table.insert("a", for: address(1))
        table.insert("b", for: address(2))
        #expect(table[address(1)] == "a")
        #expect(table[address(2)] == "b")
        #expect(table[address(3)] == nil)
        #expect(table.count == 2)
    }

    @Test func removeReturnsTheValueAndForgetsIt() {
        var table = PointerTable<String>()
        table.insert("a", for: address(1))
        #expect(table.remove(address(1)) == "a")
        #expect(table[address(1)] == nil)
        #expect(table.count == 0)
    }

    @Test func removingAnUnknownKeyChangesNothing() {
        var table = PointerTable<String>()
        table.insert("a", for: address(1))
        #expect(table.remove(address(2)) == nil)
        #expect(table.count == 1)
        #expect(table[address(1)] == "a")
    }

    @Test func aKeyCanComeBackAfterItWasRemoved() {
        var table = PointerTable<Int>()
        for round in 0..<1000 {
            table.insert(round, for: address(1))
            #expect(table[address(1)] == round)
            table.remove(address(1))
        }
        #expect(table.count == 0)
    }

    @Test func everythingIsFoundAfterGrowth() {
        var table = PointerTable<Int>()
        for n in 1...5000 { table.insert(n, for: address(n)) }
        #expect((1...5000).allSatisfy { table[address($0)] == $0 })
        #expect(table.count == 5000)
    }

    @Test func everythingIsFoundAfterTheTableHasShrunk() {
        var table = PointerTable<Int>()
        for n in 1...20_000 { table.insert(n, for: address(n)) }
        for n in 101...20_000 { #expect(table.remove(address(n)) == n) }
        #expect((1...100).allSatisfy { table[address($0)] == $0 })
        #expect(table.values.sorted() == Array(1...100))
    }

    @Test func entriesAndValuesListEverythingOnce() {
        var table = PointerTable<Int>()
        for n in 1...300 { table.insert(n, for: address(n)) }
        for n in 1...100 { table.remove(address(n)) }
        #expect(table.values.sorted() == Array(101...300))
        let keys = table.entries.map(\.key).sorted()
        #expect(keys == (101...300).map { UInt(bitPattern: address($0)) })
        #expect(table.entries.allSatisfy { $0.key == UInt(bitPattern: address($0.value)) })
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64], [16, 8192] as [Int])
    func randomInsertsAndRemovalsAgreeWithADictionary(seed: UInt64, stride: Int) {
        var random = SplitMix(seed: seed)
        var table = PointerTable<Int>()
        var model: [Int: Int] = [:]
        for step in 0..<30_000 {
            let growing = (step / 3000) % 2 == 0
            let key = Int.random(in: 1...3000, using: &random)
            if model[key] == nil {
                if growing || Int.random(in: 0..<4, using: &random) == 0 {
                    table.insert(step, for: address(key, stride: stride))
                    model[key] = step
                }
            } else if !growing || Int.random(in: 0..<4, using: &random) == 0 {
                #expect(table.remove(address(key, stride: stride)) == model.removeValue(forKey: key))
            }
            let probe = Int.random(in: 1...3000, using: &random)
            guard table[address(probe, stride: stride)] == model[probe], table.count == model.count else {
                Issue.record("table and model differ after step \(step)")
                return
            }
        }
        #expect((1...3000).allSatisfy { table[address($0, stride: stride)] == model[$0] })
        #expect(table.values.sorted() == model.values.sorted())
    }

    @Test func valuesAreReleasedOnceHoweverTheyLeave() {
        let census = Census()
        do {
            var table = PointerTable<Census.Member>()
            for n in 1...500 { table.insert(census.join(), for: address(n)) }
            for n in 1...200 { table.remove(address(n)) }
            #expect(census.alive == 300)
        }
        #expect(census.alive == 0)
        #expect(census.joined == 500)
    }

    /// An address that is never looked at, only compared.
    private func address(_ number: Int, stride: Int = 16) -> UnsafeRawPointer {
        UnsafeRawPointer(bitPattern: 0x7F00_0000_0000 + number * stride).unsafelyUnwrapped
    }
}
