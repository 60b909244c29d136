"""Within its time an operation is simply awaited."""

import asyncio

from oracle import E, outcome, run, say, ticks, worker


async def main(loop):
    ticker = loop.create_task(ticks(6))
    say(await outcome(asyncio.wait_for(worker("operation", 2, 1), 60)))
    say(await outcome(asyncio.wait_for(loop.create_task(worker("task", 1, 2)), None)))
    say(await outcome(asyncio.wait_for(worker("fails", 1, error=E("x")), 60)))
    await ticker


run(main)
