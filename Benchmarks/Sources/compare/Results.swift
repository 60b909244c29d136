// The file of results: every line of every run, by kind.

import AsyncIO

/// What has been measured; a kind that is run again replaces what was there.
struct Results {
    private var root: JSON = .object([])

    init() {}

    /// Throws if the text is not what `text` writes: a file that is damaged must neither be published nor overwritten.
    init(_ text: String, from file: String) throws {
        guard let root = JSON(text), case .object(let members) = root,
            members.allSatisfy({ $0.value["lines"]?.array != nil })
        else { throw Failure("\(file) is damaged: mend it, or move it away") }
        self.root = root
    }

    /// `facts` are those of the machine and of this run.
    mutating func set(_ kind: Kind, facts: JSON, _ lines: [JSON]) {
        var entry = facts
        entry["lines"] = .array(lines)
        root[kind.rawValue] = entry
    }

    var text: String { root.lines() + "\n" }

    /// The tables of all kinds for README.md, which is not for what was measured in passing.
    func publishable() throws -> String {
        for kind in Kind.allCases {
            if case .bool(true)? = root[kind.rawValue]?["quick"] {
                throw Failure("\(kind) comes from a quick run, which is nothing for README.md")
            }
        }
        let tables = markdown(Kind.allCases)
        if tables.isEmpty { throw Failure("there are no results for README.md") }
        return tables
    }

    /// The tables of the kinds that are there.
    func markdown(_ kinds: [Kind]) -> String {
        kinds.compactMap { kind in root[kind.rawValue].flatMap { Report(kind, $0).markdown } }.joined(separator: "\n")
    }
}

/// The tables in README.md stand between two comments.
func replaceBlock(in page: String, with tables: String) throws -> String {
    let (start, end) = ("<!-- results: written by compare --readme -->", "<!-- end of results -->")
    let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.firstIndex(of: start[...]), let last = lines.firstIndex(of: end[...]), first < last else {
        throw Failure("README.md has no place for the results")
    }
    return (lines[...first] + ["", tables[...], ""] + lines[last...]).joined(separator: "\n")
}
