"""A timeout in a child is a failure of the group."""

import asyncio

from oracle import outcome, run, say, ticks, worker


async def main(loop):
    async def child():
        async with asyncio.timeout(0):
            await loop.create_future()

    async def body():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("a", 20))
            group.create_task(child())

    ticker = loop.create_task(ticks(8))
    say(await outcome(body()), asyncio.current_task().cancelling())
    await ticker


run(main)
