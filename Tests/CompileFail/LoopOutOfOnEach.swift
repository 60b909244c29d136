// D1: the loops of a group must not leave their threads.

import AsyncIO

func misuse(_ group: EventLoopGroup) async throws {
    // expect: type 'EventLoop' does not conform to the 'Sendable' protocol
    _ = try await group.onEach { loop in loop }
}
