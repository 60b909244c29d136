// The programs that are compared, and how they are built.

import AsyncIO
import Glibc

struct Peer {
    let name: String
    let command: [String]
    /// How its servers can be written; the first one is the obvious way.
    let modes: [String]
    /// A slow one gets fewer operations: the figures are per operation.
    var divisor = 1
}

/// A peer's server, written in one of its ways.
struct ServerPeer {
    let peer: Peer
    let mode: String
    var name: String { "\(peer.name) \(mode)" }
}

/// Builds what is there to be built. A peer that is not to be had is left out, and said so.
func findPeers(_ programs: Programs, _ options: Options) async throws -> [Peer] {
    func wanted(_ name: String) -> Bool { options.only.isEmpty || options.only.contains(name) }
    let known = ["asyncio-swift", "libuv", "dispatch", "nio", "asyncio", "uvloop"]
    if let stranger = options.only.first(where: { !known.contains($0) }) {
        throw Failure("no peer is called \(stranger)")
    }

    note("building")
    let build = ["swift", "build", "-c", "release"]
    let built = try await programs.run(build, limit: .seconds(900), workingDirectory: Folder.benchmarks)
    guard built.status == 0 else { throw Failure("the build has failed:\n\(built.text)\(built.errors)") }

    var peers: [Peer] = []
    if wanted("asyncio-swift") {
        peers.append(Peer(name: "asyncio-swift", command: [Folder.programs + "/peer"], modes: ["protocol", "stream"]))
    }
    // Everything is compared with it, so it is always there.
    peers.append(Peer(name: "libuv", command: [Folder.programs + "/peer-libuv"], modes: ["protocol"]))
    if wanted("dispatch") {
        let command = [Folder.programs + "/peer-dispatch"]
        peers.append(Peer(name: "dispatch", command: command, modes: ["protocol", "stream"]))
    }
    if wanted("nio"), let program = try await buildNIO(programs) {
        peers.append(Peer(name: "nio", command: [program], modes: ["protocol", "stream", "stream-loop"]))
    }
    for name in ["asyncio", "uvloop"] where wanted(name) {
        if let peer = try await pythonPeer(name, programs) { peers.append(peer) }
    }
    return peers
}

/// Its sources come from the network once.
private func buildNIO(_ programs: Programs) async throws -> String? {
    note("building SwiftNIO")
    let build = ["swift", "build", "-c", "release", "--product", "peer-nio"]
    do {
        let built = try await programs.run(build, limit: .seconds(900), workingDirectory: Folder.nio)
        let place = try await programs.run(
            ["swift", "build", "-c", "release", "--show-bin-path"], limit: .seconds(60), workingDirectory: Folder.nio)
        if built.status == 0, let path = place.text.split(separator: "\n").last { return path + "/peer-nio" }
        note("without SwiftNIO: \(built.errors.split(separator: "\n").last ?? "")")
    } catch let failure as Failure {
        note("without SwiftNIO: \(failure)")
    }
    return nil
}

private func pythonPeer(_ name: String, _ programs: Programs) async throws -> Peer? {
    let python = getenv("PYTHON").map { String(cString: $0) } ?? "python3"
    do {
        // Python looks for modules in the current folder first, and who knows what is there.
        let test = try await programs.run(
            [python, "-c", "import \(name)"], limit: .seconds(20), workingDirectory: Folder.benchmarks + "/python")
        if test.status == 0 {
            let command = [python, Folder.benchmarks + "/python/peer.py", name]
            return Peer(name: name, command: command, modes: ["protocol", "stream"], divisor: 10)
        }
    } catch let error as IOError {
        note("\(error)")
    }
    note("without \(name): \(python) has none")
    return nil
}
