"""The smallest item first, among those that are there."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.PriorityQueue()

    async def consume():
        for _ in range(7):
            say("got", await queue.get())

    for item in (5, 2, 8, 1):
        queue.put_nowait(item)
    task = loop.create_task(consume())
    say(queue.get_nowait())
    await rounds(1)
    for item in (3, 9, 0, 7):
        queue.put_nowait(item)
    await ticks(3)
    task.cancel()
    await rounds(1)
    say(state(task), queue.qsize())


run(main)
