// Helpers of the tests that look at what a child process printed.

import Glibc
import Testing

/// Ends a child process that leaves a task suspended on purpose, before LeakSanitizer counts it.
func leaveWithoutLookingForLeaks() { _exit(EXIT_SUCCESS) }

/// What a child process wrote to standard error; the test observes it.
func standardError(of result: ExitTest.Result?) -> String {
    String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
}

/// How often `part` occurs in `text`.
func occurrences(of part: String, in text: String) -> Int {
    var count = 0
    var rest = Substring(text)
    while let range = rest.firstRange(of: part) {
        count += 1
        rest = rest[range.upperBound...]
    }
    return count
}
