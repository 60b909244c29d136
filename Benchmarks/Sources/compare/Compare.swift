// Runs the same workloads on this library and on others, side by side, and shows what they cost:
//   compare [micro|echo|unix|http|churn|idle|growth|all ...] [OPTION...]
//   compare report [KIND ...] [OPTION...]

import AsyncIO
import Glibc

@main
struct Compare {
    static func main() {
        allowDescriptors()
        do {
            let options = try Options(CommandLine.arguments.dropFirst())
            try AsyncIO.run { loop in
                // Its children are ended before it ends.
                let ended: Void? = try await loop.withGracefulShutdown(deadline: .seconds(10)) {
                    try await compare(loop, options)
                }
                if ended == nil { throw Failure("interrupted") }
            }
        } catch let wrong as Options.Wrong {
            note("\(wrong.text)\n\(Options.usage)")
            exit(2)
        } catch {
            note("compare: \(error)")
            exit(1)
        }
    }

    private static func compare(_ loop: EventLoop, _ options: Options) async throws {
        // What cannot be read or published in the end is found out before anything is measured.
        var results = try await stored(loop, options)
        let page = Folder.benchmarks + "/README.md"
        if options.readme { _ = try replaceBlock(in: try await loop.text(of: page) ?? "", with: "") }
        if !options.reportOnly { try await measure(loop, options, &results) }
        if options.readme {
            let tables = try results.publishable()
            try await loop.replace(page, with: replaceBlock(in: try await loop.text(of: page) ?? "", with: tables))
        }
        print(results.markdown(options.kinds))
    }

    /// The results that are there already.
    private static func stored(_ loop: EventLoop, _ options: Options) async throws -> Results {
        guard let file = options.file else { return Results() }
        if let text = try await loop.text(of: file) { return try Results(text, from: file) }
        if options.reportOnly { throw Failure("there is no \(file)") }
        return Results()
    }

    private static func measure(_ loop: EventLoop, _ options: Options, _ results: inout Results) async throws {
        var programs = Programs(loop)
        programs.canPin = try await canPin(programs)
        let peers = try await findPeers(programs, options)
        // There is nothing in it before the first run.
        mkdir(Folder.results, 0o777)
        var facts = try await machineFacts(programs, peers)
        facts["quick"] = .bool(options.quick)
        let comparison = Comparison(options, programs, peers)
        for kind in options.kinds {
            facts["date"] = date()
            facts["load_before"] = try await loadAverage(loop)
            try await comparison.run(kind)
            facts["load_after"] = try await loadAverage(loop)
            results.set(kind, facts: facts, comparison.lines)
            // What there is so far outlasts an interrupt.
            if let file = options.file { try await loop.replace(file, with: results.text) }
        }
    }

    /// Whether programs can be bound to the first processor and to the second one.
    private static func canPin(_ programs: Programs) async throws -> Bool {
        do {
            for processor in ["0", "1"] {
                let output = try await programs.run(["taskset", "-c", processor, "true"], limit: .seconds(5))
                if output.status != 0 { return false }
            }
            return true
        } catch is IOError {
            return false
        } catch is Failure {
            return false
        }
    }
}
