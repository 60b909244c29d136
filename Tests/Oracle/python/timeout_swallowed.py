"""A body that swallows the cancellation ends as it likes; the timeout has expired all the same."""

import asyncio

from oracle import E, outcome, rounds, run, say


async def main(loop):
    async def body():
        async with asyncio.timeout(0) as limit:
            say(await outcome(loop.create_future()))
            await rounds(2)
            say("goes on", asyncio.current_task().cancelling())
        say("expired", limit.expired(), asyncio.current_task().cancelling())

    async def fails():
        async with asyncio.timeout(0):
            try:
                await loop.create_future()
            except asyncio.CancelledError:
                raise E("instead")

    say(await outcome(body()))
    say(await outcome(fails()), asyncio.current_task().cancelling())


run(main)
