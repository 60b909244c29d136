// A queue between one producer and one consumer; Swift's standard library has none.

import Synchronization

/// Holds up to `capacity` elements; whoever comes too early waits.
public final class BoundedQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element?]
        var first = 0
        var count = 0
        var producer: UnsafeContinuation<Void, Never>?
        var consumer: UnsafeContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    public init(capacity: Int) {
        state = Mutex(State(elements: Array(repeating: nil, count: capacity)))
    }

    public func put(_ element: Element) async {
        while !tryPut(element) {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let hasRoom = state.withLock { state in
                    if state.count < state.elements.count { return true }
                    state.producer = continuation
                    return false
                }
                if hasRoom { continuation.resume() }
            }
        }
    }

    public func get() async -> Element {
        while true {
            if let element = tryGet() { return element }
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let hasElement = state.withLock { state in
                    if state.count > 0 { return true }
                    state.consumer = continuation
                    return false
                }
                if hasElement { continuation.resume() }
            }
        }
    }

    private func tryPut(_ element: Element) -> Bool {
        let (done, consumer) = state.withLock { state in
            guard state.count < state.elements.count else { return (false, nil as UnsafeContinuation<Void, Never>?) }
            state.elements[(state.first + state.count) % state.elements.count] = element
            state.count += 1
            return (true, state.consumer.take())
        }
        consumer?.resume()
        return done
    }

    private func tryGet() -> Element? {
        let (element, producer) = state.withLock { state in
            guard state.count > 0 else { return (nil as Element?, nil as UnsafeContinuation<Void, Never>?) }
            let element = state.elements[state.first].take()
            state.first = (state.first + 1) % state.elements.count
            state.count -= 1
            return (element, state.producer.take())
        }
        producer?.resume()
        return element
    }
}
