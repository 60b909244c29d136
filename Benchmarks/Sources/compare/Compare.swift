// Runs the same workloads on this library and on others, side by side, and shows what they cost:
//   compare [micro|echo|unix|http|churn|idle|growth|all ...] [OPTION...]

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
        let standard = Folder.results + "/latest.json"
        let file = options.file ?? (options.quick ? nil : standard)
        var results = Results(try await loop.text(of: file ?? ""))
        if options.reportOnly {
            results = Results(try await loop.text(of: options.file ?? standard))
        } else {
            try await measure(loop, options, &results, into: file)
        }
        let tables = results.markdown(options.reportOnly ? Kind.allCases : options.kinds)
        print(tables)
        if options.readme {
            let page = Folder.benchmarks + "/README.md"
            try await loop.replace(page, with: replaceBlock(in: try await loop.text(of: page) ?? "", with: tables))
        }
    }

    private static func measure(
        _ loop: EventLoop, _ options: Options, _ results: inout Results, into file: String?
    ) async throws {
        var programs = Programs(loop)
        programs.canPin = try await canPin(programs)
        let peers = try await findPeers(programs, options)
        // There is nothing in it before the first run.
        mkdir(Folder.results, 0o777)
        var facts = try await machineFacts(programs)
        let comparison = Comparison(options, programs, peers)
        for kind in options.kinds {
            facts["date"] = date()
            facts["load_before"] = try await loadAverage(loop)
            try await comparison.run(kind)
            facts["load_after"] = try await loadAverage(loop)
            results.set(kind, facts: facts, comparison.lines)
            // What there is so far outlasts an interrupt.
            if let file { try await loop.replace(file, with: results.text) }
        }
    }

    private static func canPin(_ programs: Programs) async throws -> Bool {
        do {
            return try await programs.run(["taskset", "-c", "1", "true"], limit: .seconds(5)).status == 0
        } catch is IOError {
            return false
        }
    }
}
