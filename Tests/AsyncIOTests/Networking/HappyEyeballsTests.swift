// The race of connection attempts as a plain state machine, and the order of its addresses.

import Testing

@testable import AsyncIO

@Suite struct HappyEyeballsTests {
    // MARK: - One after the other

    @Test func withoutStaggerTheNextAttemptWaitsForAFailure() {
        var race = HappyEyeballs(count: 2, isStaggered: false)
        #expect(race.start() == [.attempt(0), .stopTimer])
        #expect(race.attemptDidFail(0) == [.attempt(1), .stopTimer])
        #expect(race.attemptDidSucceed(1) == [.stopTimer, .succeed(1)])
    }

    @Test func allFailuresAreAFailure() {
        var race = HappyEyeballs(count: 2, isStaggered: false)
        _ = race.start()
        _ = race.attemptDidFail(0)
        #expect(race.attemptDidFail(1) == [.stopTimer, .fail])
    }

    @Test func noAddressIsAFailure() {
        var race = HappyEyeballs(count: 0, isStaggered: true)
        #expect(race.start() == [.fail])
        #expect(race.timerDidFire() == [])
    }

    // MARK: - Staggered

    @Test func timerStartsTheNextAttempt() {
        var race = HappyEyeballs(count: 3, isStaggered: true)
        #expect(race.start() == [.attempt(0), .startTimer])
        #expect(race.timerDidFire() == [.attempt(1), .startTimer])
        #expect(race.timerDidFire() == [.attempt(2), .stopTimer])
    }

    @Test func failureStartsTheNextAttemptAndTheDelayAnew() {
        var race = HappyEyeballs(count: 3, isStaggered: true)
        _ = race.start()
        #expect(race.attemptDidFail(0) == [.attempt(1), .startTimer])
    }

    @Test func winnerBreaksTheOthersOff() {
        var race = HappyEyeballs(count: 4, isStaggered: true)
        _ = race.start()
        _ = race.timerDidFire()
        _ = race.timerDidFire()
        #expect(race.attemptDidSucceed(1) == [.stopTimer, .cancel([0, 2]), .succeed(1)])
    }

    @Test func winnerMayComeLate() {
        var race = HappyEyeballs(count: 2, isStaggered: true)
        _ = race.start()
        _ = race.timerDidFire()
        #expect(race.attemptDidFail(1) == [])
        #expect(race.attemptDidSucceed(0) == [.stopTimer, .succeed(0)])
    }

    @Test func lastFailureEndsTheRace() {
        var race = HappyEyeballs(count: 2, isStaggered: true)
        _ = race.start()
        _ = race.timerDidFire()
        #expect(race.attemptDidFail(1) == [])
        #expect(race.attemptDidFail(0) == [.stopTimer, .fail])
    }

    // MARK: - After the end

    @Test func nothingHappensAfterTheEnd() {
        var race = HappyEyeballs(count: 3, isStaggered: true)
        _ = race.start()
        _ = race.timerDidFire()
        _ = race.attemptDidSucceed(0)
        #expect(race.timerDidFire() == [])
        #expect(race.attemptDidSucceed(1) == [])
        #expect(race.attemptDidFail(1) == [])
        #expect(race.cancel() == [])
    }

    @Test func cancelBreaksAllOff() {
        var race = HappyEyeballs(count: 3, isStaggered: true)
        _ = race.start()
        _ = race.timerDidFire()
        #expect(race.cancel() == [.stopTimer, .cancel([0, 1])])
        #expect(race.attemptDidSucceed(0) == [])
        #expect(race.cancel() == [])
    }

    @Test func attemptsThatWereNeverMadeAreIgnored() {
        var race = HappyEyeballs(count: 3, isStaggered: true)
        _ = race.start()
        #expect(race.attemptDidFail(2) == [])
        #expect(race.attemptDidSucceed(1) == [])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomRacesTryEveryAddressOnceAndEndOnce(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<500 {
            let count = Int.random(in: 1...5, using: &random)
            var race = HappyEyeballs(count: count, isStaggered: Bool.random(using: &random))
            var tried: [Int] = []
            var open: Set<Int> = []
            var ends = 0
            var hasTimer = false
            func note(_ actions: [HappyEyeballs.Action]) {
                for action in actions {
                    switch action {
                    case .attempt(let index):
                        tried.append(index)
                        open.insert(index)
                    case .startTimer: hasTimer = true
                    case .stopTimer: hasTimer = false
                    case .cancel(let indices): open.subtract(indices)
                    case .succeed(let index):
                        open.remove(index)
                        ends += 1
                    case .fail: ends += 1
                    }
                }
            }
            note(race.start())
            while ends == 0 {
                let choice = Int.random(in: 0..<10, using: &random)
                if hasTimer && choice < 4 {
                    note(race.timerDidFire())
                } else if let index = open.randomElement(using: &random) {
                    if choice == 9 {
                        note(race.attemptDidSucceed(index))
                    } else {
                        open.remove(index)
                        note(race.attemptDidFail(index))
                    }
                }
            }
            #expect(tried == Array(0..<tried.count))
            #expect(tried.count <= count)
            #expect(open.isEmpty)
            #expect(ends == 1)
            #expect(!hasTimer)
        }
    }

    // MARK: - The order

    /// Addresses are texts; those with a colon are of IPv6.
    private func interleave(_ addresses: [String], _ firstCount: Int) -> [String] {
        HappyEyeballs.interleave(addresses, firstCount: firstCount) { $0.contains(":") ? .ipv6 : .ipv4 }
    }

    @Test func familiesAlternateBeginningWithTheFirst() {
        #expect(interleave([":1", ":2", ":3", "a", "b"], 1) == [":1", "a", ":2", "b", ":3"])
        #expect(interleave(["a", ":1", ":2", ":3"], 1) == ["a", ":1", ":2", ":3"])
    }

    @Test func moreOfTheFirstFamilyMayComeFirst() {
        #expect(interleave([":1", ":2", ":3", "a", "b"], 2) == [":1", ":2", "a", ":3", "b"])
        #expect(interleave([":1", ":2", "a"], 9) == [":1", ":2", "a"])
    }

    @Test func oneFamilyKeepsItsOrder() {
        #expect(interleave(["a", "b", "c"], 1) == ["a", "b", "c"])
        #expect(interleave(["a", "b", "c"], 2) == ["a", "b", "c"])
        #expect(interleave([], 1) == [])
    }
}
