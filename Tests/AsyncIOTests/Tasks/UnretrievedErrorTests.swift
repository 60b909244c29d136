// Errors that nobody looks at: reported when the future or task goes away, and only then.

import Testing

@testable import AsyncIO

@Suite struct UnretrievedErrorTests {
    /// The messages that are reported while `body` runs and in the rounds after it.
    private func messages(
        sourceLocation: Testing.SourceLocation = #_sourceLocation,
        _ body: nonisolated(nonsending) @escaping @Sendable (EventLoop) async throws -> Void
    ) async throws -> [String] {
        try await onLoop(sourceLocation: sourceLocation) { loop in
            let reports = Reports(of: loop)
            try await body(loop)
            try await loop.rounds(3)
            return reports.messages
        }
    }

    @Test func droppedFutureWithAnErrorIsReported() async throws {
        let messages = try await messages { loop in try loop.createFuture(of: Int.self).setException(TestError()) }
        #expect(messages == ["Future exception was never retrieved"])
    }

    @Test func reportCarriesTheErrorAndAFutureWithIt() async throws {
        let errors = try await onLoop { loop in
            let reports = Reports(of: loop)
            try loop.createFuture(of: Int.self).setException(TestError(name: "lost"))
            let report = try #require(reports.all.first)
            let future = try #require(report.future as? Future<Never>)
            return [report.exception as? TestError, try future.exception() as? TestError]
        }
        #expect(errors == [TestError(name: "lost"), TestError(name: "lost")])
    }

    @Test func readingTheResultPreventsTheReport() async throws {
        let messages = try await messages { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setException(TestError())
            _ = try? future.result()
        }
        #expect(messages == [])
    }

    @Test func readingTheExceptionPreventsTheReport() async throws {
        let messages = try await messages { loop in
            let future = loop.createFuture(of: Int.self)
            try future.setException(TestError())
            _ = try future.exception()
        }
        #expect(messages == [])
    }

    @Test func awaitingTheFuturePreventsTheReport() async throws {
        let messages = try await messages { loop in
            let future = loop.createFuture(of: Int.self)
            loop.callSoon { try future.setException(TestError()) }
            _ = try? await future.value
        }
        #expect(messages == [])
    }

    @Test func cancelledFutureIsNotReported() async throws {
        let messages = try await messages { loop in loop.createFuture(of: Int.self).cancel() }
        #expect(messages == [])
    }

    @Test func cancelledTaskIsNotReported() async throws {
        let messages = try await messages { loop in
            let task = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            try await loop.rounds(1)
            task.cancel()
        }
        #expect(messages == [])
    }

    @Test func taskThatFailsUnseenIsReportedWithItsName() async throws {
        let reported = try await onLoop { loop in
            let reports = Reports(of: loop)
            loop.createTask(name: "unseen") { throw TestError() }
            try await loop.rounds(3)
            return reports.all.map { "\($0.message) \($0.taskName ?? "-") \($0.origin != nil)" }
        }
        #expect(reported == ["Task exception was never retrieved unseen true"])
    }

    @Test func taskIsNotReportedWhileSomebodyHoldsIt() async throws {
        let counts = try await onLoop { loop in
            let reports = Reports(of: loop)
            var task: LoopTask<Void>? = loop.createTask { throw TestError() }
            try await loop.rounds(3)
            var counts = [reports.all.count]
            #expect(task?.isDone == true)
            task = nil
            counts.append(reports.all.count)
            return counts
        }
        #expect(counts == [0, 1])
    }

    @Test func taskThatFailsAfterASwallowedCancellationIsReported() async throws {
        let messages = try await messages { loop in
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    throw TestError()
                }
            }
            try await loop.rounds(1)
            task.cancel()
        }
        #expect(messages == ["Task exception was never retrieved"])
    }

    @Test func everyOneOfManyFailedFuturesIsReportedOnce() async throws {
        let messages = try await messages { loop in
            for _ in 0..<300 { try loop.createFuture(of: Int.self).setException(TestError()) }
        }
        #expect(messages.count == 300)
    }

    @Test func errorThatRunUntilCompleteThrowsIsNotReported() async throws {
        let messages = try await withLoop { loop in
            let reports = Reports(of: loop)
            #expect(throws: TestError.self) { try loop.runUntilComplete { throw TestError() } }
            loop.stop()
            try loop.runForever()
            return reports.messages
        }
        #expect(messages == [])
    }
}
