"""A timeout around a gathering cancels all children."""

import asyncio

from oracle import outcome, run, say, state, ticks, worker


async def main(loop):
    async def body():
        async with asyncio.timeout(0):
            await asyncio.gather(*tasks)

    tasks = [loop.create_task(worker(name, 20)) for name in "ab"]
    ticker = loop.create_task(ticks(6))
    say(await outcome(body()))
    await ticker
    say(*(state(task) for task in tasks))


run(main)
