"""A future that is given twice counts once, and gives two results."""

import asyncio

from oracle import run, say, ticks, worker


async def main(loop):
    a, b = loop.create_task(worker("a", 2, 1)), loop.create_task(worker("b", 1, 2))
    say(await asyncio.gather(a, b, a, b))
    ticker = loop.create_task(ticks(3))
    say(await asyncio.gather(a, b, a))
    await ticker


run(main)
