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
    /// Names of peers; all of them if it is empty.
    var only: [String] = []
    var quick = false
    /// Where the results go; nil is the checked-in file, or no file for a quick run.
    var file: String?
    /// Whether the tables of the file are printed and nothing is run.
    var reportOnly = false
    /// Whether the block in README.md is replaced.
    var readme = false

    static let usage = """
        usage: compare [micro|echo|unix|http|churn|idle|growth|all ...] [OPTION...]
               compare report [--json FILE] [--readme]
          --rounds N       how often all peers take their turn (3)
          --seconds S      how long each load lasts (1)
          --only PEER,...  of asyncio-swift, libuv, dispatch, nio, asyncio, uvloop
          --quick          one short round of fewer cases, about a minute
          --json FILE      where the results go (results/latest.json; with --quick nowhere)
          --readme         put the tables into README.md too
        """

    struct Wrong: Error {
        let text: String
    }

    init(_ arguments: some Sequence<String>) throws {
        var kinds: [Kind] = []
        var left = Array(arguments)[...]
        func value(_ option: String) throws -> String {
            guard let value = left.popFirst() else { throw Wrong(text: "\(option) needs a value") }
            return value
        }
        while let argument = left.popFirst() {
            switch argument {
            case "all": kinds = Kind.allCases
            case "report": reportOnly = true
            case "--quick": quick = true
            case "--readme": readme = true
            case "--json": file = try value(argument)
            case "--only": only = try value(argument).split(separator: ",").map(String.init)
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
    }
}
