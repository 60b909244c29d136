// D1: a lock does not make a loop fit for other threads: its callbacks run without that lock.

import AsyncIO
import Synchronization

let kept = Mutex<EventLoop?>(nil)

func misuse(_ executor: LoopExecutor) throws {
    try executor.callSoonThreadsafe { loop in
        // expect: 'inout sending' parameter '$0' cannot be task-isolated at end of function
        kept.withLock { $0 = loop }
    }
}
