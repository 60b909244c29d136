// Just enough JSON: what the programs print, and the file of results.

/// A value of JSON. Objects keep their order, so that files can be compared.
indirect enum JSON: Sendable {
    case object([(key: String, value: JSON)])
    case array([JSON])
    case string(String)
    case number(Double)
    case bool(Bool)
    case null

    subscript(_ key: String) -> JSON? {
        get {
            guard case .object(let members) = self else { return nil }
            return members.first { $0.key == key }?.value
        }
        set {
            guard case .object(var members) = self else { return }
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((key, value))
            case (nil, nil): break
            }
            self = .object(members)
        }
    }

    var string: String? {
        if case .string(let text) = self { text } else { nil }
    }
    var number: Double? {
        if case .number(let number) = self { number } else { nil }
    }
    var array: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}

extension JSON {
    /// Nil if it is not JSON.
    init?(_ text: some StringProtocol) {
        var parser = Parser(bytes: Array(text.utf8))
        guard let value = parser.value(), parser.isAtEnd else { return nil }
        self = value
    }

    private struct Parser {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool {
            mutating get {
                skipSpace()
                return position == bytes.count
            }
        }

        private mutating func skipSpace() {
            while position < bytes.count, [32, 10, 13, 9].contains(bytes[position]) { position += 1 }
        }

        private mutating func take(_ text: String) -> Bool {
            skipSpace()
            guard bytes[position...].starts(with: text.utf8) else { return false }
            position += text.utf8.count
            return true
        }

        mutating func value() -> JSON? {
            if take("{") { return object() }
            if take("[") { return elements() }
            if take("\"") { return text().map(JSON.string) }
            if take("true") { return .bool(true) }
            if take("false") { return .bool(false) }
            if take("null") { return .null }
            let start = position
            while position < bytes.count, "+-.0123456789eE".utf8.contains(bytes[position]) { position += 1 }
            return Double(String(decoding: bytes[start..<position], as: UTF8.self)).map(JSON.number)
        }

        private mutating func object() -> JSON? {
            var members: [(key: String, value: JSON)] = []
            if take("}") { return .object(members) }
            repeat {
                guard take("\""), let key = text(), take(":"), let value = value() else { return nil }
                members.append((key, value))
            } while take(",")
            return take("}") ? .object(members) : nil
        }

        private mutating func elements() -> JSON? {
            var elements: [JSON] = []
            if take("]") { return .array(elements) }
            repeat {
                guard let value = value() else { return nil }
                elements.append(value)
            } while take(",")
            return take("]") ? .array(elements) : nil
        }

        /// Escapes other than of one character do not occur.
        private mutating func text() -> String? {
            var result: [UInt8] = []
            while position < bytes.count {
                var byte = bytes[position]
                position += 1
                if byte == UInt8(ascii: "\"") { return String(decoding: result, as: UTF8.self) }
                if byte == UInt8(ascii: "\\") {
                    guard position < bytes.count else { return nil }
                    byte = bytes[position] == UInt8(ascii: "n") ? 10 : bytes[position]
                    position += 1
                }
                result.append(byte)
            }
            return nil
        }
    }
}

extension JSON: CustomStringConvertible {
    /// On one line.
    var description: String {
        switch self {
        case .object(let members):
            "{" + members.map { "\(Self.quoted($0.key)):\($0.value)" }.joined(separator: ",") + "}"
        case .array(let elements): "[" + elements.map(\.description).joined(separator: ",") + "]"
        case .string(let text): Self.quoted(text)
        case .number(let number):
            number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
        case .bool(let flag): String(flag)
        case .null: "null"
        }
    }

    /// With a line for each element of an array, since results are read by people too.
    func lines(_ indentation: String = "") -> String {
        let inner = indentation + "  "
        switch self {
        case .object(let members) where members.contains { $0.value.array != nil || $0.value.isDeep }:
            let rows = members.map { "\(inner)\(Self.quoted($0.key)): \($0.value.lines(inner))" }
            return "{\n" + rows.joined(separator: ",\n") + "\n\(indentation)}"
        case .array(let elements) where !elements.isEmpty:
            return "[\n" + elements.map { "\(inner)\($0)" }.joined(separator: ",\n") + "\n\(indentation)]"
        default: return description
        }
    }

    private var isDeep: Bool {
        if case .object = self { true } else { false }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text.unicodeScalars {
            switch character {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\0"..."\u{1f}": result += " "
            default: result.unicodeScalars.append(character)
            }
        }
        return result + "\""
    }
}
