// The sections about tasks that belong together: a pool of workers, a group that fails, a limit of time, who waits for
// whom.

import AsyncIO

// MARK: - A queue and its workers

/// Four workers take numbers from a small queue and square them; when it is shut down they end.
func squareInWorkers(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let count = 10_000
    let jobs = Queue<Int>(loop, maxSize: 16)
    var (sum, mostQueued) = (0, 0)
    // How many each worker did: all of them have to get some.
    var done = [0, 0, 0, 0]
    try await loop.withTaskGroup { group in
        for worker in done.indices {
            group.createTask(name: "worker \(worker)") {
                for try await number in jobs {
                    try await loop.sleep(for: .zero)
                    sum += number * number
                    done[worker] += 1
                }
            }
        }
        for number in 1...count {
            try await jobs.put(number)
            mostQueued = max(mostQueued, jobs.count)
        }
        jobs.shutdown()
    }
    try verify(sum == count * (count + 1) * (2 * count + 1) / 6, "the squares add up to \(sum)")
    try verify(done.reduce(0, +) == count && !done.contains(0), "the workers did \(done)")
    try verify(mostQueued <= 16, "\(mostQueued) jobs were queued, of 16 at most")
    try verify(jobs.isEmpty && jobs.isShutDown, "the queue is not at its end")
    do {
        try await jobs.put(0)
        throw SectionFailure("a queue that was shut down took a job")
    } catch is QueueShutDown {}
    ledger.count("worker pool", since: begin)
    ledger.note("worker pool", "\(done.count) workers did \(count) jobs, at most \(mostQueued) queued, and ended")
}

// MARK: - A group that fails

private struct OutOfPaper: Error, Equatable {}

/// A child fails; its siblings and the body are cancelled, and have cleaned up when the group is left. One error comes
/// out.
func failInGroup(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let started = Barrier(loop, parties: 4)
    var cleanedUp: Set<String> = []

    func printForEver(_ name: String) async throws {
        defer { cleanedUp.insert(name) }
        try await started.wait()
        try await loop.sleep(for: .seconds(3600))
    }

    do {
        try await loop.withTaskGroup { group in
            group.createTask(name: "letters") { try await printForEver("letters") }
            group.createTask(name: "bills") { try await printForEver("bills") }
            group.createTask(name: "posters") {
                try await started.wait()
                throw OutOfPaper()
            }
            try await printForEver("the body")
        }
        throw SectionFailure("the group ended without an error")
    } catch let failures as ExceptionGroup {
        try verify(failures.errors.count == 1 && failures.errors[0] is OutOfPaper, "it failed with \(failures.errors)")
    }
    // Had Ctrl-C come meanwhile, it would be delivered here.
    try await loop.sleep(for: .zero)
    try verify(cleanedUp == ["letters", "bills", "the body"], "only \(cleanedUp.sorted()) cleaned up")
    try verify(loop.currentTask?.cancelling == 0 && !Task.isCancelled, "a cancellation was left behind")
    ledger.count("task group", since: begin)
    ledger.note("task group", "one child failed; two others and the body were cancelled and cleaned up")
}

// MARK: - A limit of time

/// A timeout fires, and what it cancelled may still clean up; one that is moved does not fire.
func runOutOfTime(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let limit = Duration.milliseconds(5)
    var (wasFlagged, cleanedUp, fired) = (false, false, false)
    do {
        try await loop.withTimeout(limit) {
            do {
                try await loop.sleep(for: .seconds(3600))
            } catch let cancellation as CancellationError {
                wasFlagged = Task.isCancelled
                try await loop.sleep(for: .milliseconds(1))
                cleanedUp = true
                throw cancellation
            }
        }
    } catch is TimeoutError {
        fired = true
    }
    let took = begin.duration(to: loop.time())
    try verify(fired && cleanedUp && wasFlagged, "fired: \(fired), cleaned up: \(cleanedUp), flag: \(wasFlagged)")
    try await loop.sleep(for: .zero)
    try verify(took >= limit, "it fired after \(took)")
    try verify(!Task.isCancelled && loop.currentTask?.cancelling == 0, "a cancellation was left behind")

    let word = try await loop.withTimeout(.seconds(3600)) { timeout in
        timeout.reschedule(nil)
        try await loop.sleep(for: .milliseconds(1))
        return timeout.isExpired ? "expired" : "lifted"
    }
    try verify(word == "lifted", "a limit that was lifted has \(word)")
    ledger.count("timeout", since: begin)
    ledger.note("timeout", "one fired and its body cleaned up, one was \(word)")
}

// MARK: - Who waits for whom

/// A program of five tasks, stopped where all of them wait; its tree is printed and compared.
func showCallGraph(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let seated = Barrier(loop, parties: 4)
    let signal = Event(loop)

    func waitForSignal() async throws {
        try await seated.wait()
        try await signal.wait()
    }

    let orchestra = loop.createTask(name: "orchestra") {
        try await loop.withTaskGroup { group in
            group.createTask(name: "strings") {
                let parts = ["violin", "cello"].map { loop.createTask(name: $0) { try await waitForSignal() } }
                _ = try await loop.gather(parts)
            }
            group.createTask(name: "winds") { try await waitForSignal() }
        }
    }
    // Who has taken a seat has somebody who waits already: each task creates others and then suspends at once.
    do { try await seated.wait() } catch {
        orchestra.cancel()
        throw error
    }
    let lines = loop.taskTree().split(separator: "\n").map(String.init)
    let tree = TaskLine.below("orchestra", in: lines.map(TaskLine.init))
    print("\nwho waits for whom:\n" + tree.map(\.text).joined(separator: "\n"))
    let relations = Set(tree.map { "\($0.name) for \($0.waiter(in: tree) ?? "nobody")" })
    let expected: Set = [
        "orchestra for nobody", "strings for orchestra", "winds for orchestra", "violin for strings",
        "cello for strings",
    ]
    try verify(tree.count == expected.count && relations == expected, "the tree is another one: \(relations)")
    let violin = loop.allTasks.first { $0.name == "violin" }
    let upwards = loop.captureCallGraph(of: violin)?.awaitedBy.first
    try verify(upwards?.name == "strings", "the violin is awaited by \(upwards?.name ?? "nobody")")
    try verify(upwards?.awaitedBy.map(\.name) == ["orchestra"], "the strings are awaited by others")

    signal.set()
    try await orchestra.value
    try verify(!loop.allTasks.contains { $0.name == "violin" }, "the violin plays on")
    ledger.count("call graph", since: begin)
    ledger.note("call graph", "\(tree.count) tasks, found as they are")
}

/// A line of the tree of tasks: `│   ├── (T) name  origin`.
private struct TaskLine {
    let text: String
    let name: String
    let depth: Int

    init(_ text: String) {
        self.text = text
        let parts = text.split(separator: "(T) ", maxSplits: 1, omittingEmptySubsequences: false)
        depth = parts[0].count / 4
        name = parts.last.map { String($0.prefix { $0 != " " }) } ?? ""
    }

    /// A task's line and those below it.
    static func below(_ name: String, in lines: [TaskLine]) -> [TaskLine] {
        guard let first = lines.firstIndex(where: { $0.name == name }) else { return [] }
        return [lines[first]] + lines[(first + 1)...].prefix { $0.depth > lines[first].depth }
    }

    /// The task above this one.
    func waiter(in lines: [TaskLine]) -> String? {
        guard let own = lines.firstIndex(where: { $0.text == text }) else { return nil }
        return lines[..<own].last { $0.depth < depth }?.name
    }
}
