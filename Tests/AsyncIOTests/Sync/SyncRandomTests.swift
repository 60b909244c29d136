// Many tasks over locks, semaphores, conditions, queues, timeouts, groups and cancellations, at random but with a seed:
// nobody is lost, nothing is made or lost, and everything ends.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct SyncRandomTests {
    /// How much one run does: all runs together make a million steps, or a tenth of that under a sanitizer.
    private static let tasks = 1000
    private static let stepsOfATask = isSanitized ? 25 : 250

    private static let isSanitized = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil

    @Test(arguments: [UInt64](1...4))
    func nothingIsLostWhateverIsCancelled(seed: UInt64) async throws {
        let failures = try await onLoop { loop in
            let world = World(loop, seed: seed)
            for number in 0..<Self.tasks {
                world.tasks.append(
                    loop.createTask { await world.live(number, steps: Self.stepsOfATask) })
            }
            try await loop.rounds(1)
            // From here on everybody has begun, and what is cancelled goes on.
            world.cancels = true
            while world.tasks.contains(where: { !$0.isDone }) {
                try await loop.rounds(1)
                try world.keepGoing()
            }
            try await world.checkTheEnd()
            return world.failures + (world.steps == Self.tasks * Self.stepsOfATask ? [] : ["\(world.steps) steps"])
        }
        #expect(failures == [])
    }
}

/// What the tasks share, and what is known of it.
private final class World {
    private static let permits = 3

    private let loop: EventLoop
    private var random: SplitMix
    private let seed: UInt64
    var tasks: [LoopTask<Void>] = []
    var cancels = false
    private(set) var steps = 0
    private(set) var failures: [String] = []

    private let lock: Lock
    private var isInside = false
    private let semaphore: BoundedSemaphore
    private var insideSemaphore = 0
    private let condition: Condition
    private var tokens = 0
    private var produced = 0
    private var consumed = 0
    private let event: Event
    private let queues: [Queue<Int>]
    private var lastItem = 0
    private var itemsPut: Set<Int> = []
    private var itemsGot: Set<Int> = []

    init(_ loop: EventLoop, seed: UInt64) {
        self.loop = loop
        self.seed = seed
        random = SplitMix(seed: seed)
        lock = Lock(loop)
        semaphore = BoundedSemaphore(loop, value: Self.permits)
        condition = Condition(loop)
        event = Event(loop)
        queues = [Queue(loop, maxSize: 2), LifoQueue(loop, maxSize: 3), PriorityQueue(loop, maxSize: 1)]
    }

    private func expect(_ condition: Bool, _ message: @autoclosure () -> String) {
        if !condition && failures.count < 10 { failures.append(message()) }
    }

    /// The life of one task: whatever happens to it, it goes on to its last step.
    func live(_ number: Int, steps count: Int) async {
        var dice = SplitMix(seed: seed &* 1_000_003 &+ UInt64(number))
        for _ in 0..<count {
            steps += 1
            do {
                switch Int.random(in: 0..<8, using: &dice) {
                case 0, 1: try await limited(&dice)
                case 2: try await grouped(&dice)
                case 3: if cancels { tasks.randomElement(using: &dice)?.cancel() }
                default: try await act(&dice)
                }
            } catch is TimeoutError {
            } catch is CancellationError {
                expect(loop.currentTask!.cancelling > 0, "a cancellation that nobody asked for")
            } catch { expect(false, "\(error)") }
            while loop.currentTask!.cancelling > 0 { loop.currentTask!.uncancel() }
        }
    }

    /// Something with a limit of time; mostly one that is over at once.
    private func limited(_ dice: inout SplitMix) async throws {
        let start = dice.next()
        let delay = [Duration.zero, .zero, .microseconds(50), .seconds(3600)].randomElement(using: &dice)!
        let before = loop.currentTask!.cancelling
        do {
            try await loop.withTimeout(delay) { [self] in
                var dice = SplitMix(seed: start)
                try await act(&dice)
            }
        } catch is TimeoutError {
            expect(loop.currentTask!.cancelling == before, "a timeout left a request behind")
        }
    }

    private func grouped(_ dice: inout SplitMix) async throws {
        let start = dice.next()
        try await loop.withTaskGroup { [self] group in
            for child in 0..<2 {
                group.createTask { [self] in
                    var dice = SplitMix(seed: start &+ UInt64(child))
                    try await act(&dice)
                }
            }
            var dice = SplitMix(seed: start &+ 2)
            try await act(&dice)
        }
    }

    private func act(_ dice: inout SplitMix) async throws {
        let rounds = Int.random(in: 0..<2, using: &dice)
        let queue = queues.randomElement(using: &dice)!
        switch Int.random(in: 0..<9, using: &dice) {
        case 0:
            try await lock.withLock {
                expect(!isInside, "two have the lock")
                isInside = true
                defer { isInside = false }
                try await loop.rounds(rounds)
            }
        case 1:
            try await semaphore.withPermit {
                insideSemaphore += 1
                defer { insideSemaphore -= 1 }
                expect(insideSemaphore <= Self.permits, "a permit was made")
                try await loop.rounds(rounds)
            }
        case 2: try await condition.withLock { produce() }
        case 3:
            try await condition.withLock {
                try await condition.wait(for: { tokens > 0 })
                expect(condition.isLocked, "no lock after a wait")
                tokens -= 1
                consumed += 1
            }
        case 4:
            if Bool.random(using: &dice) { event.set() } else { event.clear() }
        case 5: try await event.wait()
        case 6:
            let item = newItem()
            try await queue.put(item)
            itemsPut.insert(item)
        case 7: try await got(queue.get(), from: queue)
        default: try await loop.rounds(rounds)
        }
    }

    private func produce() {
        tokens += 1
        produced += 1
        condition.notify()
    }

    private func newItem() -> Int {
        lastItem += 1
        return lastItem
    }

    private func got(_ item: Int, from queue: Queue<Int>) throws {
        expect(itemsGot.insert(item).inserted, "an item came twice")
        try queue.taskDone()
    }

    /// Sees to it that nobody waits for something that none of the tasks will do.
    func keepGoing() throws {
        if !condition.isLocked && tokens < 2 {
            loop.createTask { [self] in try await condition.withLock { produce() } }
        }
        if Bool.random(using: &random) { event.set() } else { event.clear() }
        for queue in queues {
            if queue.isFull {
                try got(queue.getNowait(), from: queue)
            } else if queue.isEmpty {
                let item = newItem()
                try queue.putNowait(item)
                itemsPut.insert(item)
            }
        }
    }

    func checkTheEnd() async throws {
        // The last helpers of the condition.
        while loop.allTasks.count > 1 { try await loop.rounds(1) }
        expect(!lock.isLocked && !isInside, "the lock is held")
        expect(semaphore.value == Self.permits && insideSemaphore == 0, "\(semaphore.value) permits are left")
        expect(!condition.isLocked && produced - consumed == tokens, "\(produced) - \(consumed) tokens, not \(tokens)")
        for queue in queues {
            while !queue.isEmpty { try got(queue.getNowait(), from: queue) }
            try await queue.join()
        }
        expect(itemsPut == itemsGot, "\(itemsPut.symmetricDifference(itemsGot).count) items lost or made")
        for owner in [lock, semaphore, condition, event] as [AnyObject] + queues {
            expect(waiters(of: owner) == 0, "\(type(of: owner)) still knows somebody who waits")
        }
        event.set()
        try await event.wait()
    }

    private func waiters(of owner: AnyObject) -> Int {
        var mirror: Mirror? = Mirror(reflecting: owner)
        var count = 0
        while let level = mirror {
            for case let list as Waiters in level.children.map(\.value) { count += list.count }
            mirror = level.superclassMirror
        }
        return count
    }
}
