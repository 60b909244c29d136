"""As many at a time as there are permits, in order."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    semaphore = asyncio.Semaphore(2)

    async def work(name):
        async with semaphore:
            say(name, "begins", semaphore.locked())
            await rounds(2)
            say(name, "ends")

    tasks = [loop.create_task(work(name)) for name in "abcde"]
    await ticks(12)
    say(*(state(task) for task in tasks), semaphore.locked())


run(main)
