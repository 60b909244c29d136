// Which address to try when: RFC 8305 as a plain state machine, without clocks and sockets.

/// Decides about a race of connection attempts. It is told what happens and answers what to do.
struct HappyEyeballs {
    enum Action: Equatable {
        /// Start to connect to the address of this index.
        case attempt(Int)
        /// Say when the delay has passed; an earlier timer is void.
        case startTimer
        case stopTimer
        /// Break off the attempts of these indices.
        case cancel([Int])
        /// The attempt of this index has won.
        case succeed(Int)
        /// All attempts have failed.
        case fail
    }

    private let count: Int
    private let isStaggered: Bool
    private var next = 0
    private var running: [Int] = []
    private var isOver = false

    /// - Parameters:
    ///   - count: how many addresses there are.
    ///   - isStaggered: whether an attempt starts while an earlier one goes on; else one waits for the other to fail.
    init(count: Int, isStaggered: Bool) {
        self.count = count
        self.isStaggered = isStaggered
    }

    mutating func start() -> [Action] { startNext() }

    /// The delay has passed without an answer.
    mutating func timerDidFire() -> [Action] { isOver ? [] : startNext() }

    /// An attempt failed: the next one starts at once.
    mutating func attemptDidFail(_ index: Int) -> [Action] {
        guard !isOver, let place = running.firstIndex(of: index) else { return [] }
        running.remove(at: place)
        if next < count { return startNext() }
        if !running.isEmpty { return [] }
        isOver = true
        return [.stopTimer, .fail]
    }

    /// An attempt succeeded: all others are broken off.
    mutating func attemptDidSucceed(_ index: Int) -> [Action] {
        guard !isOver, running.contains(index) else { return [] }
        isOver = true
        let losers = running.filter { $0 != index }
        running = []
        return [.stopTimer] + (losers.isEmpty ? [] : [.cancel(losers)]) + [.succeed(index)]
    }

    /// Nobody wants the answer any more.
    mutating func cancel() -> [Action] {
        guard !isOver else { return [] }
        isOver = true
        defer { running = [] }
        return [.stopTimer, .cancel(running)]
    }

    private mutating func startNext() -> [Action] {
        guard next < count else {
            if !running.isEmpty { return [] }
            isOver = true
            return [.fail]
        }
        running.append(next)
        next += 1
        let staggers = isStaggered && next < count
        return [.attempt(next - 1), staggers ? .startTimer : .stopTimer]
    }

    /// Alternates the families of addresses, beginning with the first one's.
    ///
    /// - Parameter firstCount: how many of the first family come before the first of another.
    static func interleave<Address>(
        _ addresses: [Address], firstCount: Int, family: (Address) -> AddressFamily
    ) -> [Address] {
        var families: [AddressFamily] = []
        var byFamily: [AddressFamily: [Address]] = [:]
        for address in addresses {
            let key = family(address)
            if byFamily[key] == nil { families.append(key) }
            byFamily[key, default: []].append(address)
        }
        var result: [Address] = []
        if firstCount > 1, let first = families.first, let list = byFamily[first] {
            result = Array(list.prefix(firstCount - 1))
            byFamily[first] = Array(list.dropFirst(firstCount - 1))
        }
        let longest = byFamily.values.map(\.count).max() ?? 0
        for index in 0..<longest {
            for key in families {
                if let list = byFamily[key], index < list.count { result.append(list[index]) }
            }
        }
        return result
    }
}
