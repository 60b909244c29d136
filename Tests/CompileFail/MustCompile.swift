// What must stay easy: code on the loop that needs neither `Sendable` nor locks, and the safe ways in and out.

import AsyncIO

// MARK: - State that is not Sendable

final class Counter {
    var count = 0
    func increment() { count += 1 }
}

struct Report {
    var counter: Counter
    var lines: [String]
}

// MARK: - Helpers that take objects of the loop

func schedule(on loop: EventLoop, _ counter: Counter) -> TimerHandle {
    loop.callSoon { counter.increment() }
    return loop.callLater(after: .milliseconds(1)) { counter.count += 1 }
}

func waitAndCount(_ answer: Future<Counter>, on loop: EventLoop) async throws -> Counter {
    try await loop.sleep(for: .zero)
    let counter = try await answer.value
    counter.increment()
    return counter
}

nonisolated(nonsending) func finish(_ task: LoopTask<Report>) async throws -> Report {
    let report = try await task.value
    report.counter.increment()
    return report
}

func sum(_ numbers: AsyncGenerator<Int>) async throws -> Int {
    var total = 0
    for try await number in numbers { total += number }
    return total
}

func repeatedly(_ times: Int, _ body: nonisolated(nonsending) () async throws -> Void) async rethrows {
    for _ in 0..<times { try await body() }
}

// MARK: - Callbacks, futures, tasks and generators

func callbacks(_ loop: EventLoop) {
    let counter = Counter()
    var order: [Int] = []
    let handle = loop.callSoon {
        counter.increment()
        order.append(1)
    }
    loop.callAt(loop.time().advanced(by: .milliseconds(1))) {
        order.append(2)
        handle.cancel()
    }
    let timer = schedule(on: loop, counter)
    loop.callSoon { [weak counter] in
        counter?.increment()
        timer.cancel()
    }
    loop.exceptionHandler = { loop, context in
        counter.increment()
        loop.defaultExceptionHandler(context)
    }
    counter.increment()
}

func tasks(_ loop: EventLoop) async throws -> Counter {
    let counter = Counter()
    let answer = loop.createFuture(of: Counter.self)
    answer.addDoneCallback { future in try future.result().increment() }

    let reporter = loop.createTask(name: "reporter") {
        counter.increment()
        let counted = try await waitAndCount(answer, on: loop)
        return Report(counter: counted, lines: ["done"])
    }
    loop.createTask(eagerStart: true) {
        try await loop.sleep(for: .milliseconds(1))
        try answer.setResult(counter)
    }
    counter.increment()

    let report = try await finish(reporter)
    precondition(report.counter === counter)

    let sleeper = loop.createTask { try await loop.sleep(for: .seconds(60)) }
    loop.callSoon { sleeper.cancel() }
    do { try await sleeper.value } catch is CancellationError { counter.increment() }

    var rounds = 0
    try await repeatedly(3) {
        try await loop.sleep(for: .zero)
        rounds += 1
        counter.count += rounds
    }
    for task in loop.allTasks where task.isDone { task.cancel() }
    return counter
}

func generators(_ loop: EventLoop) async throws -> Int {
    let counter = Counter()
    let numbers = AsyncGenerator<Int>(loop) { yield in
        for number in 1...3 {
            counter.increment()
            try await yield(number)
        }
    }
    let counters = AsyncGenerator<Counter>(loop) { yield in
        try await yield(counter)
        try await yield(Counter())
    }
    for try await each in counters { each.increment() }
    let total = try await sum(numbers)
    try await numbers.aclose()
    return total + counter.count
}

func blocking(_ loop: EventLoop) async throws -> Int {
    let moved = Counter()
    let made = try await loop.toThread {
        moved.increment()
        let made = Counter()
        made.count = moved.count
        return made
    }
    made.increment()
    let answer = loop.runInExecutor { Counter() }
    return try await answer.value.count + made.count
}

// MARK: - From outside

func post(_ executor: LoopExecutor) throws -> ThreadsafeHandle {
    let counter = Counter()
    counter.increment()
    return try executor.callSoonThreadsafe { loop in
        counter.increment()
        loop.callSoon { counter.increment() }
    }
}

func enter(_ executor: LoopExecutor) async throws -> Counter {
    let count = try await executor.run { loop in try await tasks(loop).count }
    let fresh = try await executor.run { loop in
        let counter = Counter()
        try await loop.sleep(for: .milliseconds(1))
        counter.count += count
        return counter
    }
    fresh.increment()
    return fresh
}

func fromEverywhere(_ executor: LoopExecutor) async throws {
    let handle = try post(executor)
    Task.detached { handle.cancel() }
    let entered = Task { try await enter(executor).count }
    async let another = executor.run { loop in loop.allTasks.count }
    try await withThrowingTaskGroup(of: Int.self) { group in
        group.addTask { try await executor.run { loop in try await generators(loop) } }
        for try await _ in group {}
    }
    _ = try await (entered.value, another)
}

/// An actor whose methods run on the loop's thread.
actor Account {
    nonisolated let executor: LoopExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    private var balance = 0

    init(on executor: LoopExecutor) { self.executor = executor }

    func deposit(_ amount: Int) async throws -> Int {
        balance += amount
        let loop = try EventLoop.running
        loop.callSoon { loop.callSoon {} }
        try await loop.sleep(for: .zero)
        return balance
    }
}

/// What a program keeps where it is shared: the executor, not the loop.
struct Service: Sendable {
    let executor: LoopExecutor
    let account: Account
}

// MARK: - A task factory of one's own

final class CountingFactory: TaskFactory {
    private(set) var created = 0

    func makeTask<Value>(
        loop: EventLoop, name: String?, operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) -> LoopTask<Value> {
        created += 1
        return LoopTask(loop: loop, name: name ?? "counted-\(created)", operation: operation)
    }
}

// MARK: - Entry points

@MainActor
final class Screen {
    private(set) var text = ""

    func show(_ line: String) { text += line + "\n" }

    func runLoop() throws -> String {
        let loop = try EventLoop()
        let counter = Counter()
        loop.callSoon { counter.increment() }
        let title = try loop.runUntilComplete {
            try await loop.sleep(for: .milliseconds(1))
            self.show("slept, \(counter.count)")
            return "title"
        }
        show(title)
        try loop.close()
        return text
    }
}

@MainActor
func showFromLoop(_ screen: Screen) throws {
    try AsyncIO.run { loop in
        try await loop.sleep(for: .zero)
        await screen.show("from the loop")
    }
}

/// Counts what comes, without any lock.
final class Sink: StreamProtocol {
    let counter: Counter
    private var transport: Transport?

    init(_ counter: Counter) { self.counter = counter }

    func connectionMade(_ transport: Transport) { self.transport = transport }

    func dataReceived(_ data: RawSpan) {
        counter.count += data.byteCount
        transport?.write(data)
    }
}

nonisolated(nonsending) func greet(_ reader: StreamReader, _ writer: StreamWriter) async throws -> String {
    writer.write("hello\n")
    try await writer.drain()
    return String(decoding: try await reader.readLine(), as: UTF8.self)
}

@discardableResult
func connections(_ loop: EventLoop) async throws -> Int {
    let counter = Counter()
    let echo = try await loop.createServer(host: "127.0.0.1", port: 0) { Sink(counter) }
    let lines = try await loop.startServer(host: "127.0.0.1", port: 0) { reader, writer in
        for try await line in reader.lines {
            counter.increment()
            writer.write(line)
        }
    }
    for server in [echo, lines] {
        guard case .ip(_, let port) = server.addresses[0] else { continue }
        let (reader, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
        let greeting = loop.createTask { try await greet(reader, writer) }
        let answer = try await greeting.value
        precondition(answer == "hello\n")
        writer.close()
        try await server.withClosing { try await writer.waitClosed() }
    }
    return counter.count
}

func services(_ loop: EventLoop) async throws {
    let counter = Counter()
    try loop.addSignalHandler(.user1) { counter.increment() }
    loop.removeSignalHandler(.user1)
    let answer = try await loop.withGracefulShutdown(deadline: .seconds(1)) {
        let child = try await loop.createSubprocess("cat", stdin: .pipe, stdout: .pipe)
        counter.increment()
        return try await child.communicate(Array("hello\n".utf8)).stdout
    }
    precondition(answer == Array("hello\n".utf8))
    try await loop.files.withTemporaryDirectory { folder in
        try await loop.files.writeFile(folder + "/lines", "one\ntwo\n")
        try await loop.files.withFile(folder + "/lines") { file in
            for try await _ in file.lines { counter.increment() }
        }
        for try await entry in loop.files.walk(folder) { print(entry.name) }
    }
    let group = try EventLoopGroup(count: 2)
    let sum = try await group.onEach { loop in
        let mine = Counter()
        try await services(loop, mine)
        return mine.count
    }.reduce(0, +)
    precondition(sum == 2)
    try await group.shutdown()
}

func services(_ loop: EventLoop, _ counter: Counter) async throws {
    try await loop.sleep(for: .zero)
    counter.increment()
}

@main
struct Program {
    static func main() throws {
        let counter = try AsyncIO.run { loop in
            let factory = CountingFactory()
            loop.taskFactory = factory
            callbacks(loop)
            let counted = try await tasks(loop)
            let total = try await generators(loop) + blocking(loop)
            precondition(counted.count > 0 && total > 0 && factory.created > 0)
            try await connections(loop)
            try await services(loop)

            let service = Service(executor: loop.executor, account: Account(on: loop.executor))
            try await fromEverywhere(service.executor)
            let fresh = Counter()
            fresh.count = try await service.account.deposit(total)
            return fresh
        }
        counter.increment()

        try Runner.with { runner in
            let first = try runner.run { _ in Counter() }
            first.count += try runner.run { loop in try await blocking(loop) }
        }

        let screen = Screen()
        print(try screen.runLoop())
        try showFromLoop(screen)
    }
}
