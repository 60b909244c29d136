// D1: a type that holds futures and tasks cannot be Sendable.

import AsyncIO

final class Service: Sendable {
    // expect: stored property 'ready' of 'Sendable'-conforming class 'Service' has non-Sendable type 'Future<()>'
    let ready: Future<Void>
    // expect: stored property 'worker' of 'Sendable'-conforming class 'Service' has non-Sendable type 'LoopTask<()>'
    let worker: LoopTask<Void>

    init(_ ready: Future<Void>, _ worker: LoopTask<Void>) {
        self.ready = ready
        self.worker = worker
    }
}
