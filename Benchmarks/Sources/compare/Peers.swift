// The programs that are compared, and how they are built.

import AsyncIO
import Glibc

struct Peer {
    let name: String
    let command: [String]
    /// How its servers can be written; the first one is the obvious way.
    let modes: [String]
    /// Of what it is built on, as far as that is not the same for all.
    var versions: [String: String] = [:]
    /// A slow one gets fewer operations: the figures are per operation.
    var divisor = 1

    static let names = ["asyncio-swift", "libuv", "dispatch", "nio", "asyncio", "uvloop"]
    static let modes = ["protocol", "buffered", "stream", "stream-loop"]
}

/// A peer's server, written in one of its ways.
struct ServerPeer {
    let peer: Peer
    let mode: String
    var name: String { "\(peer.name) \(mode)" }
}

extension Comparison {
    /// The servers of some peers, in the ways that were asked for.
    func servers(of peers: [Peer]) -> [ServerPeer] {
        peers.flatMap { peer in
            peer.modes.filter { options.modes.isEmpty ? $0 != "buffered" : options.modes.contains($0) }
                .map { ServerPeer(peer: peer, mode: $0) }
        }
    }
}

/// Builds what is there to be built. A peer that is not to be had is left out, and said so.
func findPeers(_ programs: Programs, _ options: Options) async throws -> [Peer] {
    func wanted(_ name: String) -> Bool { options.only.isEmpty || options.only.contains(name) }
    note("building")
    let build = ["swift", "build", "-c", "release"]
    let built = try await programs.run(build, limit: .seconds(900), workingDirectory: Folder.benchmarks)
    guard built.status == 0 else { throw Failure("the build has failed:\n\(built.text)\(built.errors)") }

    var peers: [Peer] = []
    if wanted("asyncio-swift") {
        let command = [Folder.programs + "/peer"]
        peers.append(Peer(name: "asyncio-swift", command: command, modes: ["protocol", "buffered", "stream"]))
    }
    // Everything is compared with it, so it is always there.
    peers.append(Peer(name: "libuv", command: [Folder.programs + "/peer-libuv"], modes: ["protocol"]))
    if wanted("dispatch") {
        let command = [Folder.programs + "/peer-dispatch"]
        peers.append(Peer(name: "dispatch", command: command, modes: ["protocol", "stream"]))
    }
    if wanted("nio"), let program = try await buildNIO(programs) {
        peers.append(
            Peer(
                name: "nio", command: [program], modes: ["protocol", "stream", "stream-loop"],
                versions: try await versionOfNIO(programs.loop)))
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

/// The build has written down which one it got.
private func versionOfNIO(_ loop: EventLoop) async throws -> [String: String] {
    let pins = try await loop.text(of: Folder.nio + "/Package.resolved").flatMap { JSON($0) }?["pins"]?.array
    let version = pins?.first { $0["identity"]?.string == "swift-nio" }?["state"]?["version"]?.string
    return version.map { ["nio": $0] } ?? [:]
}

/// The one of `PYTHON`, else that of the environment which README.md tells how to make, else the system's.
private let python: String = {
    if let chosen = getenv("PYTHON") { return String(cString: chosen) }
    let ours = Folder.benchmarks + "/.build/python-venv/bin/python3"
    return access(ours, X_OK) == 0 ? ours : "python3"
}()

private func pythonPeer(_ name: String, _ programs: Programs) async throws -> Peer? {
    let versions =
        "import platform, \(name); print(platform.python_version(), getattr(\(name), '__version__', ''))"
    let reason: String
    do {
        // Python looks for modules in the current folder first, and who knows what is there.
        let test = try await programs.run(
            [python, "-c", versions], limit: .seconds(20), workingDirectory: Folder.benchmarks + "/python")
        if test.status == 0 {
            let command = [python, Folder.benchmarks + "/python/peer.py", name]
            let words = test.text.split { $0 == " " || $0 == "\n" }.map(String.init)
            return Peer(
                name: name, command: command, modes: ["protocol", "buffered", "stream"],
                versions: Dictionary(uniqueKeysWithValues: zip(["cpython", name], words)), divisor: 10)
        }
        reason = test.errors.split(separator: "\n").last.map(String.init) ?? "status \(test.status)"
    } catch let error as IOError {
        reason = error.description
    } catch let failure as Failure {
        reason = failure.description
    }
    note("without \(name): \(reason)")
    return nil
}
