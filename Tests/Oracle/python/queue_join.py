"""Who joins goes on when the work on every item is done."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.Queue()

    async def work(name):
        while True:
            item = await queue.get()
            await rounds(item)
            say(name, "did", item)
            queue.task_done()

    async def join(name):
        await queue.join()
        say(name, "joined")

    for item in (3, 1, 2, 1):
        queue.put_nowait(item)
    workers = [loop.create_task(work(name)) for name in "ab"]
    joins = [loop.create_task(join(name)) for name in "xy"]
    await ticks(7)
    try:
        queue.task_done()
    except ValueError:
        say("too often")
    for task in workers:
        task.cancel()
    await rounds(2)
    say(*(state(task) for task in workers + joins))


run(main)
