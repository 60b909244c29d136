// Connecting to the first address that answers.

/// The attempts of one `createConnection`: carries out what ``HappyEyeballs`` decides.
final class ConnectRace {
    private let loop: EventLoop
    private let remotes: [SocketAddress]
    private let locals: [SocketAddress]
    private let delay: Duration?
    private var decisions: HappyEyeballs
    private var attempts: [Int: UVTCP] = [:]
    private var timer: TimerHandle?
    private var decided: [HappyEyeballs.Action] = []
    private var isCarryingOut = false
    private(set) var errors: [any Error] = []
    /// The connection and where it goes.
    let winner: Future<(UVTCP, SocketAddress)>

    /// - Parameters:
    ///   - locals: the addresses to connect from; empty leaves it to the system.
    ///   - delay: how long an attempt may be silent before the next one starts; nil waits for its failure.
    init(loop: EventLoop, remotes: [SocketAddress], locals: [SocketAddress], delay: Duration?) {
        self.loop = loop
        self.remotes = remotes
        self.locals = locals
        self.delay = delay
        decisions = HappyEyeballs(count: remotes.count, isStaggered: delay != nil)
        winner = loop.createFuture()
    }

    /// Connects, and breaks every attempt off if the task is cancelled.
    func run() async throws -> (UVTCP, SocketAddress) {
        carryOut(decisions.start())
        do {
            return try await winner.value
        } catch {
            if winner.state == .finished {
                // It was cancelled between the success and this.
                try winner.result().0.close()
            }
            carryOut(decisions.cancel())
            throw error
        }
    }

    /// An attempt may fail while it is started; what that leads to comes after what was decided before.
    private func carryOut(_ actions: [HappyEyeballs.Action]) {
        decided += actions
        guard !isCarryingOut else { return }
        isCarryingOut = true
        defer { isCarryingOut = false }
        while !decided.isEmpty {
            let action = decided.removeFirst()
            switch action {
            case .attempt(let index): attempt(index)
            case .startTimer:
                timer?.cancel()
                guard let delay else { break }
                timer = loop.callLater(after: delay) { [weak self] in
                    guard let self else { return }
                    self.carryOut(self.decisions.timerDidFire())
                }
            case .stopTimer:
                timer?.cancel()
                timer = nil
            case .cancel(let indices):
                for index in indices { attempts.removeValue(forKey: index)?.close() }
            case .succeed(let index):
                if let handle = attempts.removeValue(forKey: index) {
                    if winner.isDone { handle.close() } else { winner.finish((handle, remotes[index])) }
                }
            case .fail:
                if !winner.isDone { winner.fail(ConnectFailure(errors: errors)) }
            }
        }
    }

    private func attempt(_ index: Int) {
        let remote = remotes[index]
        do {
            let handle = try UVTCP(on: loop.uv)
            do {
                let name = try remote.socketName(argument: "port")
                try handle.makeSocket(for: name)
                try bind(handle, toReach: remote)
                let status = handle.connect(to: name) { [self] status in didEnd(index, status) }
                try uvCheck(status, "connect", subject: remote.description)
            } catch {
                handle.close()
                throw error
            }
            attempts[index] = handle
        } catch {
            errors.append(error)
            carryOut(decisions.attemptDidFail(index))
        }
    }

    private func bind(_ handle: UVTCP, toReach remote: SocketAddress) throws {
        guard !locals.isEmpty else { return }
        var failures: [any Error] = []
        for local in locals where local.family == remote.family {
            let status = handle.bind(to: try local.socketName(argument: "localAddress"))
            if status == 0 { return }
            failures.append(IOError(uvStatus: status, operation: "bind", subject: local.description))
        }
        throw failures.first
            ?? IOError(
                code: .addressNotAvailable, operation: "bind",
                reason: "no matching local address with family=\(remote.family) found", subject: nil)
    }

    private func didEnd(_ index: Int, _ status: Int32) {
        // An attempt that was broken off has left the table.
        guard let handle = attempts[index] else { return }
        if status == 0 { return carryOut(decisions.attemptDidSucceed(index)) }
        attempts[index] = nil
        handle.close()
        var error = IOError(uvStatus: status, operation: "connect", subject: remotes[index].description)
        if error.code == .addressInUse || error.code == .addressNotAvailable,
            let local = locals.first(where: { $0.family == remotes[index].family })
        {
            // libuv keeps what bind said until now.
            error = IOError(uvStatus: status, operation: "bind", subject: local.description)
        }
        errors.append(error)
        carryOut(decisions.attemptDidFail(index))
    }
}

/// Every attempt failed; what the program gets is made of it.
struct ConnectFailure: Error {
    let errors: [any Error]

    /// One error as it is; errors that read the same as the first of them; else all of them in one.
    func summary(all: Bool) -> any Error {
        if all { return ExceptionGroup("create_connection failed", errors) }
        guard let first = errors.first else {
            return IOError(
                code: .noAddress, operation: "connect", reason: "getaddrinfo() returned empty list", subject: nil)
        }
        let texts = errors.map { "\($0)" }
        guard errors.count > 1, texts.contains(where: { $0 != texts[0] }), let io = first as? IOError else {
            return first
        }
        return IOError(
            code: io.code, operation: "connect", reason: "Multiple exceptions: \(texts.joined(separator: ", "))",
            subject: nil)
    }
}
