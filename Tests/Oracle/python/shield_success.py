"""A shielded task costs one round more."""

import asyncio

from oracle import E, outcome, run, say, ticks, worker


async def main(loop):
    ticker = loop.create_task(ticks(7))
    say(await outcome(asyncio.shield(loop.create_task(worker("a", 1, 1)))))
    say(await outcome(asyncio.shield(loop.create_task(worker("b", 1, error=E("b"))))))
    await ticker


run(main)
