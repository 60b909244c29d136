"""The first end ends the wait."""

import asyncio

from oracle import run, say, ticks, worker


async def main(loop):
    tasks = [loop.create_task(worker(name, count)) for name, count in [("a", 5), ("b", 2), ("c", 2), ("d", 3)]]
    ticker = loop.create_task(ticks(8))
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    say(len(done), len(pending))
    done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    say(len(done), len(pending))
    await ticker


run(main)
