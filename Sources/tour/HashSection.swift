// The section about blocking work: files are read and hashed in the thread pool, their words counted by tasks.

import AsyncIO

/// Hashes every file under `folder`, eight at a time, while the loop goes on with everything else.
func hashAndCount(_ loop: EventLoop, _ folder: String, _ ledger: Ledger) async throws {
    let listed = loop.time()
    let files = try await loop.toThread { try listFiles(folder) }
    ledger.count("list the folder", since: listed)
    ledger.note("list the folder", "\(files.count) files")

    let totals = Totals(files)
    let workers = (1...8).map { number in
        loop.createTask(name: "hasher \(number)") { try await hashFiles(loop, totals, ledger) }
    }
    do {
        for worker in workers { try await worker.value }
    } catch {
        for worker in workers { worker.cancel() }
        throw error
    }
    ledger.note("hash a file", "in the pool; \(totals.bytes) bytes, all together \(hexadecimal(totals.combined))")
    ledger.note("count words", "\(totals.words) words between spaces in text files")
    if !totals.unreadable.isEmpty {
        ledger.note("unreadable files", "\(totals.unreadable.count), first: \(totals.unreadable[0])")
    }
}

/// What the hashing tasks share. They are on one thread: no lock, and no `Sendable`.
private final class Totals {
    var next = 0
    let files: [String]
    var bytes = 0
    var words = 0
    var combined: UInt64 = 0
    var unreadable: [String] = []

    init(_ files: [String]) { self.files = files }
}

private func hashFiles(_ loop: EventLoop, _ totals: Totals, _ ledger: Ledger) async throws {
    while totals.next < totals.files.count {
        let path = totals.files[totals.next]
        totals.next += 1
        let begin = loop.time()
        let digest: FileDigest
        do {
            digest = try await loop.toThread { try hashFile(path) }
        } catch let error as FileError {
            totals.unreadable.append("\(error)")
            continue
        }
        ledger.count("hash a file", since: begin)
        totals.bytes += digest.size
        totals.combined ^= digest.hash
        if let text = digest.text { totals.words += try await countWords(loop, text, ledger) }
    }
}

/// Counts words in pieces, and lets others run between them.
private func countWords(_ loop: EventLoop, _ text: [UInt8], _ ledger: Ledger) async throws -> Int {
    let begin = loop.time()
    var words = 0
    var isInWord = false
    for (index, byte) in text.enumerated() {
        let isLetter = byte > 32
        if isLetter && !isInWord { words += 1 }
        isInWord = isLetter
        if index & 0x7FFF == 0x7FFF { try await loop.sleep(for: .zero) }
    }
    ledger.count("count words", since: begin)
    return words
}

private func hexadecimal(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
