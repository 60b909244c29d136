"""Permits of those who are cancelled go to the next."""

import asyncio

from oracle import rounds, run, say, state, ticks


async def main(loop):
    semaphore = asyncio.Semaphore(1)

    async def work(name):
        try:
            async with semaphore:
                say(name, "has one")
                await rounds(1)
        except asyncio.CancelledError:
            say(name, "cancelled")
            raise

    await semaphore.acquire()
    tasks = {name: loop.create_task(work(name)) for name in "abcd"}
    await rounds(1)
    tasks["b"].cancel()
    await rounds(1)
    semaphore.release()
    tasks["a"].cancel()
    await ticks(7)
    say(*(state(tasks[name]) for name in "abcd"), semaphore.locked())


run(main)
