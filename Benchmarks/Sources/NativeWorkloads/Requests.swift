// The minimal HTTP of the servers: requests without bodies, and one answer to all of them.

/// What the servers answer to every request.
public let httpAnswer = Array(
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!".utf8)

/// Several answers in a row, for one write.
public func httpAnswers(_ count: Int) -> [UInt8] {
    if count == 1 { return httpAnswer }
    var joined: [UInt8] = []
    joined.reserveCapacity(count * httpAnswer.count)
    for _ in 0..<count { joined += httpAnswer }
    return joined
}

/// Finds the ends of requests without bodies; they may come in any pieces.
public struct RequestCounter: Sendable {
    private var matched = 0

    public init() {}

    public mutating func feed(_ bytes: some Sequence<UInt8>) -> Int {
        var count = 0
        for byte in bytes {
            // The blank line is \r\n\r\n: even places take one, odd ones the other.
            if byte == (matched & 1 == 0 ? 13 : 10) {
                matched += 1
                if matched == 4 {
                    count += 1
                    matched = 0
                }
            } else {
                matched = byte == 13 ? 1 : 0
            }
        }
        return count
    }
}
