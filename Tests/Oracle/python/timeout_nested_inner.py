"""The inner timeout is over first: the outer body goes on."""

import asyncio

from oracle import outcome, rounds, run, say


async def main(loop):
    async def inner():
        async with asyncio.timeout(0.002):
            await loop.create_future()

    async def outer():
        async with asyncio.timeout(60) as limit:
            say("inner", await outcome(inner()), asyncio.current_task().cancelling())
            await rounds(1)
            say("outer goes on", limit.expired())

    say("outer", await outcome(outer()))


run(main)
