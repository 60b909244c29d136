"""A task that swallows its cancellation has its result returned."""

import asyncio

from oracle import E, outcome, run, say


async def main(loop):
    async def stubborn():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            say("swallowed")
        return 5

    async def fails():
        try:
            await loop.create_future()
        except asyncio.CancelledError:
            raise E("instead")

    say(await outcome(asyncio.wait_for(stubborn(), 0.002)))
    say(await outcome(asyncio.wait_for(loop.create_task(stubborn()), 0.002)))
    say(await outcome(asyncio.wait_for(loop.create_task(fails()), 0.002)))
    say(asyncio.current_task().cancelling())


run(main)
