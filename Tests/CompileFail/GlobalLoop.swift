// D1: a loop in a global variable could be reached from every thread.

import AsyncIO

// expect: let 'loop' is not concurrency-safe because non-'Sendable' type 'EventLoop?' may have shared mutable state
let loop = try? EventLoop()
