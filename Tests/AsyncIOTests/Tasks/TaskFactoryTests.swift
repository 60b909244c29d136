// Who makes the tasks of a loop.

import Testing

@testable import AsyncIO

/// Makes ordinary tasks and counts them.
private final class CountingFactory: TaskFactory {
    var count = 0
    var names: [String?] = []

    func makeTask<Value>(
        loop: EventLoop, name: String?, operation: nonisolated(nonsending) @escaping () async throws -> Value
    ) -> LoopTask<Value> {
        count += 1
        names.append(name)
        // It forgets the name, as many a factory does.
        return LoopTask(loop: loop, operation: operation)
    }
}

@Suite struct TaskFactoryTests {
    @Test func loopHasNoFactoryAtFirst() async throws {
        let isNil = try await withLoop { loop in loop.taskFactory == nil }
        #expect(isNil)
    }

    @Test func factoryMakesEveryTask() async throws {
        let (count, isSame) = try await onLoop { loop in
            let factory = CountingFactory()
            loop.taskFactory = factory
            for _ in 0..<3 { try await loop.createTask {}.value }
            return (factory.count, loop.taskFactory as? CountingFactory === factory)
        }
        #expect(count == 3)
        #expect(isSame)
    }

    @Test func factoryServesRunUntilComplete() async throws {
        let (count, value) = try await withLoop { loop in
            let factory = CountingFactory()
            loop.taskFactory = factory
            return (factory.count, try loop.runUntilComplete { factory.count })
        }
        #expect(count == 0)
        #expect(value == 1)
    }

    @Test func nameIsKeptAlthoughTheFactoryForgetsIt() async throws {
        let names = try await onLoop { loop in
            let factory = CountingFactory()
            loop.taskFactory = factory
            let task = loop.createTask(name: "given") {}
            try await task.value
            return [task.name, factory.names.first.flatMap { $0 }]
        }
        #expect(names == ["given", "given"])
    }

    @Test func nilRestoresTheDefault() async throws {
        let count = try await onLoop { loop in
            let factory = CountingFactory()
            loop.taskFactory = factory
            loop.taskFactory = nil
            try await loop.createTask {}.value
            return factory.count
        }
        #expect(count == 0)
    }

    @Test func tasksOfAFactoryCanBeCancelledAndAreListed() async throws {
        let (isListed, result) = try await onLoop { loop in
            loop.taskFactory = CountingFactory()
            let task = loop.createTask { try await loop.sleep(for: .seconds(3600)) }
            try await loop.rounds(1)
            let isListed = loop.allTasks.contains { $0 === task }
            task.cancel()
            return (isListed, await settled(task))
        }
        #expect(isListed)
        #expect(result == "cancelled")
    }
}
