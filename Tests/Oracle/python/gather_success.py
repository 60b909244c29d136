"""Results in order of the arguments, when the last one has ended."""

import asyncio

from oracle import run, say, ticks, worker


async def main(loop):
    tasks = [loop.create_task(worker(name, count, count)) for name, count in [("a", 3), ("b", 1), ("c", 2)]]
    ticker = loop.create_task(ticks(7))
    say(await asyncio.gather(*tasks))
    await ticker


run(main)
