// Waiting until a socket that was closed is gone. A child that another test has just forked has a copy of every descriptor
// until it executes its program, so that a closed listener goes on for that long.

@testable import AsyncIO

extension EventLoop {
    /// Connects, through `connect`, until nobody accepts any more; the error that says so.
    func untilNobodyListens<Value>(_ connect: () async throws -> Value) async throws -> any Error {
        while true {
            do {
                _ = try await connect()
            } catch let error as IOError where error.code == .connectionReset {
                // It was accepted by a listener that has gone since.
            } catch {
                return error
            }
            try await sleep(for: .milliseconds(1))
        }
    }

    /// Runs `body` until the address that it binds or listens on is free.
    func onceFree<Value>(_ body: () async throws -> Value) async throws -> Value {
        while true {
            do { return try await body() } catch let error as IOError where error.code == .addressInUse {
                try await sleep(for: .milliseconds(1))
            }
        }
    }
}
