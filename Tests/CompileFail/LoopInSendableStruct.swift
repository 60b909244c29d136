// D1: a type that holds a loop cannot be Sendable; it holds the executor instead.

import AsyncIO

struct Service: Sendable {
    // expect: stored property 'loop' of 'Sendable'-conforming struct 'Service' has non-Sendable type 'EventLoop'
    let loop: EventLoop
}
