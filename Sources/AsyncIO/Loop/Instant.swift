// Points on the loop's clock.

extension EventLoop {
    /// A point in time on the monotonic clock that all loops of the process share, in nanoseconds.
    ///
    /// Arithmetic saturates: a deadline some centuries away stays there, it does not wrap around.
    ///
    /// asyncio: the float of loop.time() · libuv: uv_hrtime
    public struct Instant: InstantProtocol, Hashable, Sendable, CustomStringConvertible {
        /// Nanoseconds since the clock's zero, which is arbitrary.
        let nanoseconds: Int64

        @inline(__always)
        init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

        /// Creates an instant from asyncio's kind of time stamp, which must not be NaN.
        public init(seconds: Double) {
            precondition(!seconds.isNaN, "EventLoop.Instant: seconds must be a number, not NaN")
            let nanoseconds = seconds * 1e9
            if nanoseconds >= 9.2e18 {
                self.nanoseconds = .max
            } else if nanoseconds <= -9.2e18 {
                self.nanoseconds = .min
            } else {
                self.nanoseconds = Int64(nanoseconds)
            }
        }

        /// Now.
        public static var now: Instant { Instant(nanoseconds: System.nanoseconds) }

        /// A deadline that never comes.
        public static var distantFuture: Instant { Instant(nanoseconds: .max) }

        /// Seconds since the clock's zero, as asyncio's `loop.time()` counts them.
        public var seconds: Double { Double(nanoseconds) / 1e9 }

        /// The instant that lies `duration` later.
        public func advanced(by duration: Duration) -> Instant {
            let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.clampedNanoseconds)
            return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
        }

        /// The time from here to `other`; negative if that lies before.
        public func duration(to other: Instant) -> Duration {
            let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
            return .nanoseconds(overflow ? (other < self ? .min : .max) : difference)
        }

        /// The instant that lies `duration` later.
        public static func + (instant: Instant, duration: Duration) -> Instant { instant.advanced(by: duration) }

        /// The instant that lies `duration` earlier.
        public static func - (instant: Instant, duration: Duration) -> Instant {
            let nanoseconds = duration.clampedNanoseconds
            let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(nanoseconds)
            return Instant(nanoseconds: overflow ? (nanoseconds < 0 ? .max : .min) : difference)
        }

        /// The time from the right instant to the left one.
        public static func - (left: Instant, right: Instant) -> Duration { right.duration(to: left) }

        /// Moves an instant.
        public static func += (instant: inout Instant, duration: Duration) { instant = instant + duration }

        /// Earlier instants come first.
        public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

        /// The seconds, for logs.
        public var description: String { "\(seconds)s" }
    }
}

extension Duration {
    /// Whole nanoseconds, rounded up so that nothing fires early, and kept within `Int64`.
    @inline(__always)
    var clampedNanoseconds: Int64 {
        // A quotient of clearly less than 2^63 is one division of the processor's, where `components` makes several of 128 bits.
        let high = Int64(truncatingIfNeeded: attoseconds >> 64)
        if _fastPath(high >= 0 && high < 499_999_999) {
            let low = UInt64(truncatingIfNeeded: attoseconds)
            let (whole, rest) = (1_000_000_000 as UInt64).dividingFullWidth((UInt64(bitPattern: high), low))
            return Int64(bitPattern: whole) + (rest > 0 ? 1 : 0)
        }
        return clampedNanosecondsInParts
    }

    private var clampedNanosecondsInParts: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let fraction = attoseconds / 1_000_000_000
        let roundUp: Int64 = attoseconds > fraction * 1_000_000_000 ? 1 : 0
        let (sum, overflowed) = scaled.addingReportingOverflow(fraction + roundUp)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }
}
