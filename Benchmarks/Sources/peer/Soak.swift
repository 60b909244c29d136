// Many tasks and callbacks in a row, and what they leave in memory.

import AsyncIO
import Glibc

/// Runs `count` tasks and ten times as many callbacks after a tenth of that as warm-up, and reports the resident memory
/// before and after.
func soak(_ loop: EventLoop, _ count: Int) async throws {
    try await soakRounds(loop, max(count / 10, 1000))
    let before = residentKiB()
    try await soakRounds(loop, count)
    let after = residentKiB()
    print(
        #"{"peer":"asyncio-swift","bench":"soak","n":\#(count),"resident_kib_before":\#(before),"#
            + #""resident_kib_after":\#(after)}"#)
}

private func soakRounds(_ loop: EventLoop, _ count: Int) async throws {
    for done in stride(from: 0, to: count, by: 1000) {
        let some = min(1000, count - done)
        let tally = Tally()
        let tasks = (0..<some).map { number in
            loop.createTask {
                for _ in 0..<9 { loop.callSoon { tally.callbacks += 1 } }
                let timer = loop.callLater(after: .seconds(number.isMultiple(of: 2) ? 60 : 0)) { tally.callbacks += 1 }
                try await loop.sleep(for: .zero)
                timer.cancel()
                return number
            }
        }
        var sum = 0
        for task in tasks { sum += try await task.value }
        precondition(sum == some * (some - 1) / 2 && tally.callbacks >= 9 * some, "a task or callback was lost")
    }
}

private final class Tally {
    var callbacks = 0
}

private func residentKiB() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var size = 0
    var resident = 0
    _ = withUnsafeMutablePointer(to: &size) { size in
        withUnsafeMutablePointer(to: &resident) { resident in
            withVaList([size, resident]) { vfscanf(file, "%ld %ld", $0) }
        }
    }
    return resident * Int(getpagesize()) / 1024
}
