// D1: tasks without the type of their results belong to their loop just the same.

import AsyncIO

func misuse(_ loop: EventLoop) {
    let tasks = loop.allTasks
    // expect: passing closure as a 'sending' parameter risks causing data races
    Task.detached {
        for task in tasks { task.cancel() }
    }
}
