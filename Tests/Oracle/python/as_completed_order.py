"""Futures in the order in which they end."""

import asyncio

from oracle import E, outcome, run, say, ticks, worker


async def main(loop):
    tasks = [
        loop.create_task(worker("a", 5, 1)),
        loop.create_task(worker("b", 1, 2)),
        loop.create_task(worker("c", 3, error=E("c"))),
        loop.create_task(worker("d", 1, 4)),
    ]
    ticker = loop.create_task(ticks(9))
    async for future in asyncio.as_completed(tasks):
        say("got", await outcome(future))
    say("over")
    await ticker


run(main)
