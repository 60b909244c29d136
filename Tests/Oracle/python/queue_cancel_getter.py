"""An item for a task that is cancelled goes to the next one."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    queue = asyncio.Queue()

    async def consume(name):
        try:
            say(name, "got", await queue.get())
        except asyncio.CancelledError:
            say(name, "cancelled")
            raise

    tasks = [loop.create_task(consume(name)) for name in "abc"]
    await rounds(1)
    tasks[1].cancel()
    queue.put_nowait(1)
    tasks[0].cancel()
    await ticks(4)
    say(*(state(task) for task in tasks), queue.qsize())


run(main)
