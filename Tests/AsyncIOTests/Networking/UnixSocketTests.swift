// Unix sockets: connections and servers, and what happens to the file at the path.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct UnixSocketTests {
    // MARK: - Connections

    @Test func connectionCarriesDataBothWays() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let path = "\(folder)/socket"
                let guests = GuestList(loop)
                let server = try await loop.createUnixServer(path: path) { guests.welcome(echoes: true) }
                #expect(server.addresses == [.unix(path)])
                let (transport, guest) = try await loop.createUnixConnection(path: path) { Guest(loop) }
                #expect(guest.events == ["made"])
                #expect(transport.remoteAddress == .unix(path))
                #expect(try await guests.guest(0).transport?.localAddress == .unix(path))
                transport.write("hello")
                #expect(try await guest.text(5) == "hello")
                try await guest.leave()
                try await server.shutDown()
                #expect(guests.all.map(\.events) == [["made", "eof", "lost"]])
            }
        }
    }

    #if os(Linux)
        @Test func abstractNameWorksLikeAPathButHasNoFile() async throws {
            try await onLoop { loop in
                try await withSocketFolder { folder in
                    let name = "\0\(folder)/abstract"
                    let server = try await loop.createUnixServer(path: name) { Guest(loop, echoes: true) }
                    #expect(server.addresses == [.unix(name)])
                    let (transport, guest) = try await loop.createUnixConnection(path: name) { Guest(loop) }
                    transport.write("hello")
                    #expect(try await guest.text(5) == "hello")
                    let taken = await errorThrown { try await loop.createUnixServer(path: name) { Guest(loop) } }
                    #expect(systemCode(taken) == .addressInUse)
                    try await guest.leave()
                    try await server.shutDown()
                    let gone = try await loop.untilNobodyListens {
                        try await loop.createUnixConnection(path: name) { Guest(loop) }.transport.abort()
                    }
                    #expect(systemCode(gone) == .connectionRefused)
                }
            }
        }
    #endif

    @Test func missingPathIsNoSuchFile() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                var calls = 0
                let error = await errorThrown {
                    try await loop.createUnixConnection(path: "\(folder)/nobody") {
                        calls += 1
                        return Guest(loop)
                    }
                }
                #expect(systemCode(error) == .noSuchFile)
                #expect((error as? IOError)?.subject?.contains("\(folder)/nobody") == true)
                #expect(calls == 0)
            }
        }
    }

    @Test func socketFileThatNobodyListensOnIsRefused() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                try leaveSocket(at: "\(folder)/stale")
                let error = await errorThrown {
                    try await loop.createUnixConnection(path: "\(folder)/stale") { Guest(loop) }
                }
                #expect(systemCode(error) == .connectionRefused)
            }
        }
    }

    @Test func failedAndCancelledConnectionsLeaveNoDescriptorOpen() async {
        await #expect(processExitsWith: .success) {
            try await onLoop { loop in
                try await withSocketFolder { folder in
                    let path = "\(folder)/socket"
                    let address = SocketAddress.unix(path)
                    let listener = try SystemSocket(family: SystemConstant.unix, type: SystemConstant.stream)
                    try listener.bind(to: try address.socketName(argument: "test"), subject: "test")
                    try listener.listen(backlog: 0, subject: "test")
                    // Fill the queue, so that the next one has to wait.
                    let (_, first) = try await loop.createUnixConnection(path: path) { Guest(loop) }
                    let before = countOpenSockets()
                    let task = loop.createTask {
                        try await loop.createUnixConnection(path: path) { Guest(loop) }.transport
                    }
                    try await loop.polls()
                    #expect(!task.isDone)
                    #expect(countOpenSockets() == before + 1)
                    task.cancel()
                    let end = await settled(task)
                    #expect(end == "cancelled")
                    #expect(countOpenSockets() == before)
                    let error = await errorThrown {
                        try await loop.createUnixConnection(path: "\(folder)/nobody") { Guest(loop) }
                    }
                    #expect(systemCode(error) == .noSuchFile)
                    #expect(countOpenSockets() == before)
                    try await first.leave()
                    listener.close()
                }
            }
        }
    }

    @Test func connectionGoesOnWhenAFullQueueHasRoomAgain() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let path = "\(folder)/socket"
                let server = try await loop.createUnixServer(path: path, backlog: 0, startServing: false) {
                    Guest(loop, echoes: true)
                }
                let listener = SystemSocket(try #require(server.fileDescriptors.first))
                try listener.listen(backlog: 0, subject: "test")
                let (_, first) = try await loop.createUnixConnection(path: path) { Guest(loop) }
                let task = loop.createTask {
                    let (transport, guest) = try await loop.createUnixConnection(path: path) { Guest(loop) }
                    transport.write("late")
                    let answer = try await guest.text(4)
                    try await guest.leave()
                    return answer
                }
                try await loop.polls()
                #expect(!task.isDone)
                try await server.startServing()
                #expect(try await task.value == "late")
                try await first.leave()
                try await server.shutDown()
            }
        }
    }

    @Test func pathThatIsTooLongIsRefused() async throws {
        try await onLoop { loop in
            let path = "/tmp/" + String(repeating: "x", count: 200)
            let asClient = await errorThrown { try await loop.createUnixConnection(path: path) { Guest(loop) } }
            #expect(systemCode(asClient) == .nameTooLong)
            let asServer = await errorThrown { try await loop.createUnixServer(path: path) { Guest(loop) } }
            #expect(systemCode(asServer) == .nameTooLong)
        }
    }

    // MARK: - The file at the path

    @Test func staleSocketIsReplaced() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                try leaveSocket(at: "\(folder)/socket")
                let server = try await loop.createUnixServer(path: "\(folder)/socket") { Guest(loop) }
                let (_, guest) = try await loop.createUnixConnection(path: "\(folder)/socket") { Guest(loop) }
                try await guest.leave()
                try await server.shutDown()
            }
        }
    }

    @Test func regularFileIsUntouchedAndInUse() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let path = "\(folder)/file"
                let file = open(path, O_CREAT | O_WRONLY, 0o600)
                #expect(write(file, "abc", 3) == 3)
                let identity = try FileIdentity(descriptor: file)
                close(file)
                let error = await errorThrown { try await loop.createUnixServer(path: path) { Guest(loop) } }
                #expect(systemCode(error) == .addressInUse)
                #expect((error as? IOError)?.subject?.contains(path) == true)
                #expect(try FileIdentity(path: path) == identity)
            }
        }
    }

    @Test func folderThatDoesNotExistIsNoSuchFile() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let error = await errorThrown {
                    try await loop.createUnixServer(path: "\(folder)/none/socket") { Guest(loop) }
                }
                #expect(systemCode(error) == .noSuchFile)
            }
        }
    }

    @Test func emptyPathIsRefused() async throws {
        try await onLoop { loop in
            let error = await errorThrown { try await loop.createUnixServer(path: "") { Guest(loop) } }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    @Test(arguments: [true, false])
    func fileIsRemovedAtCloseIfAskedFor(cleanupSocket: Bool) async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let path = "\(folder)/socket"
                let server = try await loop.createUnixServer(path: path, cleanupSocket: cleanupSocket) { Guest(loop) }
                #expect(exists(path))
                server.close()
                #expect(exists(path) == !cleanupSocket)
                try await server.waitClosed()
            }
        }
    }

    @Test func fileThatHasGoneAlreadyIsNoError() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let reports = Reports(of: loop)
                let server = try await loop.createUnixServer(path: "\(folder)/socket") { Guest(loop) }
                unlink("\(folder)/socket")
                try await server.shutDown()
                #expect(reports.messages == [])
            }
        }
    }

    @Test func oldServerDoesNotRemoveTheFileOfANewOne() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let path = "\(folder)/socket"
                let old = try await loop.createUnixServer(path: path) { Guest(loop) }
                let new = try await loop.createUnixServer(path: path) { Guest(loop) }
                try await old.shutDown()
                #expect(exists(path))
                let (_, guest) = try await loop.createUnixConnection(path: path) { Guest(loop) }
                try await guest.leave()
                try await new.shutDown()
                #expect(!exists(path))
            }
        }
    }

    @Test func fileIsRemovedWhenTheLoopIsClosed() async throws {
        try await onThread {
            var template = Array("/tmp/asyncio-XXXXXX".utf8CString)
            guard let made = mkdtemp(&template) else { throw TestError(name: "mkdtemp") }
            let folder = String(cString: made)
            let path = "\(folder)/socket"
            let loop = try EventLoop()
            let server = try loop.runUntilComplete { try await loop.createUnixServer(path: path) { Guest(loop) } }
            #expect(exists(path))
            try loop.close()
            #expect(!exists(path))
            #expect(!server.isServing)
            rmdir(folder)
        }
    }

    // MARK: - Sockets that exist already

    @Test(arguments: [true, false])
    func boundSocketIsUsedAndItsFileRemovedIfAskedFor(cleanupSocket: Bool) async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let path = "\(folder)/socket"
                let socket = try bindSocket(at: path)
                let server = try await loop.createUnixServer(
                    fileDescriptor: socket.descriptor, cleanupSocket: cleanupSocket
                ) { Guest(loop) }
                #expect(server.addresses == [.unix(path)])
                let (_, guest) = try await loop.createUnixConnection(path: path) { Guest(loop) }
                try await guest.leave()
                try await server.shutDown()
                #expect(exists(path) == !cleanupSocket)
            }
        }
    }

    @Test func internetSocketIsRefused() async throws {
        try await onLoop { loop in
            let socket = try SystemSocket.bound()
            defer { socket.close() }
            let error = await errorThrown {
                try await loop.createUnixServer(fileDescriptor: socket.descriptor) { Guest(loop) }
            }
            #expect(loopCode(error) == .invalidArgument)
        }
    }

    @Test func socketThatCannotListenDoesNotCostTheFileOfItsServer() async throws {
        try await onLoop { loop in
            try await withSocketFolder { folder in
                let path = "\(folder)/socket"
                let listener = try bindSocket(at: path)
                try listener.listen(backlog: 1, subject: "test")
                let (_, guest) = try await loop.createUnixConnection(path: path) { Guest(loop) }
                // It is connected, and has the path of the server that it came through.
                let accepted = SystemSocket(listener.accept().status)
                let identity = accepted.identity
                let error = await errorThrown {
                    try await loop.createUnixServer(fileDescriptor: accepted.descriptor) { Guest(loop) }
                }
                #expect(systemCode(error) == .invalidArgument)
                #expect(exists(path))
                #expect(accepted.identity == identity)
                try await guest.leave()
                listener.close()
                if accepted.identity == identity { accepted.close() }
            }
        }
    }

    private func exists(_ path: String) -> Bool { (try? FileIdentity(path: path)) != nil }

    private func bindSocket(at path: String) throws -> SystemSocket {
        let socket = try SystemSocket(family: SystemConstant.unix, type: SystemConstant.stream)
        try socket.bind(to: try SocketAddress.unix(path).socketName(argument: "test"), subject: path)
        return socket
    }

    /// What a server that crashed leaves.
    private func leaveSocket(at path: String) throws { try bindSocket(at: path).close() }
}
