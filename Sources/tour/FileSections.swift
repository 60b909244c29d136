// The sections about files: a tree is copied and compared, a folder is watched while it changes, the system says what it is.

import AsyncIO

/// How much of a folder is copied: it may be a large one.
private let mostCopied = 32 << 20

/// Copies the tree under `folder` to a temporary folder, hashes both, and compares them. Returns the paths of the files that
/// look like text.
func copyAndCompare(_ loop: EventLoop, _ folder: String, _ ledger: Ledger) async throws -> [String] {
    let begin = loop.time()
    var text: [String] = []
    var (files, bytes) = (0, 0)
    try await loop.files.withTemporaryDirectory(prefix: "tour") { target in
        var copies: [(original: String, copy: String)] = []
        var isFull = false
        let prefix = folder.utf8.count + (folder.utf8.last == UInt8(ascii: "/") ? 0 : 1)
        // Folders that may not be read are left out.
        for try await entry in loop.files.walk(folder, onError: { _ in }) {
            let copy = target + "/" + String(Substring(entry.path.utf8.dropFirst(prefix)))
            if entry.isDirectory {
                if !isFull { try await loop.files.makeDirectory(copy, withIntermediates: true) }
            } else if entry.type == .regular, !isFull {
                // Some have gone since. Only an error of the system's says so: a cancellation ends the tour.
                do {
                    let size = try await loop.files.stat(entry.path).size
                    isFull = bytes + size > mostCopied
                    if isFull { continue }
                    bytes += size
                    copies.append((entry.path, copy))
                } catch is IOError {}
            }
        }
        try await loop.withTaskGroup { group in
            let places = Semaphore(loop, value: 4)
            for (original, copy) in copies {
                group.createTask {
                    try await places.withPermit {
                        do {
                            try await loop.files.copy(original, to: copy)
                        } catch let error as IOError where error.code == .permissionDenied {
                            return
                        }
                        let digests = (try await digest(loop, original), try await digest(loop, copy))
                        try verify(digests.0.hash == digests.1.hash, "\(copy) is not what \(original) is")
                        files += 1
                        if digests.0.isText { text.append(original) }
                    }
                }
            }
        }
    }
    ledger.count("copy and compare", since: begin)
    ledger.note("copy and compare", "\(files) files, \(bytes) bytes, four at a time, hashed twice, and removed again")
    return text.sorted()
}

private func digest(_ loop: EventLoop, _ path: String) async throws -> (hash: UInt64, isText: Bool) {
    try await loop.files.withFile(path) { file in
        var digest = FileDigest()
        var isText = true
        for try await chunk in file {
            digest.add(chunk)
            if isText { isText = !chunk.contains(0) }
        }
        return (digest.hash, isText && digest.size > 0)
    }
}

/// Watches a folder while a file in it is written, renamed and removed.
func watchFolder(_ loop: EventLoop, _ ledger: Ledger) async throws {
    let begin = loop.time()
    let files = loop.files
    var seen: [String] = []
    try await files.withTemporaryDirectory(prefix: "tour") { folder in
        let changes = files.watch(folder)
        let working = loop.createTask(name: "changes files") {
            try await files.writeFile(folder + "/draft", "first\n")
            try await files.rename(folder + "/draft", to: folder + "/final")
            try await files.remove(folder + "/final")
            try await files.writeFile(folder + "/end", "")
        }
        for try await change in changes {
            if let name = change.name, !seen.contains(name) { seen.append(name) }
            if change.name == "end" { break }
        }
        try await working.value
    }
    try verify(seen == ["draft", "final", "end"], "the folder's changes were \(seen)")
    ledger.count("watch a folder", since: begin)
    ledger.note("watch a folder", "saw \(seen.joined(separator: ", "))")
}

/// What the system says about itself.
func describeSystem(_ loop: EventLoop, _ ledger: Ledger) throws {
    let system = loop.system
    let (host, name, memory) = (try system.hostName, try system.operatingSystem, try system.memory)
    let cpus = try system.cpus
    ledger.count("facts of the system")
    ledger.note(
        "facts of the system",
        "\(host): \(name.name) \(name.release), \(cpus.count) x \(cpus.first?.model ?? "CPU"), "
            + "\(memory.total >> 20) MiB of memory, \(memory.residentSet >> 20) MiB of it for the tour, up "
            + "\(try system.uptime.components.seconds / 60) minutes")
}
