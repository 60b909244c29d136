// D1: a loop in a static property could be reached from every thread.

import AsyncIO

enum Service {
    // expect: static property 'loop' is not concurrency-safe because non-'Sendable' type 'EventLoop?'
    static let loop = try? EventLoop()
}
