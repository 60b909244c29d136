// The command line.

/// What is measured together.
enum Kind: String, CaseIterable {
    case micro, echo, unix, http, churn, idle, growth
}

struct Options: Sendable {
    var kinds = Kind.allCases
    var rounds: Int?
    /// For each load, without its warm-up.
    var seconds: Double?
    /// How many requests are in flight on each connection of echo, unix and http.
    var depth = 1
    /// Names of peers; all of them if it is empty.
    var only: [String] = []
    /// Ways to write a server; if it is empty, those that the tables of README.md have.
    var modes: [String] = []
    var quick = false
    /// Where the results go, and what is reported; nil is nowhere.
    var file: String? = Folder.results + "/latest.json"
    /// Whether the tables of the file are printed and nothing is run.
    var reportOnly = false
    /// Whether the block in README.md is replaced.
    var readme = false

    static let usage = """
        usage: compare [micro|echo|unix|http|churn|idle|growth|all ...] [OPTION...]
               compare report [KIND ...] [--json FILE] [--readme]
          --rounds N       how often all peers take their turn (3)
          --seconds S      how long each load lasts (1)
          --depth N        requests in flight on each connection of echo, unix and http (1, up to 64)
          --only PEER,...  of \(Peer.names.joined(separator: ", "))
          --modes MODE,... of \(Peer.modes.joined(separator: ", ")); usually all but buffered
          --quick          one short round of fewer cases, about a minute
          --json FILE      where the results go (results/latest.json; with --quick or --depth nowhere)
          --readme         put the tables of all results in the file into README.md; not with --quick
        """

    struct Wrong: Error {
        let text: String
    }

    init(_ arguments: some Sequence<String>) throws {
        var kinds: [Kind] = []
        var chosenFile: String?
        var left = Array(arguments)[...]
        func value(_ option: String) throws -> String {
            guard let value = left.popFirst() else { throw Wrong(text: "\(option) needs a value") }
            return value
        }
        func names(_ option: String, of known: [String]) throws -> [String] {
            let names = try value(option).split(separator: ",").map(String.init)
            if let stranger = names.first(where: { !known.contains($0) }) {
                throw Wrong(text: "\(option): what is \(stranger)?")
            }
            return names
        }
        while let argument = left.popFirst() {
            switch argument {
            case "all": kinds = Kind.allCases
            case "report": reportOnly = true
            case "--quick": quick = true
            case "--readme": readme = true
            case "--json": chosenFile = try value(argument)
            case "--only": only = try names(argument, of: Peer.names)
            case "--modes": modes = try names(argument, of: Peer.modes)
            case "--rounds":
                guard let number = Int(try value(argument)), number > 0 else {
                    throw Wrong(text: "--rounds N, above 0")
                }
                rounds = number
            case "--seconds":
                guard let number = Double(try value(argument)), number > 0 else {
                    throw Wrong(text: "--seconds S, above 0")
                }
                seconds = number
            case "--depth":
                guard let number = Int(try value(argument)), (1...64).contains(number) else {
                    throw Wrong(text: "--depth N, of 1 to 64")
                }
                depth = number
            default:
                guard let kind = Kind(rawValue: argument) else { throw Wrong(text: "what is \(argument)?") }
                kinds.append(kind)
            }
        }
        if !kinds.isEmpty {
            self.kinds = Kind.allCases.filter(kinds.contains)
        } else if quick {
            self.kinds.removeAll { $0 == .growth }
        }
        // What is stored there is what README.md shows, which is neither brief nor a special case.
        if quick || depth > 1 { file = nil }
        if let chosenFile { file = chosenFile }
        if readme && (quick || file == nil) {
            throw Wrong(text: "--readme is for what is stored, not for --quick, nor --depth without --json")
        }
    }
}
