// D1: a transport is written to on its loop's thread only.

import AsyncIO
import Foundation

final class Client: StreamProtocol {
    func connectionMade(_ transport: Transport) {
        Thread.detachNewThread {
            // expect: capture of 'transport' with non-Sendable type 'Transport' in a '@Sendable' closure
            transport.write("hello")
        }
    }
}
