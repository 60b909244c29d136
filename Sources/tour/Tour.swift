// A tour of AsyncIO: small sections that do real work, side by side on one loop, and a table of what they did.
//
//   tour [FOLDER]        hashes the files of FOLDER, by default of this package's Sources; Ctrl-C or SIGTERM stops it

import AsyncIO
import Glibc

@main
struct Tour {
    static func main() {
        let folder = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : defaultFolder
        do {
            let ended: Void? = try AsyncIO.run { loop in
                // A SIGTERM cancels the tour, which may take ten seconds to clean up.
                try await loop.withGracefulShutdown(on: [.terminate], deadline: .seconds(10)) {
                    try await tour(loop, folder)
                }
            }
            if ended == nil { print("stopped by SIGTERM; everything has been cleaned up") }
        } catch is KeyboardInterrupt {
            print("stopped by Ctrl-C; everything has been cleaned up")
        } catch {
            print("the tour failed: \(error)")
            exit(1)
        }
    }

    /// The folder `Sources` of the package that this file is part of.
    private static var defaultFolder: String {
        #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
    }
}

/// All sections at once, on one loop.
func tour(_ loop: EventLoop, _ folder: String) async throws {
    print("AsyncIO on libuv \(EventLoop.libuvVersion), folder \(folder)")
    let ledger = Ledger(loop)
    // Whatever happens, also Ctrl-C, what was done so far is shown.
    defer { ledger.printTable() }

    let ticking = loop.createTask(name: "ticker") { try await tick(loop, ledger) }
    let posting = loop.createTask(name: "second thread") { try await listenToSecondThread(loop, ledger) }

    try await resolveFutures(loop, ledger)
    try await generateSquares(loop, ledger)
    try await hopToMainActor(loop, ledger)
    try await reportSlowCallback(loop, ledger)
    try await squareInWorkers(loop, ledger)
    try await failInGroup(loop, ledger)
    try await runOutOfTime(loop, ledger)
    try await showCallGraph(loop, ledger)
    try await lookUpLocalhost(loop, ledger)
    try await exchangeDatagrams(loop, ledger)
    try await chat(loop, ledger)
    try await echoToHundredClients(loop, ledger)
    try await sendFile(loop, ledger)
    try await hashAndCount(loop, folder, ledger)
    let text = try await copyAndCompare(loop, folder, ledger)
    try await countWithPipeline(loop, text, ledger)
    try await watchFolder(loop, ledger)
    try await endService(loop, ledger)
    try describeSystem(loop, ledger)

    try await posting.value
    ticking.cancel()
    do { try await ticking.value } catch is CancellationError {}
}
