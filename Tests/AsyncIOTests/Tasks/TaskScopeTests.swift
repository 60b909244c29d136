// Scopes of a task, as timeouts and groups make them: one task to all eyes, and a cancellation that stays inside.

import Testing

@testable import AsyncIO

@Suite struct TaskScopeTests {
    private enum Local {
        @TaskLocal static var name = "none"
    }

    @Test func currentTaskIsTheSameInEveryScope() async throws {
        let answers = try await onLoop { loop in
            let task = loop.currentTask
            return try await loop.withTaskGroup { _ in
                let outer = loop.currentTask == task
                let inner = try await loop.withTimeout(.seconds(3600)) {
                    let before = loop.currentTask == task
                    try await loop.rounds(1)
                    return before && loop.currentTask == task
                }
                return [outer, inner, loop.currentTask == task]
            }
        }
        #expect(answers == [true, true, true])
    }

    @Test func taskInScopesIsListedOnce() async throws {
        let counts = try await onLoop { loop in
            try await loop.withTaskGroup { group in
                let child = group.createTask { try await loop.untilCancelled() }
                let count = try await loop.withTimeout(nil) {
                    try await loop.rounds(1)
                    return loop.allTasks.count
                }
                group.cancel()
                _ = child
                return count
            }
        }
        #expect(counts == 2)
    }

    @Test func scopesLeaveNoTaskBehind() async throws {
        let counts = try await onLoop { loop in
            let before = loop.tasks.count
            try await loop.withTaskGroup { _ in
                try await loop.withTimeout(.seconds(3600)) { try await loop.rounds(1) }
            }
            return [loop.tasks.count - before, loop.liveTimers]
        }
        #expect(counts == [0, 0])
    }

    @Test func bodyBeginsAndEndsWithoutGivingWay() async throws {
        let entries = try await onLoop { loop in
            let trace = Trace()
            loop.callSoon { trace("callback") }
            try await loop.withTaskGroup { _ in
                try await loop.withTimeout(.seconds(3600)) { trace("body") }
            }
            trace("after")
            return trace.entries
        }
        #expect(entries == ["body", "after"])
    }

    @Test func bodySeesTaskLocals() async throws {
        let names = try await onLoop { loop in
            try await Local.$name.withValue("bound") {
                try await loop.withTaskGroup { group in
                    let child = group.createTask { Local.name }
                    return [Local.name, try await child.value]
                }
            }
        }
        #expect(names == ["bound", "bound"])
    }

    @Test func cancelFromOutsideReachesTheInnermostAwaitOnce() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = Trace()
            let task = loop.createTask {
                try await loop.withTimeout(.seconds(3600)) {
                    try await loop.withTaskGroup { _ in
                        try await loop.withTimeout(.seconds(3600)) {
                            do { try await loop.untilCancelled(trace, "innermost") } catch {}
                            try await loop.rounds(2)
                            trace("goes on, \(Task.isCancelled)")
                        }
                        try await loop.rounds(1)
                        trace("group")
                    }
                }
                return loop.currentTask?.uncancel()
            }
            try await loop.rounds(2)
            task.cancel()
            let result = await ending(task)
            return (trace.entries, result)
        }
        #expect(entries == ["innermost cancelled", "goes on, true", "group"])
        #expect(result == "value Optional(0)")
    }

    @Test func cancelOfATaskThatIsGatheredReachesItsScope() async throws {
        let (entries, result, counts) = try await onLoop { loop in
            let trace = Trace()
            let children = (1...2).map { n in
                loop.createTask {
                    try await loop.withTaskGroup { group in
                        group.createTask { try await loop.untilCancelled(trace, "grandchild \(n)") }
                        try await loop.withTimeout(nil) { try await loop.untilCancelled(trace, "child \(n)") }
                    }
                }
            }
            let task = loop.createTask { _ = try await loop.gatherResults(children) }
            try await loop.rounds(3)
            task.cancel()
            let result = await ending(task)
            return (trace.entries.sorted(), result, children.map(\.cancelling))
        }
        #expect(
            entries == [
                "child 1 cancelled", "child 2 cancelled", "grandchild 1 cancelled", "grandchild 2 cancelled",
            ])
        #expect(result == "cancelled")
        #expect(counts == [1, 1])
    }

    @Test func flagOfTheOuterScopeStaysCleanWhenTheInnerOneIsCancelled() async throws {
        let flags = try await onLoop { loop in
            try await loop.withTimeout(.seconds(3600)) {
                let inner = Variable(false)
                try await loop.withTaskGroup { group in
                    loop.callSoon { group.cancel() }
                    try? await loop.untilCancelled()
                    inner.value = Task.isCancelled
                }
                return [inner.value, Task.isCancelled]
            }
        }
        #expect(flags == [true, false])
    }

    @Test func flagIsCleanAfterAGroupThatWasCancelledInAnEagerStep() async throws {
        let result = try await onLoop { loop in
            let task = loop.createTask(eagerStart: true) {
                try await loop.withTaskGroup { group in
                    group.createTask { try await loop.untilCancelled() }
                    group.cancel()
                }
                return "\(Task.isCancelled) \(loop.currentTask?.cancelling ?? -1)"
            }
            return await ending(task)
        }
        #expect(result == "value false 0")
    }

    @Test func flagIsSetWhenTheScopeIsCancelledBeforeItsFirstAwait() async throws {
        let flags = try await onLoop { loop in
            let seen = Variable<[Bool]>([])
            try await loop.withTaskGroup { group in
                group.cancel()
                seen.value?.append(Task.isCancelled)
                try? await loop.rounds(1)
                seen.value?.append(Task.isCancelled)
            }
            seen.value?.append(Task.isCancelled)
            return seen.value
        }
        #expect(flags == [true, true, false])
    }

    @Test func taskThatCancelsItselfInAFreshScopeSeesTheFlag() async throws {
        let (flags, result) = try await onLoop { loop in
            let flags = Variable<[Bool]>([])
            let task = loop.createTask {
                try await loop.withTimeout(nil) {
                    loop.currentTask?.cancel()
                    flags.value?.append(Task.isCancelled)
                }
                flags.value?.append(Task.isCancelled)
            }
            let result = await ending(task)
            return (flags.value, result)
        }
        #expect(flags == [true, true])
        // The request was never delivered: the task ends by it all the same.
        #expect(result == "cancelled")
    }

    @Test func nothingIsLeftOfTheRequestThatCameOfAChild() async throws {
        let state = try await onLoop { loop in
            let task = loop.createTask {
                do {
                    try await loop.withTaskGroup { group in
                        group.createTask { throw TestError() }
                        try await loop.untilCancelled()
                    }
                } catch is ExceptionGroup {}
                let cancelling = loop.currentTask?.cancelling
                try await loop.rounds(2)
                return "\(cancelling ?? -1) \(Task.isCancelled)"
            }
            return await ending(task)
        }
        #expect(state == "value 0 false")
    }

    // MARK: - Swift's child tasks

    @Test func swiftsChildTasksInAGroupAreCancelledWithIt() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = UncheckedTransfer(Trace())  // SAFETY: used on the loop's thread only.
            let task = loop.createTask {
                try await loop.withTaskGroup { group in
                    group.createTask {
                        try await loop.rounds(3)
                        throw TestError(name: "child")
                    }
                    async let sleeper: Void = EventLoop.running.untilCancelled(trace.value, "async let")
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await EventLoop.running.untilCancelled(trace.value, "group") }
                        try await group.waitForAll()
                    }
                    try await sleeper
                }
                try await loop.rounds(1)
            }
            let result = await ending(task)
            return (trace.value.entries.sorted(), [result, "\(task.cancelling)"])
        }
        #expect(entries == ["async let cancelled", "group cancelled"])
        #expect(result == ["[child]", "0"])
    }

    @Test func swiftsChildTasksInAScopeAreCancelledFromOutside() async throws {
        let (entries, result) = try await onLoop { loop in
            let trace = UncheckedTransfer(Trace())  // SAFETY: used on the loop's thread only.
            let task = loop.createTask {
                try await loop.withTaskGroup { _ in
                    try await loop.withTimeout(.seconds(3600)) {
                        async let sleeper: Void = EventLoop.running.untilCancelled(trace.value, "async let")
                        try await sleeper
                    }
                }
            }
            try await loop.rounds(4)
            task.cancel()
            let result = await ending(task)
            return (trace.value.entries, result)
        }
        #expect(entries == ["async let cancelled"])
        #expect(result == "cancelled")
    }

    @Test func timeoutCancelsSwiftsChildTasks() async throws {
        let result = try await onLoop { loop in
            await ending(
                loop.createTask {
                    try await loop.withTimeout(.milliseconds(1)) {
                        async let sleeper: Void = EventLoop.running.untilCancelled()
                        try await sleeper
                    }
                })
        }
        #expect(result == "timed out")
    }

    // MARK: - Closing

    @Test func openScopesAreUnwoundAtClose() async throws {
        let (entries, messages) = try await withLoop { loop in
            let trace = Trace()
            let reports = Reports(of: loop)
            loop.createTask(name: "parent") {
                defer { trace("task") }
                try await loop.withTimeout(.seconds(3600)) {
                    defer { trace("timeout") }
                    try await loop.withTaskGroup { group in
                        defer { trace("group") }
                        group.createTask(name: "child") {
                            defer { trace("child") }
                            try await loop.untilCancelled()
                        }
                        try await loop.untilCancelled()
                    }
                }
            }
            try loop.runUntilComplete { try await loop.rounds(3) }
            try loop.close()
            return (trace.entries, reports.messages)
        }
        #expect(entries.sorted() == ["child", "group", "task", "timeout"])
        #expect(messages == Array(repeating: "Task was destroyed but it is pending!", count: 2))
    }

    @Test func groupsThatWaitForTheirChildrenAreUnwoundAtClose() async throws {
        let entries = try await withLoop { loop in
            let trace = Trace()
            let reports = Reports(of: loop)
            loop.createTask {
                defer { trace("task") }
                try await loop.withTaskGroup { outer in
                    outer.createTask {
                        defer { trace("child") }
                        try await loop.withTaskGroup { inner in
                            inner.createTask {
                                defer { trace("grandchild") }
                                try? await loop.untilCancelled()
                                try await loop.rounds(1)
                            }
                        }
                    }
                }
            }
            try loop.runUntilComplete { try await loop.rounds(4) }
            try loop.close()
            #expect(reports.messages.count == 3)
            return trace.entries
        }
        #expect(entries.sorted() == ["child", "grandchild", "task"])
    }
}
