// Connecting that is broken off: by a cancellation at any moment, or by the end of the loop.

import Testing

@testable import AsyncIO

@Suite struct ConnectCancellationTests {
    @Test func cancelWhileConnectingClosesTheSocketAtOnce() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            defer { listener.close() }
            let port = listener.port
            var calls = 0
            let task = loop.createTask {
                try await loop.createConnection(host: "127.0.0.1", port: port) {
                    calls += 1
                    return Guest(loop)
                }.transport
            }
            // The task has begun, and the system has not been asked since: the attempt is under way.
            try await loop.rounds(1)
            #expect(loop.uv.openHandles["tcp"] == 1)
            task.cancel()
            #expect(await settled(task) == "cancelled")
            try await loop.polls()
            #expect(loop.openStreams == [:])
            #expect(loop.uv.requestCount == 0)
            #expect(calls == 0)
        }
    }

    @Test func cancelOfARaceLeavesNoDescriptorOpen() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                let listener = try SystemSocket.listening()
                let remotes = [listener.address, listener.address].compactMap { $0 }
                let before = countOpenSockets()
                let race = ConnectRace(loop: loop, remotes: remotes, locals: [], delay: .seconds(3600))
                let task = loop.createTask { try await race.run() }
                try await loop.rounds(1)
                #expect(countOpenSockets() == before + 1)
                task.cancel()
                let end = await settled(task)
                #expect(end == "cancelled")
                #expect(countOpenSockets() == before)
                try await loop.polls()
                #expect(loop.openStreams == [:])
                #expect(loop.liveTimers == 0)
                listener.close()
            }
        }
    }

    @Test(arguments: 0..<80)
    func cancelAtAnyRoundEitherClosesEverythingOrComesTooLate(rounds: Int) async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let (guest, result) = (Guest(loop), Variable<Transport>())
            let task = loop.createTask {
                result.value = try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) {
                    guest
                }.transport
            }
            try await loop.rounds(rounds)
            task.cancel()
            _ = await settled(task)
            if result.value != nil {
                #expect(guest.events == ["made"])
                try await guest.leave()
            }
            // A protocol that was told of the connection is told of its end.
            if guest.events.first == "made" { try await guest.lost.value }
            try await server.shutDown()
            try await loop.polls()
            #expect(loop.openStreams == [:])
            #expect(loop.uv.requestCount == 0)
        }
    }

    @Test func cancelBetweenTheSuccessAndTheTaskClosesTheConnection() async throws {
        try await onLoop { loop in
            let listener = try SystemSocket.listening()
            defer { listener.close() }
            let race = ConnectRace(
                loop: loop, remotes: [listener.address].compactMap { $0 }, locals: [], delay: nil)
            let task = loop.createTask { try await race.run() }
            // Its callbacks run before the task that waits for it goes on: they were added first.
            race.winner.addDoneCallback { _ in task.cancel() }
            #expect(await settled(task) == "cancelled")
            #expect(race.winner.state == .finished)
            try await loop.polls()
            #expect(loop.openStreams == [:])
        }
    }

    @Test func cancelInConnectionMadeAbortsTheConnection() async throws {
        try await onLoop { loop in
            let server = try await loop.createServer(host: "127.0.0.1", port: 0) { Guest(loop) }
            let task = Variable<LoopTask<Transport>>()
            let guest = Guest(loop) { _ in task.value?.cancel() }
            let connecting = loop.createTask {
                try await loop.createConnection(host: "127.0.0.1", port: server.boundPort) { guest }.transport
            }
            task.value = connecting
            #expect(await settled(connecting) == "cancelled")
            try await guest.lost.value
            #expect(guest.events == ["made", "lost"])
            #expect(guest.error == nil)
            try await server.shutDown()
        }
    }

    @Test(arguments: 0..<80)
    func loopThatClosesWhileATaskConnectsUnwindsTheTask(rounds: Int) async throws {
        let (unwound, left) = try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            let listener = try SystemSocket.listening()
            defer { listener.close() }
            let port = listener.port
            let trace = Trace()
            try loop.runUntilComplete {
                loop.createTask {
                    defer { trace("unwound") }
                    _ = try await loop.createConnection(host: "127.0.0.1", port: port) { Guest(loop) }
                }
                try await loop.rounds(rounds)
            }
            try loop.close()
            return (trace.entries == ["unwound"] || rounds == 0, loop.tasks.count)
        }
        #expect(unwound)
        #expect(left == 0)
    }

    @Test(arguments: 0..<8)
    func loopThatClosesWhileATaskAdoptsASocketUnwindsTheTask(rounds: Int) async throws {
        let left = try await withLoop { loop in
            loop.exceptionHandler = { _, _ in }
            let (mine, theirs) = try SystemSocket.pair()
            defer { theirs.close() }
            try loop.runUntilComplete {
                loop.createTask {
                    _ = try await loop.createConnection(fileDescriptor: mine.descriptor) { Guest(loop) }
                }
                try await loop.rounds(rounds)
            }
            try loop.close()
            return loop.tasks.count
        }
        #expect(left == 0)
    }
}
