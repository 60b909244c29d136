// Swift's task-local values, where asyncio has contexts.

import Testing

@testable import AsyncIO

private enum Local {
    @TaskLocal static var value = "none"
}

@Suite struct TaskLocalTests {
    @Test func createTaskInheritsTheValuesOfItsCreator() async throws {
        let seen = try await onLoop { loop in
            let task = Local.$value.withValue("outer") {
                loop.createTask {
                    let before = Local.value
                    try await loop.rounds(1)
                    return [before, Local.value]
                }
            }
            return try await task.value + [Local.value]
        }
        #expect(seen == ["outer", "outer", "none"])
    }

    @Test func eagerStepSeesTheValuesOfItsCreator() async throws {
        let seen = try await onLoop { loop in
            let task = Local.$value.withValue("outer") {
                loop.createTask(eagerStart: true) {
                    let before = Local.value
                    try await loop.rounds(1)
                    return [before, Local.value]
                }
            }
            return try await task.value
        }
        #expect(seen == ["outer", "outer"])
    }

    @Test func tasksKeepTheirValuesApart() async throws {
        let seen = try await onLoop { loop in
            let tasks = (0..<3).map { n in
                loop.createTask {
                    try await Local.$value.withValue("\(n)") {
                        try await loop.rounds(n + 1)
                        return Local.value
                    }
                }
            }
            var seen: [String] = []
            for task in tasks { seen.append(try await task.value) }
            return seen
        }
        #expect(seen == ["0", "1", "2"])
    }

    @Test func toThreadSeesTheValuesOfTheTask() async throws {
        let seen = try await onLoop { loop in
            try await Local.$value.withValue("task") {
                [try await loop.toThread { Local.value }, Local.value]
            }
        }
        #expect(seen == ["task", "task"])
    }

    @Test func toThreadSeesTheInnermostValue() async throws {
        let seen = try await onLoop { loop in
            try await Local.$value.withValue("outer") {
                try await Local.$value.withValue("inner") { try await loop.toThread { Local.value } }
            }
        }
        #expect(seen == "inner")
    }

    @Test func toThreadOnACustomExecutorSeesTheValuesToo() async throws {
        let seen = try await onLoop { loop in
            loop.setDefaultExecutor(ThreadPoolExecutor(maxWorkers: 1))
            let first = try await Local.$value.withValue("first") { try await loop.toThread { Local.value } }
            let second = try await loop.toThread { Local.value }
            try await loop.shutdownDefaultExecutor()
            return [first, second]
        }
        #expect(seen == ["first", "none"])
    }

    @Test func valuesSetInAThreadDoNotComeBack() async throws {
        let seen = try await onLoop { loop in
            let inside = try await loop.toThread { Local.$value.withValue("thread") { Local.value } }
            return [inside, Local.value]
        }
        #expect(seen == ["thread", "none"])
    }
}
