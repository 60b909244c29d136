// The sections about the loop itself: timers, futures, generators, other threads, slow callbacks.

import AsyncIO
import Glibc

/// A timer that sets itself again, while the other sections work.
func tick(_ loop: EventLoop, _ ledger: Ledger) async throws {
    var worst = Duration.zero
    defer {
        ledger.note("ticker", "every millisecond, at worst \(worst.components.attoseconds / 1_000_000_000_000) µs late")
    }
    while true {
        let due = loop.time() + .milliseconds(1)
        try await loop.sleep(until: due)
        worst = max(worst, due.duration(to: loop.time()))
        ledger.count("ticker")
    }
}

/// A second thread posts callbacks; the last one resolves a future.
func listenToSecondThread(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let count = 1000
    let done = loop.createFuture(of: Int.self)
    let begin = loop.time()
    let counter = PostCounter(left: count) { if !done.isDone { try done.setResult(count) } }
    loop.runInExecutor { [executor = loop.executor] in
        for _ in 0..<count { try executor.callSoonThreadsafe { _ in try counter.countDown() } }
    }.addDoneCallback { posting in _ = try posting.result() }
    let posted = try await done.value
    ledger.count("second thread", since: begin)
    ledger.note("second thread", "\(posted) callbacks posted in")
}

/// Counts callbacks on the loop's thread. It crosses to the posting thread as a reference only.
// SAFETY: the posting thread passes the reference on and nothing else; only callbacks on the loop touch the rest.
private final class PostCounter: @unchecked Sendable {
    private var left: Int
    private let done: () throws -> Void

    init(left: Int, done: @escaping () throws -> Void) {
        self.left = left
        self.done = done
    }

    func countDown() throws {
        left -= 1
        if left == 0 { try done() }
    }
}

/// A future is resolved by a callback, and another one by a timer.
func resolveFutures(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let soon = loop.createFuture(of: String.self)
    let later = loop.createFuture(of: String.self)
    // Ctrl-C cancels what this waits for, and a cancelled future takes no result.
    loop.callSoon { if !soon.isDone { try soon.setResult("soon") } }
    loop.callLater(after: .milliseconds(3)) { if !later.isDone { try later.setResult("later") } }
    let words = try await [soon.value, later.value]
    ledger.count("futures", since: begin)
    ledger.note("futures", "resolved " + words.joined(separator: " and "))
}

/// An async generator makes values when they are asked for, and is closed early.
func generateSquares(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let squares = AsyncGenerator<Int>(loop) { yield in
        for n in 1... { try await yield(n * n) }
    }
    var sum = 0
    for try await square in squares {
        guard square <= 100 else { break }
        sum += square
    }
    try await squares.aclose()
    ledger.count("generator", since: begin)
    ledger.note("generator", "squares up to 100 add up to \(sum)")
}

/// The main queue is served as well: main-actor code runs while the loop owns the main thread.
func hopToMainActor(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let greeting = await greetFromMainActor()
    ledger.count("main actor", since: begin)
    ledger.note("main actor", greeting)
}

@MainActor private func greetFromMainActor() -> String { "says hello" }

/// Debug mode tells which callback held up the loop.
func reportSlowCallback(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let reported = loop.createFuture(of: SlowCallback.self)
    let (debug, duration) = (loop.debug, loop.slowCallbackDuration)
    defer {
        loop.slowCallbackHandler = nil
        (loop.debug, loop.slowCallbackDuration) = (debug, duration)
    }
    loop.slowCallbackDuration = .milliseconds(20)
    loop.slowCallbackHandler = { slow in if !reported.isDone { try? reported.setResult(slow) } }
    loop.debug = true
    let begin = loop.time()
    loop.callSoon { _ = poll(nil, 0, 30) }
    let slow = try await reported.value
    ledger.count("slow callback", since: begin)
    ledger.note("slow callback", "\(slow)")
}
