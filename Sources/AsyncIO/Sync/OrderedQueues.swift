// Queues in other orders.

/// A queue that gives the item first that was put in last.
///
/// asyncio: LifoQueue
public final class LifoQueue<Element>: Queue<Element> {
    private var stack: [Element] = []

    override func store(_ item: consuming Element) { stack.append(item) }
    override func takeStored() -> Element { stack.removeLast() }
    override var storedCount: Int { stack.count }
}

/// A queue that gives the smallest item first. Equal items come in no particular order.
///
/// asyncio: PriorityQueue
public final class PriorityQueue<Element: Comparable>: Queue<Element> {
    /// A binary heap, the smallest item first.
    private var heap: [Element] = []

    override var storedCount: Int { heap.count }

    override func store(_ item: consuming Element) {
        heap.append(item)
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index] < heap[parent] else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    override func takeStored() -> Element {
        heap.swapAt(0, heap.count - 1)
        let smallest = heap.removeLast()
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            guard least != index else { return smallest }
            heap.swapAt(index, least)
            index = least
        }
    }
}
