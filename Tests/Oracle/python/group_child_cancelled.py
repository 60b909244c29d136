"""A child that is cancelled is no failure."""

import asyncio

from oracle import outcome, rounds, run, say, state, ticks, worker


async def main(loop):
    async def body():
        async with asyncio.TaskGroup() as group:
            a = group.create_task(worker("a", 9))
            b = group.create_task(worker("b", 3, 2))
            await rounds(1)
            a.cancel()
            say("body ends")
        say(state(a), state(b))

    ticker = loop.create_task(ticks(7))
    say(await outcome(body()))
    await ticker


run(main)
