// D10: the bytes that a protocol is lent are gone when a callback runs.

import AsyncIO

final class Late: StreamProtocol {
    private var transport: Transport?

    func connectionMade(_ transport: Transport) { self.transport = transport }

    // expect: lifetime-dependent variable 'data' escapes its scope
    func dataReceived(_ data: RawSpan) {
        transport?.loop.callSoon { self.transport?.write(data) }
    }
}
