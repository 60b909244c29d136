// Timing a workload, and the line of JSON that it prints.

import Glibc

/// Wall and CPU time from its creation to its report.
struct Measure {
    private let bench: String
    private let count: Int
    /// What a growth curve is drawn over.
    private let size: Int?
    private let wallStart = Measure.wall()
    private let cpuStart = Measure.cpu()

    init(_ bench: String, _ count: Int, size: Int? = nil) {
        self.bench = bench
        self.count = count
        self.size = size
    }

    func report() {
        let seconds = Measure.wall() - wallStart
        let cpuSeconds = Measure.cpu() - cpuStart
        let perOperation = 1e9 / Double(count)
        print(
            #"{"peer":"asyncio-swift","bench":"\#(bench)","n":\#(count),"#
                + (size.map { #""size":\#($0),"# } ?? "") + #""seconds":\#(seconds),"#
                + #""per_op_ns":\#(seconds * perOperation),"cpu_seconds":\#(cpuSeconds),"#
                + #""cpu_per_op_ns":\#(cpuSeconds * perOperation)}"#)
    }

    private static func wall() -> Double {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }

    /// The CPU time of the process, in seconds.
    static func cpu() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
}
