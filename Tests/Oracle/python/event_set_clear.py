"""Set and cleared at once, an event still wakes those who waited."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    event = asyncio.Event()

    async def work(name):
        while True:
            await event.wait()
            say(name, event.is_set())
            await rounds(1)

    tasks = [loop.create_task(work(name)) for name in "ab"]
    await rounds(1)
    event.set()
    event.clear()
    await ticks(3)
    event.set()
    await ticks(2)
    event.clear()
    await ticks(2)
    for task in tasks:
        task.cancel()
    await rounds(2)
    say(*(state(task) for task in tasks))


run(main)
