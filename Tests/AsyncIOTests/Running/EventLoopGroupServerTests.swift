// Servers that the loops of a group share.

import Glibc
import Testing

@testable import AsyncIO

/// The port of the first address.
private func port(of servers: ServerGroup) throws -> Int {
    guard case .ip(_, let port) = try #require(servers.addresses.first) else { throw TestError(name: "no port") }
    return port
}

/// Connects to the servers and returns what comes until the end.
private func answer(
    _ loop: EventLoop, _ port: Int, to question: String = "?", host: String = "127.0.0.1"
) async throws -> String {
    let (reader, writer) = try await loop.openConnection(host: host, port: port)
    writer.write(question)
    writer.writeEOF()
    let answer = try await reader.read()
    writer.close()
    try await writer.waitClosed()
    return asText(answer)
}

/// Asks until every loop of two has answered. That it has not after 2000 connections is as good as impossible.
private func answersUntilBoth(_ port: Int) async throws -> Set<String> {
    try await onLoop { loop in
        var names: Set<String> = []
        for _ in 0..<2000 where names.count < 2 { names.insert(try await answer(loop, port)) }
        return names
    }
}

/// Answers with the name of the thread when the client has ended.
private final class NameProtocol: StreamProtocol {
    private var transport: Transport?
    func connectionMade(_ transport: Transport) { self.transport = transport }
    func connectionLost(_ error: (any Error)?) { transport = nil }
    func eofReceived() -> Bool {
        transport?.write(nameOfThisThread())
        return false
    }
}

@Suite struct EventLoopGroupServerTests {
    @Test func everyLoopGetsConnectionsOfAServerWithStreams() async throws {
        let names = try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                _ = try await reader.read()
                writer.write(nameOfThisThread())
                try await writer.drain()
            }
            return try await answersUntilBoth(try port(of: servers))
        }
        #expect(names == ["loop-0", "loop-1"])
    }

    @Test func everyLoopGetsConnectionsOfAServerWithProtocols() async throws {
        let names = try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.createServer(host: "127.0.0.1", port: 0) { _ in NameProtocol() }
            return try await answersUntilBoth(try port(of: servers))
        }
        #expect(names == ["loop-0", "loop-1"])
    }

    @Test func factoryGetsTheLoopOfTheConnection() async throws {
        let isOwn = SharedCounter()
        try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.createServer(host: "127.0.0.1", port: 0) { loop in
                if try EventLoop.running === loop { isOwn.increment() }
                return NameProtocol()
            }
            let port = try port(of: servers)
            try await onLoop { loop in for _ in 0..<20 { _ = try await answer(loop, port) } }
        }
        #expect(isOwn.value == 20)
    }

    @Test func manyClientsAtOnceAreAllServed() async throws {
        let answers = try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                writer.write(try await reader.read())
                try await writer.drain()
            }
            let port = try port(of: servers)
            return try await onLoop { loop in
                let clients = (0..<200).map { n in
                    loop.createTask { try await answer(loop, port, to: "client \(n)") == "client \(n)" }
                }
                return try await loop.gather(clients)
            }
        }
        #expect(answers == Array(repeating: true, count: 200))
    }

    @Test func allLoopsListenOnThePortThatTheFirstOneGot() async throws {
        let ports = try await EventLoopGroup.with(count: 3) { group in
            let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, _ in }
            let all = try await group.onEach { loop in loop.network.servers.values.flatMap(\.addresses) }
            return (all, servers.addresses)
        }
        #expect(ports.1.count == 1)
        #expect(ports.0 == Array(repeating: ports.1, count: 3))
    }

    @Test func everywhereEachFamilyHasAPortOfItsOwnOnAllLoops() async throws {
        let addresses = try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(port: 0) { _, _ in }
            let all = try await group.onEach { loop in loop.network.servers.values.flatMap(\.addresses) }
            return (all, servers.addresses)
        }
        #expect(addresses.0 == [addresses.1, addresses.1])
    }

    @Test func closeStopsListeningOnAllLoops() async throws {
        let refused = try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.79.1.3", port: 0) { _, _ in }
            let port = try port(of: servers)
            await servers.close()
            await servers.close()
            try await servers.waitClosed()
            return try await onLoop { loop in
                systemCode(try await loop.untilNobodyListens { try await answer(loop, port, host: "127.79.1.3") })
            }
        }
        #expect(refused == .connectionRefused)
    }

    @Test func closeInATaskThatWasCancelledStopsListeningToo() async throws {
        let closed = try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, _ in }
            let closer = Task {
                while !Task.isCancelled { await Task.yield() }
                await servers.close()
            }
            closer.cancel()
            await closer.value
            try await servers.waitClosed()
            return try await group.onEach { loop in loop.network.servers.count }
        }
        #expect(closed == [0, 0])
    }

    @Test func bodyOfAGracefulShutdownMayCloseServersAndWaitForTheirEnd() async throws {
        let served = SharedCounter()
        try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.79.1.5", port: 0) { reader, _ in
                served.increment()
                _ = try await reader.read()
            }
            let port = try port(of: servers)
            try await onLoop { loop in
                let (reader, writer) = try await loop.openConnection(host: "127.79.1.5", port: port)
                try await loop.untilTrue { served.value == 1 }
                let isOver: Bool? = try await loop.withGracefulShutdown(on: [.realTime(23)], deadline: nil) {
                    deliver(Signal.realTime(23).rawValue)
                    do { try await loop.sleep(for: .seconds(3600)) } catch {
                        await servers.close()
                        let listening = try await group.onEach { other in
                            other.network.servers.values.contains { $0.isServing }
                        }
                        #expect(listening == [false, false])
                        await servers.closeClients()
                        try await servers.waitClosed()
                        let counts = try await servers.clientCounts()
                        #expect(counts == [0, 0])
                        return true
                    }
                    return false
                }
                #expect(isOver == true)
                let rest = try await reader.read()
                #expect(rest == [])
                writer.close()
                try await writer.waitClosed()
            }
        }
    }

    @Test(arguments: ["close", "closeClients", "abortClients"], [false, true])
    func cancellationWhileServersAreToldSomethingIsTheNextWaits(what: String, before: Bool) async throws {
        let trace = try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, _ in }
            return try await onLoop { loop in
                let trace = Trace()
                let task = loop.createTask {
                    if before { loop.currentTask?.cancel() }
                    switch what {
                    case "close": await servers.close()
                    case "closeClients": await servers.closeClients()
                    default: await servers.abortClients()
                    }
                    trace("told")
                    do { try await loop.sleep(for: .seconds(3600)) } catch { trace("cancelled") }
                    try await loop.rounds(1)
                    trace("went on")
                }
                // It waits for the first loop by now.
                try await loop.rounds(1)
                if !before { task.cancel() }
                try await task.value
                return trace.entries
            }
        }
        #expect(trace == ["told", "cancelled", "went on"])
    }

    @Test func waitClosedOfATaskThatHasCaughtACancellationEndsWithTheGroup() async throws {
        let group = try EventLoopGroup(count: 2)
        let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, _ in }
        try await onLoop { loop in
            let waiter = loop.createTask {
                try? await loop.sleep(for: .seconds(3600))
                try await servers.waitClosed()
            }
            try await loop.rounds(2)
            waiter.cancel()
            try await group.next().run { other in try await other.untilTrue { other.allTasks.count > 1 } }
            try await group.shutdown(deadline: nil)
            #expect(await settled(waiter) == "value ()")
        }
    }

    @Test func waitClosedOfACancelledTaskOfALoopIsEndedByTheCancellation() async throws {
        try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, _ in }
            try await onLoop { loop in
                let waiter = loop.createTask { try await servers.waitClosed() }
                try await loop.rounds(2)
                waiter.cancel()
                #expect(await settled(waiter) == "cancelled")
            }
        }
    }

    @Test func connectionsAreCountedForEachLoopAndClosed() async throws {
        try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.0.0.1", port: 0) { reader, _ in
                _ = try await reader.read()
            }
            let port = try port(of: servers)
            try await onLoop { loop in
                var clients: [(reader: StreamReader, writer: StreamWriter)] = []
                for _ in 0..<10 { clients.append(try await loop.openConnection(host: "127.0.0.1", port: port)) }
                while try await servers.clientCounts().reduce(0, +) < 10 { try await loop.rounds(1) }
                await servers.close()
                await servers.closeClients()
                for client in clients {
                    let rest = try await client.reader.read()
                    #expect(rest == [])
                    client.writer.close()
                    try await client.writer.waitClosed()
                }
                try await servers.waitClosed()
                let counts = try await servers.clientCounts()
                #expect(counts == [0, 0])
            }
        }
    }

    @Test func abortedConnectionsAreGoneToo() async throws {
        try await EventLoopGroup.with(count: 2) { group in
            let servers = try await group.startServer(host: "127.0.0.1", port: 0) { reader, _ in
                _ = try? await reader.read()
            }
            let port = try port(of: servers)
            try await onLoop { loop in
                let (_, writer) = try await loop.openConnection(host: "127.0.0.1", port: port)
                while try await servers.clientCounts().reduce(0, +) < 1 { try await loop.rounds(1) }
                await servers.close()
                await servers.abortClients()
                try await servers.waitClosed()
                writer.close()
                _ = try? await writer.waitClosed()
            }
        }
    }

    @Test func waitClosedEndsWithTheGroup() async throws {
        let group = try EventLoopGroup(count: 2)
        let servers = try await group.startServer(host: "127.0.0.1", port: 0) { _, _ in }
        let waiter = Task { try await servers.waitClosed() }
        try await group.next().run { loop in try await loop.untilTrue { loop.allTasks.count > 1 } }
        try await group.shutdown(deadline: nil)
        try await waiter.value
        try await servers.waitClosed()
        await servers.close()
    }

    @Test func serversListenOnWhenNobodyHoldsThem() async throws {
        let answers = try await EventLoopGroup.with(count: 2) { group in
            let port = try port(
                of: await group.startServer(host: "127.0.0.1", port: 0) { reader, writer in
                    _ = try await reader.read()
                    writer.write("on")
                })
            return try await onLoop { loop in try await answer(loop, port) }
        }
        #expect(answers == "on")
    }

    @Test func portThatIsInUseIsRefused() async throws {
        let code = try await EventLoopGroup.with(count: 2) { group in
            try await onLoop { loop in
                let other = try await loop.startServer(host: "127.0.0.1", port: 0) { _, _ in }
                guard case .ip(_, let port) = try #require(other.addresses.first) else { return nil as IOError.Code? }
                let error = await caught { try await group.startServer(host: "127.0.0.1", port: port) { _, _ in } }
                other.close()
                return systemCode(error)
            }
        }
        #expect(code == .addressInUse)
    }

    @Test func whenOneLoopFailsTheServersOfTheOthersAreClosed() async {
        await #expect(processExitsWith: .success) {
            try await EventLoopGroup.with(count: 2) { group in
                let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
                var limit = rlimit()
                getrlimit(resource, &limit)
                var error: (any Error)?
                while error == nil {
                    // One socket more, but not two, unless libdispatch has just had a file open: then once more.
                    let free = dup(0)
                    close(free)
                    var low = limit
                    low.rlim_cur = rlim_t(free + 1)
                    setrlimit(resource, &low)
                    error = await caught {
                        try await group.startServer(host: "127.0.0.1", port: 0) { _, _ in }.close()
                    }
                    setrlimit(resource, &limit)
                }
                #expect(systemCode(error) == .tooManyOpenFiles)
                let left = try await group.onEach { loop in loop.network.servers.count }
                #expect(left == [0, 0])
            }
        }
    }

    @Test func groupThatHasEndedServesNoMore() async throws {
        let group = try EventLoopGroup(count: 2)
        try await group.shutdown(deadline: nil)
        let error = await caught { try await group.startServer(host: "127.0.0.1", port: 0) { _, _ in } }
        #expect(loopCode(error) == .closed)
    }
}
