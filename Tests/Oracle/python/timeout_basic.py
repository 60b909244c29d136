"""When the time is over the body is cancelled, and the error is a timeout."""

import asyncio

from oracle import outcome, rounds, run, say


async def main(loop):
    async def body():
        async with asyncio.timeout(0.002) as limit:
            try:
                await loop.create_future()
            except asyncio.CancelledError:
                say("body cancelled", limit.expired(), asyncio.current_task().cancelling())
                raise

    say(await outcome(body()), asyncio.current_task().cancelling())
    await rounds(1)
    say("goes on")


run(main)
