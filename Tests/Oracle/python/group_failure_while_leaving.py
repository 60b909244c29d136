"""A child fails when the body has ended."""

import asyncio

from oracle import E, outcome, rounds, run, say, ticks, worker


async def main(loop):
    async def body():
        async with asyncio.TaskGroup() as group:
            group.create_task(worker("a", 9))
            group.create_task(worker("b", 2, error=E("b")))
            say("body ends")

    ticker = loop.create_task(ticks(6))
    say(await outcome(body()), asyncio.current_task().cancelling())
    await rounds(1)
    say("goes on")
    await ticker


run(main)
