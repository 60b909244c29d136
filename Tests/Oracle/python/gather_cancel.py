"""Who gathers and is cancelled cancels all children, and waits for them."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks, worker


async def main(loop):
    async def slow(name, count):
        try:
            await loop.create_future()
        finally:
            await rounds(count)
            say(name, "clean")

    async def gathers():
        say(await outcome(asyncio.gather(*tasks)))
        await rounds(1)
        say("goes on", asyncio.current_task().cancelling())

    tasks = [loop.create_task(slow("a", 3)), loop.create_task(slow("b", 1)), loop.create_task(worker("c", 0))]
    outer = loop.create_task(gathers())
    await rounds(3)
    outer.cancel()
    await ticks(8)
    say(*(state(task) for task in tasks), state(outer))


run(main)
