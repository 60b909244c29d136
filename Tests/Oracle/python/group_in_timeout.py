"""A timeout around a group."""

import asyncio

from oracle import outcome, run, say, ticks, worker


async def main(loop):
    async def body():
        async with asyncio.timeout(0):
            async with asyncio.TaskGroup() as group:
                group.create_task(worker("a", 20))
                group.create_task(worker("b", 20))

    ticker = loop.create_task(ticks(6))
    say(await outcome(body()), asyncio.current_task().cancelling())
    await ticker


run(main)
