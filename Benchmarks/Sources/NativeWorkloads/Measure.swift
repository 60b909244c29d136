// Timing a workload, and the line of JSON that it prints.

import Glibc

/// Wall and CPU time from its creation to its report.
public struct Measure: Sendable {
    /// The name of the program, in each line that it prints. Set once, before anything is measured.
    public nonisolated(unsafe) static var peer = ""

    private let bench: String
    private let count: Int
    private let wallStart = Measure.wall()
    private let cpuStart = Measure.cpu()

    public init(_ bench: String, _ count: Int) {
        self.bench = bench
        self.count = count
    }

    public func report() {
        let seconds = Measure.wall() - wallStart
        let cpuSeconds = Measure.cpu() - cpuStart
        let perOperation = 1e9 / Double(count)
        print(
            #"{"peer":"\#(Measure.peer)","bench":"\#(bench)","n":\#(count),"seconds":\#(seconds),"#
                + #""per_op_ns":\#(seconds * perOperation),"cpu_seconds":\#(cpuSeconds),"#
                + #""cpu_per_op_ns":\#(cpuSeconds * perOperation)}"#)
    }

    public static func skip(_ bench: String, _ why: String) {
        print(#"{"peer":"\#(peer)","bench":"\#(bench)","skipped":"\#(why)"}"#)
    }

    private static func wall() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }

    private static func cpu() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}

/// A line on standard error.
public func complain(_ text: String) {
    let line = text + "\n"
    _ = write(STDERR_FILENO, line, line.utf8.count)
}
