// Who waits for whom: the call graph of a task and the tree of all tasks.

import Glibc
import Testing

@testable import AsyncIO

@Suite struct CallGraphTests {
    /// Names of the tasks that wait, those that wait for these in brackets.
    private static func text(_ graph: CallGraph?) -> String {
        guard let graph else { return "nil" }
        let above = graph.awaitedBy.map { text($0) }.sorted().joined(separator: ", ")
        return graph.name + (graph.isCycle ? "!" : "") + (above.isEmpty ? "" : "(\(above))")
    }

    /// The tree with the names only.
    private static func tree(_ loop: EventLoop) -> [String] {
        loop.taskTree().split(separator: "\n").map { line in
            let note = line.hasSuffix("(see above)") ? " (see above)" : ""
            return String(line.prefix { $0 != "A" }.drop { $0 == "\n" }).trimmedEnd + note
        }
    }

    /// Runs `body` when the tasks that it gets the loop for wait, and cancels them.
    private static func observe<Result: Sendable>(
        _ start: @escaping @Sendable (EventLoop, LoopTask<Void>) -> Void,
        _ look: @escaping @Sendable (EventLoop, LoopTask<Void>) -> Result
    ) async throws -> Result {
        try await onLoop { loop in
            loop.currentTask?.name = "test"
            let leaf = loop.createTask(name: "leaf") { try await loop.untilCancelled() }
            start(loop, leaf)
            try await loop.rounds(4)
            let result = look(loop, leaf)
            for task in loop.allTasks where task != loop.currentTask { task.cancel() }
            try await loop.rounds(6)
            return result
        }
    }

    @Test func chainOfAwaitsIsShown() async throws {
        let text = try await Self.observe { loop, leaf in
            let middle = loop.createTask(name: "middle") { try await leaf.value }
            loop.createTask(name: "root") { try await middle.value }
        } _: { loop, leaf in
            Self.text(loop.captureCallGraph(of: leaf))
        }
        #expect(text == "leaf(middle(root))")
    }

    @Test func gatherWaitAndGroupsAreSeenThrough() async throws {
        let text = try await Self.observe { loop, leaf in
            loop.createTask(name: "gather") { _ = try await loop.gather([leaf]) }
            loop.createTask(name: "results") { _ = try await loop.gatherResults([leaf]) }
            loop.createTask(name: "wait") { _ = try await loop.wait([leaf]) }
            loop.createTask(name: "timeout") { try await loop.waitFor(leaf, timeout: .seconds(3600)) }
            loop.createTask(name: "group") {
                try await loop.withTaskGroup { group in
                    group.createTask(name: "child") { try await leaf.value }
                }
            }
        } _: { loop, leaf in
            Self.text(loop.captureCallGraph(of: leaf))
        }
        #expect(text == "leaf(child(group), gather, results, timeout, wait)")
    }

    @Test func shieldIsSeenThrough() async throws {
        let text = try await Self.observe { loop, leaf in
            loop.createTask(name: "shield") { try await loop.shield(leaf) }
        } _: { loop, leaf in
            Self.text(loop.captureCallGraph(of: leaf))
        }
        #expect(text == "leaf(shield)")
    }

    @Test func childrenThatCameWhileTheGroupWaitsAreShown() async throws {
        let tree = try await Self.observe { loop, leaf in
            loop.createTask(name: "group") {
                try await loop.withTaskGroup { group in
                    group.createTask(name: "early") {
                        try await loop.rounds(1)
                        group.createTask(name: "late") { try await leaf.value }
                        try await loop.untilCancelled()
                    }
                }
            }
        } _: { loop, leaf in
            Self.text(loop.captureCallGraph(of: leaf))
        }
        #expect(tree == "leaf(late(group))")
    }

    @Test func currentTaskIsTheDefaultAndInACallbackThereIsNone() async throws {
        let texts = try await onLoop { loop in
            let inCallback = Variable<String>()
            loop.callSoon { inCallback.value = Self.text(loop.captureCallGraph()) }
            let inner = loop.createTask(name: "inner") {
                try await loop.rounds(2)
                return Self.text(loop.captureCallGraph())
            }
            loop.currentTask?.name = "outer"
            return [try await inner.value, inCallback.value ?? ""]
        }
        #expect(texts == ["inner(outer)", "nil"])
    }

    @Test func taskThatHasEndedHasNoGraph() async throws {
        let isNil = try await onLoop { loop in
            let task = loop.createTask { 1 }
            _ = try await task.value
            return loop.captureCallGraph(of: task) == nil
        }
        #expect(isNil)
    }

    @Test func graphIsSpelledOutWithOriginsAndIndentation() async throws {
        let lines = try await Self.observe { loop, leaf in
            loop.createTask(name: "root") { try await leaf.value }
        } _: { loop, leaf in
            loop.captureCallGraph(of: leaf)?.description.split(separator: "\n").map(String.init) ?? []
        }
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("Task \"leaf\" created at AsyncIOTests/CallGraphTests.swift:") == true)
        #expect(lines.last?.hasPrefix("    awaited by Task \"root\" created at ") == true)
    }

    @Test func circleIsMarkedAndEnds() async throws {
        let (graph, tree) = try await onLoop { loop in
            loop.currentTask?.name = "test"
            let second = Variable<LoopTask<Void>>()
            let first = loop.createTask(name: "first") {
                try await loop.rounds(1)
                try await second.value?.value
            }
            second.value = loop.createTask(name: "second") { try await first.value }
            try await loop.rounds(3)
            let graph = Self.text(loop.captureCallGraph(of: first))
            let tree = loop.taskTree()
            first.cancel()
            try await loop.rounds(5)
            second.value = nil
            return (graph, tree)
        }
        #expect(graph == "first(second(first!))")
        #expect(occurrences(of: "cycle:", in: tree) == 1)
        #expect(occurrences(of: "(T) first", in: tree) + occurrences(of: "(T) second", in: tree) == 3)
        #expect(occurrences(of: "(see above)", in: tree) == 1)
    }

    @Test func treeShowsWhatTasksWaitFor() async throws {
        let tree = try await Self.observe { loop, leaf in
            loop.createTask(name: "root") {
                try await loop.withTaskGroup { group in
                    group.createTask(name: "child") { try await leaf.value }
                }
            }
        } _: { loop, _ in
            Self.tree(loop)
        }
        #expect(Set(tree) == ["(T) test", "(T) root", "└── (T) child", "    └── (T) leaf"])
        #expect(tree.firstIndex(of: "└── (T) child") == tree.firstIndex(of: "(T) root").map { $0 + 1 })
        #expect(tree.firstIndex(of: "    └── (T) leaf") == tree.firstIndex(of: "(T) root").map { $0 + 2 })
    }

    @Test func sharedTaskIsSpelledOutOnce() async throws {
        let tree = try await Self.observe { loop, leaf in
            let shared = loop.createTask(name: "shared") { try await leaf.value }
            for name in ["one", "two"] { loop.createTask(name: name) { try await shared.value } }
        } _: { loop, _ in
            loop.taskTree()
        }
        #expect(occurrences(of: "(T) shared", in: tree) == 2)
        #expect(occurrences(of: "(see above)", in: tree) == 1)
        #expect(occurrences(of: "(T) leaf", in: tree) == 1)
    }

    @Test func loopWithoutTasksSaysSo() async throws {
        let tree = try await withLoop { $0.taskTree() }
        #expect(tree == "no tasks")
    }

    @Test func tasksOfGeneratorsAreNotShown() async throws {
        let tree = try await onLoop { loop in
            loop.currentTask?.name = "test"
            let numbers = AsyncGenerator<Int>(loop) { yield in for n in 1...2 { try await yield(n) } }
            for try await _ in numbers { break }
            defer { loop.callSoon {} }
            let tree = loop.taskTree()
            try await numbers.aclose()
            return tree
        }
        #expect(occurrences(of: "(T)", in: tree) == 1)
    }

    @Test func graphIsPrintedToStandardError() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await onLoop { loop in
                let leaf = loop.createTask(name: "leaf") { try await loop.untilCancelled() }
                let root = loop.createTask(name: "root") { try await leaf.value }
                try await loop.rounds(2)
                loop.printCallGraph(of: leaf)
                root.cancel()
                _ = await ending(root)
                loop.printCallGraph(of: leaf)
            }
        }
        let output = standardError(of: result)
        #expect(output.contains("awaited by Task \"root\""))
        #expect(output.contains("Task \"leaf\" has ended."))
    }

    @Test func signalPrintsTheTasksInDebugMode() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            try await onLoop(debug: true) { loop in
                try loop.dumpTasks(onSignal: .user1)
                let arrived = loop.createFuture(of: Void.self)
                let handle = try UVSignal(on: loop.uv)
                try handle.start(SIGUSR1) { _ in if !arrived.isDone { arrived.finish(()) } }
                let waiter = loop.createTask(name: "waiter") { try await loop.untilCancelled() }
                try await loop.rounds(1)
                kill(getpid(), SIGUSR1)
                try await arrived.value
                try await loop.rounds(2)
                try loop.dumpTasks(onSignal: nil)
                handle.close()
                waiter.cancel()
                _ = await ending(waiter)
            }
        }
        let output = standardError(of: result)
        #expect(occurrences(of: "(T) waiter", in: output) == 1)
    }

    @Test func signalHandlerIsGoneWithTheLoop() async {
        await #expect(processExitsWith: .success) {
            try await onLoop(debug: true) { loop in try loop.dumpTasks(onSignal: .user1) }
        }
    }

    @Test func signalDoesNothingWithoutDebugMode() async throws {
        let handles = try await onLoop(debug: false) { loop in
            let before = loop.uv.openHandles
            try loop.dumpTasks(onSignal: .user1)
            return loop.uv.openHandles == before
        }
        #expect(handles)
    }
}

extension String {
    fileprivate var trimmedEnd: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
