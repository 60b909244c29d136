// Where in a program something was scheduled.

/// A place in the source: what reports name as the origin of a callback or task.
public struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    private let fileIDPointer: StaticString
    /// The line, counted from 1.
    public let line: UInt

    /// Creates a location; the defaults are the place of the call.
    public init(fileID: StaticString = #fileID, line: UInt = #line) {
        fileIDPointer = fileID
        self.line = line
    }

    /// Module and file, as `#fileID` gives them.
    public var fileID: String { "\(fileIDPointer)" }

    /// `Module/File.swift:12`.
    public var description: String { "\(fileIDPointer):\(line)" }

    /// Locations are equal when file and line are.
    public static func == (left: SourceLocation, right: SourceLocation) -> Bool {
        left.line == right.line && left.fileID == right.fileID
    }

    /// Hashes file and line.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(line)
        hasher.combine(fileID)
    }
}
