// D1: the operation that all loops of a group run must not bring along another loop.

import AsyncIO

func misuse(_ group: EventLoopGroup, _ loop: EventLoop) async throws {
    // expect: capture of 'loop' with non-Sendable type 'EventLoop'
    _ = try await group.onEach { _ in loop.isRunning }
}
