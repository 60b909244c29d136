import AsyncIO
@preconcurrency import Glibc

@MainActor func onMain() -> Int { 7 }

@main
struct Tour {
    static func main() throws {
        let x = try AsyncIO.run { loop in
            setvbuf(stdout, nil, _IONBF, 0); print("start"); let f = loop.createFuture(of: Int.self)
            loop.callSoon { try f.setResult(42) }
            print("before", EventLoop.libuvVersion); let a = try await f.value
            print("future", a)
            let t = loop.createTask(name: "greeter") {
                try await loop.sleep(for: .milliseconds(20))
                return "hello"
            }
            print(try await t.value, loop.allTasks.map(\.name))
            let n = try await loop.toThread { 5 }
            print("thread", n, await onMain())
            for try await v in AsyncGenerator<Int>(loop, { yield in for i in 0..<3 { try await yield(i) } }) { print("gen", v) }
            let t2 = loop.createTask { try await loop.sleep(for: .seconds(100)) }
            try await loop.sleep(for: .milliseconds(1))
            t2.cancel()
            do { try await t2.value } catch { print("cancelled", error, t2.isCancelled) }
            loop.callSoon { throw CancellationError() }
            _ = loop.createTask(name: "left") { try await loop.sleep(for: .seconds(100)) }
            try await loop.sleep(for: .zero)
            return a + n
        }
        print(x)
    }
}
