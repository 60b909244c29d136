// Cancellation: when a task gets it, and what the task may do about it.

import Testing

@testable import AsyncIO

@Suite struct CancellationTests {
    // MARK: - Before the first step

    @Test func cancelBeforeFirstStepNeverRunsTheBody() async throws {
        let (ran, result) = try await onLoop { loop in
            var ran = false
            let task = loop.createTask { ran = true }
            task.cancel()
            return (ran, await settled(task))
        }
        #expect(!ran)
        #expect(result == "cancelled")
    }

    @Test func cancelBeforeFirstStepReleasesWhatTheBodyCaptured() async throws {
        let isGone = try await onLoop { loop in
            weak var token: Token?
            let task: LoopTask<Void>
            do {
                let captured = Token()
                token = captured
                task = loop.createTask { withExtendedLifetime(captured) {} }
            }
            task.cancel()
            try await loop.rounds(2)
            return token == nil && task.isCancelled
        }
        #expect(isGone)
    }

    @Test func uncancelBeforeFirstStepLetsTheBodyRun() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                try await loop.sleep(for: .zero)
                return 1
            }
            task.cancel()
            task.uncancel()
            return await settled(task)
        }
        #expect(result == "value 1")
    }

    @Test func uncancelBeforeFirstStepLeavesSwiftsFlagClean() async throws {
        let flag = try await onLoop { loop in
            let task = loop.createTask { Task.isCancelled }
            task.cancel()
            task.uncancel()
            return try await task.value
        }
        #expect(!flag)
    }

    @Test func oneUncancelOfTwoCancelsBeforeFirstStepDoesNotSaveTheTask() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask { 1 }
            task.cancel()
            task.cancel()
            task.uncancel()
            return await settled(task)
        }
        #expect(result == "cancelled")
    }

    // MARK: - While it waits

    @Test func cancelOfATaskThatAwaitsAFutureCancelsTheFuture() async throws {
        let states = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await future.value }
            try await loop.rounds(1)
            task.cancel()
            let futureWasCancelledAtOnce = future.isCancelled
            let taskWasDoneAtOnce = task.isDone
            return [futureWasCancelledAtOnce, taskWasDoneAtOnce, await settled(task) == "cancelled"]
        }
        #expect(states == [true, false, true])
    }

    @Test func cancelEndsASleep() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            try await loop.rounds(1)
            task.cancel()
            return await settled(task)
        }
        #expect(result == "cancelled")
    }

    @Test func cancelReachesATaskThatOnlyEverYields() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask { while true { try await loop.sleep(for: .zero) } }
            try await loop.rounds(3)
            task.cancel()
            return await settled(task)
        }
        #expect(result == "cancelled")
    }

    @Test func cancelOfADoneTaskReturnsFalse() async throws {
        let answers = try await onLoop { loop in
            let task = loop.createTask {}
            try await task.value
            return [task.cancel(), task.isCancelled, task.cancelling > 0]
        }
        #expect(answers == [false, false, false])
    }

    @Test func cancelledFutureRaisesInTheTaskWhichMayGoOn() async throws {
        let (result, count) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask {
                do { return try await future.value } catch is CancellationError { return 42 }
            }
            try await loop.rounds(1)
            future.cancel()
            return (await settled(task), task.cancelling)
        }
        #expect(result == "value 42")
        #expect(count == 0)
    }

    @Test func taskThatThrowsCancellationByItselfIsCancelled() async throws {
        let (result, count) = try await onLoop { loop in
            let task = loop.createTask { throw CancellationError() }
            return (await settled(task), task.cancelling)
        }
        #expect(result == "cancelled")
        #expect(count == 0)
    }

    // MARK: - After it was woken

    @Test func cancelAfterTheFutureCompletedInTheSamePassIsStillDelivered() async throws {
        let (result, futureResult) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await future.value }
            try await loop.rounds(1)
            try future.setResult(1)
            task.cancel()
            return (await settled(task), outcome(of: future))
        }
        #expect(result == "cancelled")
        #expect(futureResult == "value 1")
    }

    @Test func cancelAfterTheFutureFailedInTheSamePassIsStillDelivered() async throws {
        let (result, messages) = try await onLoop { loop in
            let reports = Reports(of: loop)
            let result: String
            do {
                let future = loop.createFuture(of: Int.self)
                let task = loop.createTask { [weak future] in _ = try await future?.value }
                try await loop.rounds(1)
                try future.setException(TestError())
                task.cancel()
                result = await settled(task)
                _ = try future.exception()
            }
            return (result, reports.messages)
        }
        #expect(result == "cancelled")
        #expect(messages == [])
    }

    @Test func uncancelAfterTheFutureCompletedLetsTheResultThrough() async throws {
        let result = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await future.value }
            try await loop.rounds(1)
            try future.setResult(5)
            task.cancel()
            task.uncancel()
            return await settled(task)
        }
        #expect(result == "value 5")
    }

    @Test func cancelAfterTheTimerOfASleepIsStillDelivered() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = Variable<LoopTask<Void>>()
            task.value = loop.createTask {
                // Both are due at once, in this order: the timer wakes the task, and then the task is cancelled.
                let now = loop.time()
                loop.callAt(now) { trace("cancel \(task.value?.cancel() == true)") }
                try await loop.suspend(until: now.advanced(by: .milliseconds(-1)))
            }
            let result = await settled(try #require(task.value))
            task.value = nil
            return (trace.entries, result)
        }
        #expect(entries == ["cancel true"])
        #expect(result == "cancelled")
    }

    @Test(arguments: [false, true])
    func cancelOfATaskAndOfItsFutureInOnePassIsOneDelivery(futureFirst: Bool) async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask {
                do {
                    _ = try await future.value
                } catch is CancellationError {
                    trace("delivered")
                }
                try await loop.rounds(2)
                trace("went on")
            }
            try await loop.rounds(1)
            if futureFirst { future.cancel() }
            task.cancel()
            if !futureFirst { future.cancel() }
            try await task.value
            return trace.entries
        }
        #expect(entries == ["delivered", "went on"])
    }

    @Test func cancelOfATaskAndOfItsFutureInOnePassCancelsTheTask() async throws {
        let result = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask { try await future.value }
            try await loop.rounds(1)
            future.cancel()
            task.cancel()
            return await settled(task)
        }
        #expect(result == "cancelled")
    }

    // MARK: - From inside

    @Test func selfCancelIsDeliveredAtTheNextRealSuspension() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            let done = loop.createFuture(of: Int.self)
            try done.setResult(1)
            let task = loop.createTask {
                trace("cancel \(loop.currentTask?.cancel() == true)")
                trace("done future \(try await done.value)")
                do {
                    try await loop.sleep(for: .zero)
                } catch {
                    trace("\(error is CancellationError)")
                }
            }
            try await task.value
            return trace.entries
        }
        #expect(entries == ["cancel true", "done future 1", "true"])
    }

    @Test func selfCancelCancelsTheFutureThatIsAwaitedNext() async throws {
        let (result, isCancelled) = try await onLoop { loop in
            let future = loop.createFuture(of: Int.self)
            let task = loop.createTask {
                loop.currentTask?.cancel()
                return try await future.value
            }
            return (await settled(task), future.isCancelled)
        }
        #expect(result == "cancelled")
        #expect(isCancelled)
    }

    @Test func selfCancelEndsALongSleepThatBeginsAfterwards() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                loop.currentTask?.cancel()
                try await loop.sleep(for: .seconds(3600))
            }
            return await settled(task)
        }
        #expect(result == "cancelled")
    }

    @Test func taskThatReturnsWithAnUndeliveredCancellationIsCancelled() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                loop.currentTask?.cancel()
                return 1
            }
            return await settled(task)
        }
        #expect(result == "cancelled")
    }

    @Test func taskThatThrowsWithAnUndeliveredCancellationFails() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask {
                loop.currentTask?.cancel()
                throw TestError()
            }
            return await settled(task)
        }
        #expect(result == "error TestError(name: \"test\")")
    }

    // MARK: - Afterwards

    @Test func swallowedCancellationLetsTheTaskFinish() async throws {
        let (result, isCancelled) = try await onLoop { loop in
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {}
                return 42
            }
            try await loop.rounds(1)
            task.cancel()
            return (await settled(task), task.isCancelled)
        }
        #expect(result == "value 42")
        #expect(!isCancelled)
    }

    @Test func cleanupMayAwaitAfterTheCancellation() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let future = loop.createFuture(of: String.self)
            let helper = loop.createTask {
                try await loop.rounds(5)
                return "task"
            }
            let task = loop.createTask {
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {
                    try await loop.sleep(for: .milliseconds(1))
                    trace("sleep")
                    trace(try await helper.value)
                    loop.callSoon { try future.setResult("future") }
                    trace(try await future.value)
                    trace(try await loop.toThread { "thread" })
                    throw error
                }
            }
            try await loop.rounds(1)
            task.cancel()
            let result = await settled(task)
            return (trace.entries, result)
        }
        #expect(entries == ["sleep", "task", "future", "thread"])
        #expect(result == "cancelled")
    }

    @Test func cancellationIsSeenBySwiftsOwnFlag() async throws {
        let flags = try await onLoop { loop in
            let task = loop.createTask {
                let before = Task.isCancelled
                do {
                    try await loop.sleep(for: .seconds(3600))
                } catch {}
                return [before, Task.isCancelled]
            }
            try await loop.rounds(1)
            task.cancel()
            return try await task.value
        }
        #expect(flags == [false, true])
    }

    @Test func cancellationIsSeenBySwiftsCancellationHandler() async throws {
        let result = try await onLoop { loop in
            let executor = loop.executor
            let outside = loop.createFuture(of: String.self)
            let transfer = UncheckedTransfer(outside)  // SAFETY: unwrapped on the loop's thread only.
            let task = loop.createTask {
                await withTaskCancellationHandler {
                    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                        // Not one of our suspensions: only Swift's flag can get through.
                        outside.addDoneCallback { _ in continuation.resume() }
                    }
                } onCancel: {
                    _ = try? executor.callSoonThreadsafe { _ in try transfer.value.setResult("handler") }
                }
                return try await outside.value
            }
            try await loop.rounds(1)
            task.cancel()
            return await settled(task)
        }
        // The request is still due when the wait is over: the task that returns is cancelled, as in asyncio.
        #expect(result == "cancelled")
    }
}
