// The one FIFO of the loop: callbacks and Swift's jobs side by side, run in rounds.

/// Something that is to run on the loop's thread.
enum ReadyEntry {
    case callback(() throws -> Void)
    /// A job of the Swift runtime: the next part of a task.
    case job(UnownedJob)
    /// The same, isolated to an actor that the loop backs.
    case isolatedJob(UnownedJob)
    /// A task that waits in one of our primitives and is to go on.
    case resume(UnsafeContinuation<Void, Never>)
    /// A timer whose deadline has come.
    case timer(TimerHandle)
    /// A callback that another thread posted.
    case posted(PostedCallback.Reference)
    /// What was here has been cancelled.
    case cancelled
}

/// The ready queue and what belongs to running it.
///
/// It lives behind a pointer that the loop and its executor share: a class's stored properties would pay a
/// dynamic exclusivity check for every push and pop. Only the thread that runs the loop touches it, or, while no
/// thread does, the one that has the loop.
struct ReadyQueue: ~Copyable {
    var ring = RingBuffer<ReadyEntry>()
    /// The last reading of the clock: a timer that is not later is due without asking again.
    var lastClock: Int64 = 0
    /// The loop closes: nothing new is taken in.
    var isClosing = false
    /// libuv polls and calls back, or is about to: no entry of the queue runs.
    var polls = false

    /// The job that goes on in the turn of the one that runs now.
    var followUp: UnownedJob?

    /// Set while a continuation is resumed whose job is to run at once instead of queueing up.
    private var intercepts = false
    private var intercepted: UnownedJob?

    @inline(__always)
    mutating func enqueue(_ job: UnownedJob) {
        if intercepts {
            intercepts = false
            intercepted = job
        } else {
            ring.push(.job(job))
        }
    }

    /// Resumes a continuation and returns the job that its task now has to run here; nil if the task went
    /// to another executor.
    @inline(__always)
    static func resume(
        _ continuation: UnsafeContinuation<Void, Never>, in queue: UnsafeMutablePointer<ReadyQueue>
    ) -> UnownedJob? {
        queue.pointee.intercepts = true
        continuation.resume()
        queue.pointee.intercepts = false
        let job = queue.pointee.intercepted
        queue.pointee.intercepted = nil
        return job
    }
}
