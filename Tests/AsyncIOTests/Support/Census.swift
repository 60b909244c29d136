// Helpers of the tests of data structures: objects that are counted while they live, and random numbers with a seed.

/// Counts the objects that it handed out and those that are still alive.
final class Census {
    private(set) var joined = 0
    private(set) var alive = 0

    func join() -> Member { Member(self) }

    final class Member {
        private let census: Census

        fileprivate init(_ census: Census) {
            self.census = census
            census.joined += 1
            census.alive += 1
        }

        deinit { census.alive -= 1 }
    }
}

/// SplitMix64: the same numbers for the same seed, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
