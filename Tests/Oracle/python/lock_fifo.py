"""A lock goes to those who wait in the order in which they came."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    lock = asyncio.Lock()

    async def work(name):
        async with lock:
            say(name, "has it")
            await rounds(2)
            say(name, "gives it back")

    tasks = [loop.create_task(work(name)) for name in "abc"]
    await ticks(9)
    say(*(state(task) for task in tasks), lock.locked())


run(main)
