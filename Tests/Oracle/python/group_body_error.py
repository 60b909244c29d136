"""An error of the body cancels the children and comes last."""

import asyncio

from oracle import E, outcome, rounds, run, say, ticks, worker


async def main(loop):
    async def body():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("a", 9))
            group.create_task(stubborn())
            await rounds(1)
            say("body fails")
            raise E("body")

    async def stubborn():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            raise E("child")

    ticker = loop.create_task(ticks(6))
    say(await outcome(body()))
    await ticker


run(main)
